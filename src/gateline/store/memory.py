"""A store that holds what a declarative file said: everything can be read, nothing written.

It shows one snapshot at a time. What look-ups and pages need is made when it is first asked for, once a snapshot.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from gateline.entities import Entity, EntityError, Reference, Snapshot, entity_class
from gateline.entities import kinds as all_kinds
from gateline.entities.errors import OPERATION_UNSUPPORTED
from gateline.entities.expiring import is_over
from gateline.entities.sealing import digest_of
from gateline.store.interface import (
    ANYWHERE,
    NO_FILTERS,
    Change,
    Page,
    StoredConfiguration,
    TagFilter,
    Tagged,
    TagPage,
    Take,
    Tally,
    Total,
    Transaction,
    Where,
)
from gateline.store.positions import id_position, newest_position, newest_token, tag_position, tag_token

Key = tuple[Any, ...]


class MemoryStore:
    """See `gateline.store.interface.Store`. `show` puts another snapshot in the place of the present one."""

    name = "off"
    writable = False

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._index = _Index(snapshot or Snapshot())
        self._version = 0

    def show(self, snapshot: Snapshot) -> None:
        """Show another snapshot, under the next version."""
        self._index = _Index(snapshot)
        self._version += 1

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def check(self) -> None:
        """It is always there."""

    async def version(self) -> int:
        """How often `show` was called."""
        return self._version

    async def whole(
        self,
        kinds: Collection[str] | None = None,
        *,
        others: Collection[str] = (),
        take: Take | None = None,
        tagged: Mapping[str, TagFilter] = NO_FILTERS,
    ) -> StoredConfiguration:
        """Every entity."""
        snapshot = self._index.snapshot
        wanted = all_kinds() if kinds is None else kinds
        whole = StoredConfiguration(self._version, {kind: dict(snapshot.kind(kind)) for kind in wanted})
        for kind, tags in tagged.items():
            whole.kinds[kind] = {id_: row for id_, row in whole.kinds[kind].items() if _has(row, tags)}
        if take is not None:
            for kind in others:
                await take(whole, kind, sorted(snapshot.kind(kind).values(), key=_id))
        return whole

    async def since(self, version: int) -> list[Change] | None:
        """Nothing, when the version is the present one; else the whole has to be taken."""
        return [] if version == self._version else None

    async def get(self, kind: str, id: str) -> Entity | None:  # noqa: A002 - Kong's word
        """The entity with an id."""
        entity = self._index.snapshot.kind(_known(kind)).get(id.lower())
        return None if entity is None or is_over(entity) else entity

    async def find(self, kind: str, field: str, value: str, *, where: Where = ANYWHERE) -> Entity | None:
        """The entity with a value in a field; of several, the one with the lowest id."""
        found = self._index.where(_known(kind), {field: value, **where})
        return next((entity for entity in found if not is_over(entity)), None)

    async def page(
        self,
        kind: str,
        *,
        size: int,
        after: str | None = None,
        where: Where = ANYWHERE,
        tags: TagFilter | None = None,
        descending: bool = False,
    ) -> Page:
        """Up to `size` entities in order."""
        found: Sequence[Entity] = self._index.where(_known(kind), where)
        if descending:
            found = sorted(found, key=_age, reverse=True)
            start = 0 if after is None else _older(found, newest_position(after))
        else:
            start = 0 if after is None else bisect_right(found, id_position(after), key=_id)
        page: list[Entity] = []
        for place in range(start, len(found)):
            if (tags is None or _has(found[place], tags)) and not is_over(found[place]):
                if len(page) == size:
                    last = page[-1]
                    return Page(page, newest_token(*_age(last)) if descending else last.id)
                page.append(found[place])
        return Page(page, None)

    async def tags(self, tag: str | None = None, *, size: int, after: str | None = None) -> TagPage:
        """Which entities have which tags."""
        rows = self._index.tags()
        start, end = 0, len(rows)
        if tag is not None:
            start, end = bisect_left(rows, (tag,)), bisect_left(rows, (tag + "\0",))
        if after is not None:
            start = max(start, bisect_right(rows, tag_position(after)))
        page = [Tagged(*row) for row in rows[start : min(start + size, end)]]
        return TagPage(page, tag_token(page[-1]) if page and start + size < end else None)

    def write(self, **_: str | None) -> AbstractAsyncContextManager[Transaction]:
        """Refused."""
        raise EntityError(OPERATION_UNSUPPORTED, "cannot write entities when not using a database")

    async def tally(self, asked: Sequence[Tally]) -> list[Total]:  # noqa: ARG002 - nothing is stored
        """Refused: there is no database."""
        raise EntityError(OPERATION_UNSUPPORTED, "cannot count in the database when not using one")

    async def forget_tallies(self, now: float) -> None:
        """There are none."""

    async def reseal(self) -> int:
        """Nothing is stored."""
        return 0

    async def wait_for_change(self, known: int | None = None) -> int:  # noqa: ARG002 - nothing changes behind it
        """Waits for ever: whoever shows a snapshot knows it."""
        await asyncio.Event().wait()
        return self._version

    async def tell(self, message: str) -> None:
        """Nobody shares it."""

    def hear(self, heard: Callable[[str], None]) -> None:
        """Nobody says anything."""


class _Index:
    """One snapshot, with what makes look-ups fast."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._ordered: dict[str, list[Entity]] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], dict[Key, list[Entity]]] = {}
        self._tags: list[tuple[str, str, str]] | None = None

    def where(self, kind: str, where: Mapping[str, str | None]) -> Sequence[Entity]:
        """The entities that fulfil conditions, by id."""
        if not where:
            return self._all(kind)
        names = tuple(sorted(where))
        groups = self._groups.get((kind, names))
        if groups is None:
            groups = self._groups[kind, names] = {}
            for entity in self._all(kind):
                key = tuple([_lookup(kind, name, _value(entity, name)) for name in names])
                groups.setdefault(key, []).append(entity)
        return groups.get(tuple([_lookup(kind, name, where[name]) for name in names]), ())

    def tags(self) -> list[tuple[str, str, str]]:
        """Every tag of every entity: tag, kind, id."""
        if self._tags is None:
            self._tags = sorted(
                {(tag, kind, entity.id) for kind in all_kinds() for entity in self._all(kind) for tag in _tags(entity)}
            )
        return self._tags

    def _all(self, kind: str) -> list[Entity]:
        entities = self._ordered.get(kind)
        if entities is None:
            entities = self._ordered[kind] = sorted(self.snapshot.kind(kind).values(), key=_id)
        return entities


def _known(kind: str) -> str:
    if entity_class(kind) is None:
        raise KeyError(kind)
    return kind


def _id(entity: Entity) -> str:
    return entity.id


def _age(entity: Entity) -> tuple[float, str]:
    return entity.created_at, entity.id


def _older(found: Sequence[Entity], position: tuple[float, str]) -> int:
    """Where those begin that are older, in a list from new to old."""
    return next((place for place, entity in enumerate(found) if _age(entity) < position), len(found))


def _value(entity: Entity, name: str) -> Any:
    value = getattr(entity, name)
    return value.id if isinstance(value, Reference) else value


def _lookup(kind: str, name: str, value: Any) -> Any:
    """A value as it is looked up: a secret may be hashed in one place and not in the other."""
    model = entity_class(kind)
    return digest_of(kind, name, value) if model and name in model.secrets and isinstance(value, str) else value


def _tags(entity: Entity) -> Iterable[str]:
    return getattr(entity, "tags", None) or ()


def _has(entity: Entity, tags: TagFilter) -> bool:
    own = _tags(entity)
    return all(tag in own for tag in tags.tags) if tags.every else any(tag in own for tag in tags.tags)
