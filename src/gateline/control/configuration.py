"""The configuration of a node: where it comes from, what is in force, and how it gets there.

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
from gateline.control.feed import FeedServer, Rows
from gateline.control.state import write_atomically
from gateline.declarative import digest_of, dump, load_object, load_path, load_text
from gateline.entities import Snapshot, entity_class, kinds

if TYPE_CHECKING:
    from gateline.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a load waits for the one before it."""


class BusyError(Exception):
    """Another load runs and has done so for longer than PATIENCE, or a successor of this process is about to start."""


class _Kept(msgspec.Struct, frozen=True):
    """The file with the configuration in force."""

    version: int
    hash: str
    rows: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration as entities and as what travels to the workers; `size` is that in bytes."""

    snapshot: Snapshot
    rows: Rows
    size: int


EMPTY = InForce(Snapshot(), {}, 0)


class Configuration:
    """The node's configuration. Its methods may be called at any time, from the control process's loop."""

    def __init__(self, settings: "Settings", feed: FeedServer, kept: Path) -> None:
        self._settings = settings
        self._feed = feed
        self._path = kept
        self._lock = asyncio.Lock()
        self._current = EMPTY
        self._paused = False

    @property
    def snapshot(self) -> Snapshot:
        """What is in force."""
        return self._current.snapshot

    @property
    def size(self) -> int:
        """Its size in bytes, as the workers get it."""
        return self._current.size

    async def start(self, *, recover: bool) -> None:
        """Load the first configuration: with `recover` what was in force before, else (or without it) what the
        settings name, else nothing.

        Raises DeclarativeError, ChangeRefusedError, ChangeTimeoutError.
        """
        async with self._turn():
            kept = await asyncio.to_thread(self._recall) if recover else None
            if kept is None:
                kept = await asyncio.to_thread(self._from_settings) or EMPTY
            await self._put_in_force(kept)

    async def reload(self) -> None:
        """Load what the settings name once more; without such a source nothing changes. Raises as `start`."""
        async with self._turn():
            target = await asyncio.to_thread(self._from_settings)
            if target is not None:
                await self._put_in_force(target)

    async def load(self, source: Source, *, unless_loaded: bool) -> Rows | None:
        """Load a declarative configuration and give its rows; None when `unless_loaded` and the text is in force.

        Raises BusyError, and as `start`.
        """
        async with self._turn():
            if unless_loaded and isinstance(source, bytes) and digest_of(source) == self.snapshot.hash:
                return None
            await self._put_in_force(await asyncio.to_thread(self._from_request, source))
            return self._current.rows

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

    # One load.

    def _from_settings(self) -> InForce | None:
        """What the settings name; None when they name nothing."""
        settings, before = self._settings, self.snapshot
        if settings.declarative_config is not None:
            path = settings.declarative_config
            return _prepare(load_path(path, environ=os.environ, router_flavor=settings.router_flavor, previous=before))
        if settings.declarative_config_string is not None:
            text, name = settings.declarative_config_string, "declarative_config_string"
            return _prepare(
                load_text(text, source=name, environ=os.environ, router_flavor=settings.router_flavor, previous=before)
            )
        return None

    def _from_request(self, source: Source) -> InForce:
        # No variables of the environment here: whoever may configure the node may not read what else is on it.
        flavor, name = self._settings.router_flavor, "POST /config"
        if isinstance(source, bytes):
            return _prepare(load_text(source, source=name, router_flavor=flavor, previous=self.snapshot))
        return _prepare(load_object(source, source=name, router_flavor=flavor, previous=self.snapshot))

    async def _put_in_force(self, target: InForce) -> None:
        started = time.monotonic()
        await self._feed.publish(target.rows, target.snapshot.hash)
        self._current = target
        logger.log(
            logs.NOTICE,
            "configuration %s is in force: %s (%.0f ms)",
            target.snapshot.hash,
            ", ".join(f"{len(rows)} {kind}" for kind, rows in target.rows.items()),
            (time.monotonic() - started) * 1000,
        )
        await asyncio.to_thread(self._keep, target, self._feed.version)

    def _keep(self, target: InForce, version: int) -> None:
        rows = {kind: list(of_kind.values()) for kind, of_kind in target.rows.items()}
        try:
            write_atomically(
                self._path, msgspec.msgpack.encode(_Kept(version, target.snapshot.hash, rows)), durable=False
            )
        except OSError as error:
            logger.error("the configuration in force cannot be kept in %s: %s", self._path, error.strerror)

    def _recall(self) -> InForce | None:
        try:
            kept = msgspec.msgpack.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the configuration that was in force cannot be read from %s: %s", self._path, error)
            return None
        entities: dict[str, dict[str, Any]] = {}
        rows: Rows = {}
        for kind, of_kind in kept.rows.items():
            model = entity_class(kind)
            if model is None:
                continue
            rows[kind] = {row["id"]: row for row in of_kind}
            entities[kind] = {identifier: model.from_wire(row) for identifier, row in rows[kind].items()}
        self._feed.go_on_from(kept.version)
        return InForce(Snapshot(hash=kept.hash, **entities), rows, len(msgspec.msgpack.encode(rows)))


def _prepare(snapshot: Snapshot) -> InForce:
    rows: Rows = {
        kind: {identifier: entity.to_wire() for identifier, entity in snapshot.kind(kind).items()} for kind in kinds()
    }
    return InForce(snapshot, rows, len(msgspec.msgpack.encode(rows)))
