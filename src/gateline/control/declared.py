"""The configuration of a node without a database: a declarative file, or what was posted.

One load runs at a time. Reading and checking, which is work for the processor, happens in a thread, so that the Admin
API answers meanwhile; the workers then get what changed, and a load is done when every one of them has it. What is in
force is kept on disk for the control process that a crash or a reload puts in this one's place.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gateline.admin.node import Source
from gateline.control import logs
from gateline.control.configuration import BusyError, State
from gateline.control.directory import Bringing, NodeDirectory, directory_kinds
from gateline.control.errors import ChangeRefusedError
from gateline.control.feed import FeedServer
from gateline.control.kept import KeptFile
from gateline.control.rows import WORKER_KINDS, Rows, as_stored, as_used, encoded, row_of
from gateline.declarative import digest_of, dump, load_object, load_path, load_text
from gateline.entities import Entity, Snapshot, Vault, entity_class, kinds
from gateline.entities.sealing import PLAIN, Sealer, SealingError
from gateline.entities.snapshot import EMPTY_HASH
from gateline.sharedstate import SharedStateError
from gateline.store import MemoryStore, Store

if TYPE_CHECKING:
    from gateline.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a load waits for the one before it."""


_PART = 2000
"""Entities that are written to the directory at once."""

ORIGIN = "off"
"""Where the configuration comes from, as the kept file has it."""


