"""The configuration of a node with a database: a write is committed, then in force in every worker, and only then is
its caller told. Writes of other nodes are followed. Without its database the node serves on with what it has, which is
kept on disk, and catches up by itself.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateline.control import logs
from gateline.control.checking import refuse_unusable
from gateline.control.configuration import State
from gateline.control.delivery import Delivery
from gateline.control.directory import NodeDirectory
from gateline.control.errors import ChangeError, StartError
from gateline.control.feed import FeedServer
from gateline.control.kept import KeptFile
from gateline.engine import tasks
from gateline.entities import EntityError, Expiring, Snapshot, brought_kinds
from gateline.entities import kinds as all_kinds
from gateline.settings import Settings
from gateline.sharedstate import SharedStateError
from gateline.store import Change, NotMigrated, Store, StoreUnavailable, Transaction

logger = logging.getLogger(__name__)

PAUSES = (0.2, 5.0)
"""Seconds between tries to reach a database that is gone: the first pause, doubled up to the last."""

CLEANING = 60.0
"""Seconds between two looks for what is over."""

LOOK = 2.0
"""Seconds after which a quiet database is asked whether it is still there."""


class LiveConfiguration:
    """See `configuration.Configuration`. `origin` tells one database from another, for the kept file."""

    def __init__(
        self,
        settings: Settings,
        feed: FeedServer,
        kept: Path,
        store: Store,
        origin: str,
        directory: NodeDirectory | None = None,
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._kept = KeptFile(kept, origin)
        self._store = store
        self._directory = directory or NodeDirectory()
        self._delivery = Delivery(store, feed, self._kept, self._directory)
        self._opened = False
        self._lost: str | None = None
        self._follower: asyncio.Task[None] | None = None
        self._cleaner: asyncio.Task[None] | None = None

    @property
    def store(self) -> Store:
        """Where the entities are."""
        return self._store

    @property
    def snapshot(self) -> Snapshot:
        """The hash of what is in force."""
        return Snapshot(hash=self._delivery.hash)

    @property
    def state(self) -> State:
        """Whether the database can be reached; what was last known of it."""
        return "ready" if self._lost is None else "no database"

    async def start(self, *, recover: bool) -> None:  # noqa: ARG002 - the store knows what was in force
        """Put in force what is stored; when the store cannot be reached, what was in force last on this node."""
        try:
            await self._open()
            await self._delivery.everything()
        except NotMigrated as error:
            raise StartError(error.reason) from None
        except StoreUnavailable as error:
            await self._start_without(error.reason)
        else:
            logger.log(logs.NOTICE, "version %d of %s is in force", self._delivery.version, self._store.name)
        self._follower = tasks.start(self._follow(), name="following the database")
        self._cleaner = tasks.start(self._clean(), name="cleaning")

    async def _start_without(self, reason: str) -> None:
        try:
            kept = await asyncio.to_thread(lambda: self._kept.read(self._directory.begin_again()))
        except SharedStateError as error:
            raise StartError(f"{reason}; and what was in force cannot be used: {error}") from None
        if kept is None:
            raise StartError(f"{reason}; and this node has no configuration of an earlier run to serve with")
        self._lose(reason)
        self._feed.go_on_from(kept.version)
        await self._delivery.begin(kept.rows, kept.hash)
        await self._kept.write(kept.rows, self._feed.version, kept.hash, self._directory.everything)
        logger.warning("the node serves what it had before, until the database can be reached")

    async def reload(self) -> None:
        """Compare everything that is in force with the database."""
        await self._delivery.everything()

    async def pause(self) -> None:
        """A successor reads the database itself: nothing must wait but what is being delivered."""
        await self._delivery.idle()

    def resume(self) -> None:
        """Nothing had stopped."""

    async def close(self) -> None:
        """Let go of the database."""
        for task in (self._follower, self._cleaner):
            if task is not None:
                await _ended(task)
        self._kept.close()
        self._directory.close()
        await self._store.close()

    # Writes.

    @asynccontextmanager
    async def writing(self, *, actor: str | None = None, reason: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction; when the block has ended, it is committed and in force in every worker.

        Raises EntityError for what no worker could use, ChangeError when the workers refused it and it was undone,
        StoreUnavailable.
        """
        async with self._store.write(actor=actor, reason=reason) as transaction:
            yield transaction
            await refuse_unusable(transaction.change, self._settings.router_flavor)
        if change := transaction.change:
            # What is committed gets in force, whatever becomes of the request that waits for it.
            problem = await asyncio.shield(tasks.start(self._deliver(change), name="delivery"))
            if problem is not None:
                raise problem
            self._shorten()

    async def _deliver(self, change: Change) -> ChangeError | StoreUnavailable | None:
        """What stands against a change, if anything: nobody may be there any more to take an exception."""
        try:
            await self._delivery.deliver(change)
        except (ChangeError, StoreUnavailable) as problem:
            return problem
        return None

    def _shorten(self) -> None:
        """Write the kept file anew when changes have made it long."""
        if self._kept.long:
            tasks.start(self._delivery.keep(), name="keeping configuration")

    # Following.

    async def _open(self) -> None:
        if not self._opened:
            await self._store.open()
            self._opened = True

    async def _follow(self) -> None:
        """Put in force what others write, for ever. A look now and then finds what no notification told, and whether
        the database is still there."""
        pause = PAUSES[0]
        news: asyncio.Task[int] | None = None
        try:
            while True:
                try:
                    await self._open()
                    await self._delivery.catch_up()
                    self._find()
                    news = news or tasks.start(self._store.wait_for_change(), name="waiting for other nodes")
                    await asyncio.wait({news}, timeout=LOOK)
                    if news.done():
                        done, news = news, None
                        done.result()
                    pause = PAUSES[0]
                    continue
                except StoreUnavailable as error:
                    self._lose(error.reason)
                except ChangeError as error:
                    logger.error("what is stored cannot be put in force here: %s", error)
                except Exception:
                    # Whatever it is, a node that follows no longer would be worse.
                    logger.exception("the database cannot be followed; trying again")
                await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 - so that nodes do not come at once
                pause = min(pause * 2, PAUSES[1])
        finally:
            if news is not None:
                await _ended(news)

    # What nobody asks for.

    async def _clean(self) -> None:
        """Bring stored secrets into the form that is wanted, once; delete what is over, again and again."""
        resealed = False
        while True:
            try:
                if not resealed:
                    if count := await self._store.reseal():
                        logger.log(logs.NOTICE, "the secrets of %d stored rows are kept as the settings say now", count)
                    resealed = True
                await self._delete_expired()
                await self._store.forget_tallies(time.time())
            except (StoreUnavailable, ChangeError, EntityError) as error:
                logger.info("what is over cannot be deleted now: %s", error)
            except Exception:
                # As above: a node that never cleans would fill its store.
                logger.exception("what is over cannot be deleted")
            await asyncio.sleep(CLEANING * random.uniform(0.7, 1.0))  # noqa: S311 - as above

    async def _delete_expired(self) -> None:
        kinds = [kind for kind in brought_kinds() if issubclass(all_kinds()[kind], Expiring)]
        if not kinds or self._lost is not None:
            return
        async with self.writing(actor="gateline", reason="their time is over") as transaction:
            for kind in kinds:
                await transaction.delete_expired(kind)

    def _lose(self, reason: str) -> None:
        if self._lost is None:
            logger.error("the database cannot be reached, the node serves on with what it has: %s", reason)
        self._lost = reason

    def _find(self) -> None:
        if self._lost is not None:
            self._lost = None
            logger.log(logs.NOTICE, "the database can be reached again; version %d is in force", self._delivery.version)


async def _ended(task: "asyncio.Task[Any]") -> None:
    """End a task and wait until it has."""
    task.cancel()
    await asyncio.wait({task})
