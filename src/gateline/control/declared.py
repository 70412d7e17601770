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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gateline.admin.node import Source
from gateline.control import logs
from gateline.control.configuration import BusyError, State
from gateline.control.feed import FeedServer
from gateline.control.kept import KeptFile
from gateline.control.rows import WORKER_KINDS, Rows, as_used, encoded
from gateline.declarative import digest_of, dump, load_object, load_path, load_text
from gateline.entities import Snapshot, Vault, entity_class, kinds
from gateline.entities.snapshot import EMPTY_HASH
from gateline.store import MemoryStore, Store

if TYPE_CHECKING:
    from gateline.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a load waits for the one before it."""


ORIGIN = "off"
"""Where the configuration comes from, as the kept file has it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A configuration that is to be in force: as entities, and as all their rows."""

    snapshot: Snapshot
    rows: Rows

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Target":
        """The target for a snapshot."""
        return cls(snapshot, encoded({kind: snapshot.kind(kind) for kind in kinds()}))


class DeclaredConfiguration:
    """See `configuration.Configuration`."""

    def __init__(self, settings: "Settings", feed: FeedServer, kept: Path) -> None:
        self._settings = settings
        self._feed = feed
        self._kept = KeptFile(kept, ORIGIN)
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
                kept = await asyncio.to_thread(self._from_settings) or Target(Snapshot(), {})
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
        """Let go of the kept file."""
        self._kept.close()

    # One load.

    def _from_settings(self) -> Target | None:
        """What the settings name; None when they name nothing."""
        settings, before = self._settings, self.snapshot
        if settings.declarative_config is not None:
            path = settings.declarative_config
            return Target.of(load_path(path, environ=os.environ, router_flavor=settings.router_flavor, previous=before))
        if settings.declarative_config_string is not None:
            text, name = settings.declarative_config_string, "declarative_config_string"
            return Target.of(
                load_text(text, source=name, environ=os.environ, router_flavor=settings.router_flavor, previous=before)
            )
        return None

    def _from_request(self, source: Source) -> Target:
        # No variables of the environment here: whoever may configure the node may not read what else is on it.
        flavor, name = self._settings.router_flavor, "POST /config"
        if isinstance(source, bytes):
            return Target.of(load_text(source, source=name, router_flavor=flavor, previous=self.snapshot))
        return Target.of(load_object(source, source=name, router_flavor=flavor, previous=self.snapshot))

    async def _put_in_force(self, target: Target) -> None:
        started = time.monotonic()
        snapshot = target.snapshot
        await self._feed.publish(await asyncio.to_thread(_as_used, snapshot), snapshot.hash)
        self._snapshot = snapshot
        self._store.show(snapshot)
        logger.log(
            logs.NOTICE,
            "configuration %s is in force: %s (%.0f ms)",
            snapshot.hash,
            ", ".join(f"{len(rows)} {kind}" for kind, rows in target.rows.items() if rows) or "empty",
            (time.monotonic() - started) * 1000,
        )
        await self._kept.write(target.rows, self._feed.version, snapshot.hash)

    def _recall(self) -> Target | None:
        kept = self._kept.read()
        if kept is None:
            return None
        entities: dict[str, dict[str, Any]] = {}
        for kind, rows in kept.rows.items():
            model = entity_class(kind)
            if model is not None:
                decoded = (msgspec.msgpack.decode(row) for row in rows.values())
                entities[kind] = {row["id"]: model.from_wire(row) for row in decoded}
        self._feed.go_on_from(kept.version)
        return Target(Snapshot(hash=kept.hash, **entities), kept.rows)


def _as_used(snapshot: Snapshot) -> Rows:
    """What the workers need of a snapshot."""
    encode = as_used(snapshot.of(Vault).values(), os.environ)
    return encoded({kind: snapshot.kind(kind) for kind in WORKER_KINDS}, encode)