class DeclaredConfiguration:
    """See `configuration.Configuration`."""

    def __init__(
        self,
        settings: "Settings",
        feed: FeedServer,
        kept: Path,
        directory: NodeDirectory | None = None,
        sealer: Sealer = PLAIN,
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._kept = KeptFile(kept, ORIGIN)
        self._directory = directory or NodeDirectory()
        self._sealer = sealer
        self._lock = asyncio.Lock()
        self._store = MemoryStore()
        self._snapshot = Snapshot()
        self._paused = False

    @property
    def store(self) -> Store:
        """What is in force, to be read."""
        return self._store

    @property
    def snapshot(self) -> Snapshot:
        """What is in force."""
        return self._snapshot

    @property
    def state(self) -> State:
        """Whether anything was ever loaded."""
        return "no configuration" if self._snapshot.hash == EMPTY_HASH else "ready"

    async def start(self, *, recover: bool) -> None:
        """Load the first configuration: with `recover` what was in force before, else (or without it) what the
        settings name, else nothing.

        Raises DeclarativeError, ChangeRefusedError, ChangeTimeoutError.
        """
        async with self._turn():
            kept = await asyncio.to_thread(self._recall) if recover else None
            if kept is None:
                kept = await asyncio.to_thread(self._from_settings) or Snapshot()
            await self._put_in_force(kept)

    async def reload(self) -> None:
        """Load what the settings name once more; without such a source nothing changes. Raises as `start`."""
        async with self._turn():
            target = await asyncio.to_thread(self._from_settings)
            if target is not None:
                await self._put_in_force(target)

    async def load(self, source: Source, *, unless_loaded: bool) -> Snapshot | None:
        """Load a declarative configuration and give it; None when `unless_loaded` and the text is in force.

        Raises BusyError, and as `start`.
        """
        async with self._turn():
            if unless_loaded and isinstance(source, bytes) and digest_of(source) == self.snapshot.hash:
                return None
            await self._put_in_force(await asyncio.to_thread(self._from_request, source))
            return self.snapshot

    async def dump(self) -> str:
        """What is in force as a declarative file."""
        return await asyncio.to_thread(dump, self.snapshot)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._paused:
            raise BusyError
        try:
            async with asyncio.timeout(PATIENCE):
                await self._lock.acquire()
        except TimeoutError:
            raise BusyError from None
        try:
            yield
        finally:
            self._lock.release()

    async def pause(self) -> None:
        """Wait until no load runs, and let none start before `resume`."""
        self._paused = True
        await self._lock.acquire()

    def resume(self) -> None:
        """Let loads start again."""
        self._paused = False
        self._lock.release()

    async def close(self) -> None:
        """Let go of the kept file, and of the directory."""
        self._kept.close()
        self._directory.close()

    # One load.

    def _from_settings(self) -> Snapshot | None:
        """What the settings name; None when they name nothing."""
        settings, before = self._settings, self.snapshot
        if settings.declarative_config is not None:
            path = settings.declarative_config
            return load_path(path, environ=os.environ, router_flavor=settings.router_flavor, previous=before)
        if settings.declarative_config_string is not None:
            text, name = settings.declarative_config_string, "declarative_config_string"
            return load_text(
                text, source=name, environ=os.environ, router_flavor=settings.router_flavor, previous=before
            )
        return None

    def _from_request(self, source: Source) -> Snapshot:
        # No variables of the environment here: whoever may configure the node may not read what else is on it.
        flavor, name = self._settings.router_flavor, "POST /config"
        if isinstance(source, bytes):
            return load_text(source, source=name, router_flavor=flavor, previous=self.snapshot)
        return load_object(source, source=name, router_flavor=flavor, previous=self.snapshot)

    async def _put_in_force(self, snapshot: Snapshot) -> None:
        started = time.monotonic()
        bringing = self._directory.bringing()
        try:
            rows = await asyncio.to_thread(_as_used, snapshot, bringing)
        except SharedStateError as error:
            bringing.undo()
            raise ChangeRefusedError(str(error)) from error
        await self._feed.publish(rows, snapshot.hash, undo=bringing.undo)
        self._snapshot = snapshot
        self._store.show(snapshot)
        logger.log(
            logs.NOTICE,
            "configuration %s is in force: %s (%.0f ms)",
            snapshot.hash,
            ", ".join(f"{count} {kind}" for kind in kinds() if (count := len(snapshot.kind(kind)))) or "empty",
            (time.monotonic() - started) * 1000,
        )
        await self._kept.write(await asyncio.to_thread(self._sealed, snapshot), self._feed.version, snapshot.hash)

    # What is kept on disk.

    def _sealed(self, snapshot: Snapshot) -> Rows:
        """All entities as rows, with their secrets as they are kept."""

        def encode(entity: Entity) -> bytes:
            if not entity.secrets:
                return as_stored(entity)
            return row_of(self._sealer.sealed(entity.kind, entity.to_wire(), entity.secrets))

        return encoded({kind: snapshot.kind(kind) for kind in kinds()}, encode)

    def _recall(self) -> Snapshot | None:
        kept = self._kept.read()
        if kept is None:
            return None
        entities: dict[str, dict[str, Any]] = {}
        try:
            for kind, rows in kept.rows.items():
                model = entity_class(kind)
                if model is not None:
                    opened = (
                        self._sealer.opened(kind, msgspec.msgpack.decode(row), model.secrets) for row in rows.values()
                    )
                    entities[kind] = {row["id"]: model.from_wire(row) for row in opened}
        except SealingError as error:
            logger.error("the configuration that was in force cannot be read: %s", error)
            return None
        self._feed.go_on_from(kept.version)
        return Snapshot(hash=kept.hash, **entities)


def _as_used(snapshot: Snapshot, bringing: Bringing) -> Rows:
    """What the workers need of a snapshot; what is many is brought into the directory.

    Raises SharedStateError.
    """
    encode = as_used(snapshot.of(Vault).values(), os.environ)
    for kind in directory_kinds():
        ordered = sorted(snapshot.kind(kind).values(), key=_id)
        for start in range(0, len(ordered), _PART):
            bringing.take(kind, ordered[start : start + _PART], encode)
    bringing.finish()
    return encoded({kind: snapshot.kind(kind) for kind in WORKER_KINDS}, encode)


def _id(entity: Entity) -> str:
    return entity.id
