"""From a store to the workers: brings what is in force to what is stored, change by change, in the order of versions.

A change of this node is delivered when its transaction is committed; with it, in one step, whatever others have
committed since. One delivery runs at a time. When the workers refuse a step of several changes, they get them one by
one, so that it is known which they refuse: a change of this node is then undone in the store, and whoever made it is
told; before a change of another node everything stops, until a later change makes it good.
"""

import asyncio
import logging
import os
import time
from collections.abc import Sequence

from gateline.control.directory import NodeDirectory, directory_kinds
from gateline.control.errors import ChangeError, ChangeRefusedError
from gateline.control.feed import FeedServer
from gateline.control.kept import KeptFile
from gateline.control.rows import WORKER_KINDS, Encode, Rows, as_used, delta_of, difference, encoded
from gateline.control.undoing import OvertakenError, undo
from gateline.entities import Entity, EntityError, Vault
from gateline.sharedstate import SharedStateError
from gateline.store import Change, Store, StoredConfiguration, StoreUnavailable

logger = logging.getLogger(__name__)

MANY = 200
"""Entities from which on they are encoded in a thread, so that the process does other things meanwhile."""


class Delivery:
    """What is delivered, and how far. `version` is that of the store which is in force; -1: none is known to be."""

    def __init__(self, store: Store, feed: FeedServer, kept: KeptFile, directory: NodeDirectory) -> None:
        self.version = -1
        self._store = store
        self._feed = feed
        self._kept = kept
        self._directory = directory
        self._encode: Encode = as_used((), os.environ)
        self._one = asyncio.Lock()
        self._own: dict[int, Change] = {}
        self._refused: dict[int, ChangeError] = {}

    @property
    def hash(self) -> str:
        """What names the configuration in force, in 32 digits."""
        return digest(self.version)

    async def begin(self, rows: Rows, hash_: str) -> None:
        """Put a first configuration in force, which is of no version. Raises ChangeError."""
        async with self._one:
            await self._feed.publish(rows, hash_)

    async def everything(self) -> None:
        """Read the whole store and put in force what differs. Raises ChangeError, StoreUnavailable."""
        async with self._one:
            await self._everything()

    async def catch_up(self) -> None:
        """Deliver what is stored and not in force. Raises ChangeError, StoreUnavailable."""
        async with self._one:
            await self._advance()

    async def deliver(self, change: Change) -> None:
        """Put a committed change of this node in force.

        Raises ChangeError when the workers cannot take it, which is undone then if it can be; StoreUnavailable when
        what came before it cannot be read now.
        """
        self._own[change.version] = change
        try:
            async with self._one:
                if change.version > self.version:  # else another delivery took it along
                    await self._advance()
        except ChangeError as error:
            if change.version not in self._refused:  # it stands behind one that is refused
                await self._take_back(change, error)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error.reason}; the change is stored, and in force when this is over") from error
        finally:
            self._own.pop(change.version, None)
        if change.version in self._refused:
            raise self._refused.pop(change.version)

    async def idle(self) -> None:
        """Wait until no delivery runs."""
        async with self._one:
            pass

    async def _advance(self) -> None:
        while True:
            changes = self._following() or (await self._store.since(self.version) if self.version >= 0 else None)
            if changes is None or any(Vault.kind in change.put or Vault.kind in change.delete for change in changes):
                await self._everything()  # what refers to a vault reads otherwise when the vault is another
                return
            if not changes:
                return
            try:
                await self._deliver(changes)
            except ChangeError as error:
                await self._resolve(changes, error)
            else:
                return

    def _following(self) -> list[Change]:
        """The changes of this node that wait, when nobody else's are among them."""
        following = [self._own[version] for version in sorted(self._own) if version > self.version]
        return following if following and following[-1].version == self.version + len(following) else []

    async def _deliver(self, changes: Sequence[Change]) -> None:
        started = time.monotonic()
        version = changes[-1].version
        if sum(len(of_kind) for change in changes for of_kind in change.put.values()) < MANY:
            delta = delta_of(changes, self._encode)
        else:
            delta = await asyncio.to_thread(delta_of, changes, self._encode)
        journal = await self._directory.change(changes, self._encode)
        if delta or journal:
            await self._feed.change(delta, digest(version), undo=lambda: self._directory.undo(journal))
            self._kept.append(delta, self._feed.version, digest(version), self._directory.stored(journal))
        self.version = version
        logger.info("version %d is in force (%.1f ms)", version, (time.monotonic() - started) * 1000)

    async def _resolve(self, changes: Sequence[Change], error: ChangeError) -> None:
        """Find the change that is refused and undo it. Returns when going on makes sense, else raises."""
        refused = changes[0]
        if len(changes) > 1:
            for refused in changes:
                try:
                    await self._deliver([refused])
                except ChangeError as one:
                    error = one
                    break
            else:
                return  # one by one they can be had
        own = self._own.get(refused.version)
        if own is None or not await self._take_back(own, error):
            raise error

    async def _take_back(self, change: Change, error: ChangeError) -> bool:
        """Undo a change, and have its caller told; whether it could be."""
        self._own.pop(change.version, None)
        reason = f"version {change.version} undone: {error}"
        try:
            async with self._store.write(actor="gateline", reason=reason) as transaction:
                await undo(transaction, change)
        except (OvertakenError, EntityError, StoreUnavailable) as problem:
            logger.error("version %d is stored but not in force, and cannot be undone: %s", change.version, problem)
            self._refused[change.version] = type(error)(f"{error}; it is stored, but not in force")
            return False
        logger.warning(reason)
        self._refused[change.version] = error
        return True

    async def _everything(self) -> None:
        bringing = self._directory.bringing()

        async def take(whole: StoredConfiguration, kind: str, entities: list[Entity]) -> None:
            await asyncio.to_thread(bringing.take, kind, entities, _encode_of(whole))

        try:
            stored = await self._store.whole((*WORKER_KINDS, Vault.kind), others=directory_kinds(), take=take)
            await asyncio.to_thread(bringing.finish)
        except SharedStateError as error:
            raise ChangeRefusedError(str(error)) from error
        encode = _encode_of(stored)
        rows = await asyncio.to_thread(encoded, stored.kinds, encode, WORKER_KINDS)
        name = digest(stored.version)
        if not self._feed.published:
            await self._feed.publish(rows, name, undo=bringing.undo)
        else:
            delta = await asyncio.to_thread(difference, self._feed.rows, rows)
            if delta or bringing.journal:
                await self._feed.change(delta, name, undo=bringing.undo)
        self.version, self._encode = stored.version, encode
        await self.keep()

    async def keep(self) -> None:
        """Write what is in force to disk, anew."""
        everything = self._directory.everything
        await self._kept.write(self._feed.rows, self._feed.version, self.hash, everything)


def _encode_of(stored: StoredConfiguration) -> Encode:
    return as_used(stored.kinds.get(Vault.kind, {}).values(), os.environ)


def digest(version: int) -> str:
    """A version as the hash of a configuration; never that of an empty one."""
    return f"{version + 1:032x}"
