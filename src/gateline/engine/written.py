"""Entities that plugins write: `gateline.pdk.node.Entities`, for each place where they may be kept.

With a database the control process writes them, and what it has written is in the directory of the node when it
answers. Without one they are in the cache that the workers share: a row as the directory has it, once for each of the
values by which it is found. Of several workers that take one away, the first one that counts it has it.
"""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from gateline.engine.credentials import FoundEntity, WorkerCredentials
from gateline.engine.feed import Written
from gateline.engine.local_state import LocalCredentials
from gateline.entities import Entity
from gateline.entities.sealing import Sealer, presented_digest
from gateline.pdk.node import Cache, Counters, Credentials, EntitiesError, Place
from gateline.sharedstate import Entry, SharedStateError
from gateline.sharedstate.entity_rows import row_of_entity
from gateline.sharedstate.rows import KEY, Row, kind_key, row_key

__all__ = ["Ask", "CachedEntities", "LocalEntities", "StoredEntities"]

Ask = Callable[[str, dict[str, Any] | None, Place | None], Awaitable[Written]]
"""Has the control process write. Raises EntitiesError."""

_FOR_EVER = 10 * 365 * 86400.0
_RACE = 60.0
"""Seconds in which whoever found a row may still try to take it."""


class StoredEntities:
    """Written by the control process, found in the directory."""

    def __init__(self, credentials: Credentials, ask: Ask) -> None:
        self.find = credentials.find
        self.get = credentials.get
        self._ask = ask

    async def insert(self, entity: Entity, *, instead_of: Place | None = None) -> bool:
        """Add an entity."""
        return self._done(await self._ask(entity.kind, entity.to_wire(), instead_of))

    async def delete(self, place: Place) -> bool:
        """Take an entity away."""
        return self._done(await self._ask(place[0], None, place))

    def _done(self, written: Written) -> bool:
        if written.error is not None:
            raise EntitiesError(written.error)
        return written.done


class CachedEntities:
    """Kept in the cache of the node. `clock` gives seconds since 1970."""

    def __init__(
        self,
        credentials: WorkerCredentials,
        cache: Cache,
        counters: Counters,
        sealer: Sealer,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._cache = cache
        self._counters = counters
        self._sealer = sealer
        self._clock = clock

    def find(self, kind: str, field: str, value: str) -> FoundEntity | None:
        """The entity with a value."""
        return self._credentials.find(kind, field, value) or self._kept(kind, presented_digest(kind, field, value))

    def get(self, kind: str, id: str) -> FoundEntity | None:  # noqa: A002 - as in the kit
        """The entity with an id."""
        try:
            key = row_key(kind, id)
        except ValueError:
            return None
        return self._credentials.get(kind, id) or self._kept(kind, key)

    async def insert(self, entity: Entity, *, instead_of: Place | None = None) -> bool:
        """Add an entity."""
        row = row_of_entity(entity, entity.to_wire(), self._sealer)
        try:
            if instead_of is not None and not self._take(instead_of):
                return False
            ttl = row.end - self._clock() if row.end else _FOR_EVER
            raw = row.key + row.value
            for name in _names(row):
                self._cache.put(name, raw, ttl=ttl)
        except SharedStateError as error:
            raise EntitiesError(str(error)) from error
        return True

    async def delete(self, place: Place) -> bool:
        """Take an entity away."""
        try:
            return self._take(place)
        except SharedStateError as error:
            raise EntitiesError(str(error)) from error

    def _kept(self, kind: str, key: bytes) -> FoundEntity | None:
        raw = self._cache.get(_name(key))
        if raw is None or raw[:4] != kind_key(kind):
            return None
        return self._credentials.made(kind, Entry(raw).bare, self._credentials.opener(kind))

    def _take(self, place: Place) -> bool:
        """Take an entity away; whether it was there and nobody else has taken it."""
        kind, field, value = place
        try:
            key = row_key(kind, value) if field == "id" else presented_digest(*place)
        except ValueError:
            return False
        raw = self._cache.get(_name(key))
        if raw is None:
            declared = self._credentials.get(kind, value) if field == "id" else self._credentials.find(*place)
            if declared is not None:
                raise EntitiesError("what a file declares cannot be changed without a database")
            return False
        row = Row.read(raw[:KEY], raw[KEY:])
        if self._counters.increment(f"taken {sha256(row.key + row.value).hexdigest()}", ttl=_RACE) > 1:
            return False
        for name in _names(row):
            self._cache.remove(name)
        return True


def _names(row: Row) -> list[str]:
    """The names under which a row is in the cache."""
    return [_name(key) for key in (row.key, *row.rest.unique)]


def _name(key: bytes) -> str:
    return f"entity {key.hex()}"


class LocalEntities:
    """Among the credentials of one process: for tests of plugins, and where there is no shared memory."""

    def __init__(self, credentials: LocalCredentials) -> None:
        self._credentials = credentials
        self.find = credentials.find
        self.get = credentials.get

    async def insert(self, entity: Entity, *, instead_of: Place | None = None) -> bool:
        """Add an entity."""
        if instead_of is not None and not self._take(instead_of):
            return False
        wire = {name: value for name, value in entity.to_wire().items() if value is not None}
        consumer = wire.get("consumer")
        known = None if consumer is None else self._credentials.consumer(consumer["id"])
        self._credentials.add(entity.kind, wire, known)
        return True

    async def delete(self, place: Place) -> bool:
        """Take an entity away."""
        return self._take(place)

    def _take(self, place: Place) -> bool:
        found = self._credentials.find(*place)
        if found is not None:
            self._credentials.remove(found)
        return found is not None
