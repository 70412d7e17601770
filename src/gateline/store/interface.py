"""What a store is to the rest of the program: reads, transactions, and the feed of changes.

Three stores have this interface: `MemoryStore` (a declarative file, read-only), and `SqlStore` over SQLite or
PostgreSQL. Entities go in and come out; no row, connection or statement does.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from gateline.entities import Entity

Where = Mapping[str, str | None]
"""Conditions on columns: foreign field → id of the parent, or another stored field → its value; None means null."""
ANYWHERE: Where = MappingProxyType({})
"""No condition."""


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Entities that have every one of the tags, or with `every=False` at least one of them."""

    tags: tuple[str, ...]
    every: bool = True


NO_FILTERS: Mapping[str, TagFilter] = MappingProxyType({})
"""Everything of every kind."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entities in order. `after` is what to ask for the next page with, None when there is none."""

    entities: list[Entity]
    after: str | None


@dataclass(frozen=True, slots=True)
class Tagged:
    """One tag of one entity; `entity_name` is the kind."""

    tag: str
    entity_name: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class TagPage:
    """Some tags in order of tag, kind and id; `after` as in `Page`."""

    rows: list[Tagged]
    after: str | None


@dataclass(slots=True)
class Change:
    """What one transaction did, net: an entity that it wrote twice is in `put` once, as it was at the end.

    `put` and `delete` are ordered parents first. `version` is 0 until the transaction has been committed, and for one
    that changed nothing.
    """

    version: int = 0
    put: dict[str, list[Entity]] = field(default_factory=dict)
    delete: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Kind → id → wire form before, of what was replaced or deleted; only in the `Transaction.change` that did it."""

    def __bool__(self) -> bool:
        return bool(self.put or self.delete)


@dataclass(frozen=True, slots=True)
class StoredConfiguration:
    """Everything in a store at one moment: kind → id → entity, and the version of the last change in it."""

    version: int
    kinds: dict[str, dict[str, Entity]]


class Period(NamedTuple):
    """A period of time: its name (`minute`), when it began and when it may be forgotten (seconds since 1970), how much
    is allowed in it, and what is to be added."""

    name: str
    began: int
    ends: int
    limit: int
    by: int


class Tally(NamedTuple):
    """A question: add to all periods of a key, or to none where one that would be added to has reached its limit."""

    key: str
    periods: Sequence[Period]


class Total(NamedTuple):
    """Its answer: the periods' values, and whether they were added to."""

    values: list[int]
    added: bool


Take = Callable[[StoredConfiguration, str, list[Entity]], Awaitable[None]]
"""`take(whole, kind, entities)`: takes some entities of a kind that are not in the whole itself."""


class Reading(Protocol):
    """Looking up entities."""

    async def get(self, kind: str, id: str) -> Entity | None:  # noqa: A002 - Kong's word
        """The entity with an id."""

    async def find(self, kind: str, field: str, value: str, *, where: Where = ANYWHERE) -> Entity | None:
        """The entity with a value in a unique field; in one that is unique within a parent, with `where`."""

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
        """Up to `size` entities in order of their ids, or newest first; `after` comes from the page before.

        Raises EntityError (invalid offset) when `after` is not from such a page.
        """


class Transaction(Reading, Protocol):
    """Several writes, all or nothing. Reads see what was written before in it.

    The methods raise EntityError with Kong's codes and sentences, after which the transaction may go on (nothing of
    the refused call was written), and StoreUnavailable, after which it may not.
    """

    @property
    def change(self) -> Change:
        """What was written so far; once the transaction is committed, with its version."""

    async def insert(self, entity: Entity) -> None:
        """Add an entity. Refuses: id there already (3), unique value there already (5), reference to nothing (4)."""

    async def replace(self, entity: Entity) -> None:
        """Put an entity in the place of the one with its id. Refuses as insert, and when there is none (6)."""

    async def upsert(self, entity: Entity) -> bool:
        """Replace, or insert when there is none with its id; whether it was inserted."""

    async def insert_many(self, entities: Iterable[Entity]) -> None:
        """Insert entities of any kinds, which may refer to each other, in few statements."""

    async def replace_many(self, entities: Iterable[Entity]) -> None:
        """Replace entities of any kinds in few statements; they may swap unique values among themselves."""

    async def delete(self, kind: str, id: str) -> bool:  # noqa: A002 - Kong's word
        """Delete an entity and what goes with it; False when there is none. Refuses: referenced by others (4)."""

    async def delete_many(self, kind: str, ids: Iterable[str]) -> int:
        """Delete entities of a kind and what goes with them in few statements; how many of these there were."""

    async def delete_expired(self, kind: str) -> int:
        """Delete the entities of a kind that are over; how many there were."""


class Store(Reading, Protocol):
    """Where entities live. Every method raises StoreUnavailable when the store cannot be reached."""

    @property
    def name(self) -> str:
        """Kong's name of the database: "off", "sqlite", "postgres"."""

    @property
    def writable(self) -> bool:
        """Whether `write` is possible at all."""

    async def open(self) -> None:
        """Make the store ready. Raises StoreUnavailable; may be called again then."""

    async def close(self) -> None:
        """Let go of everything; waits for nothing."""

    async def check(self) -> None:
        """Raise StoreUnavailable when the store cannot be reached now."""

    async def version(self) -> int:
        """The version of the last change."""

    async def whole(
        self,
        kinds: Collection[str] | None = None,
        *,
        others: Collection[str] = (),
        take: Take | None = None,
        tagged: Mapping[str, TagFilter] = NO_FILTERS,
    ) -> StoredConfiguration:
        """Every entity, or those of some kinds alone, as of one moment. Of the kinds in `tagged`, only what has the
        tags.

        What is too much to be held is handed over instead: the entities of `others`, as of the same moment, some at a
        time, in order of kinds and ids. It may begin again from the start, when a connection was lost.
        """

    async def since(self, version: int) -> list[Change] | None:
        """The changes after a version, oldest first; None when they are no longer kept (or never were in this
        store): then take the whole."""

    async def tags(self, tag: str | None = None, *, size: int, after: str | None = None) -> TagPage:
        """Which entities have which tags, or which have this tag."""

    async def reseal(self) -> int:
        """Bring the secrets that are stored into the form that is wanted now; how many rows that changed."""

    def write(self, *, actor: str | None = None, reason: str | None = None) -> AbstractAsyncContextManager[Transaction]:
        """A transaction, one at a time in the whole installation. Committed when the block ends without an exception.

        `actor` and `reason` go into the log of changes. StoreUnavailable out of the end of the block means that it is
        unknown whether the transaction was committed.
        """

    async def tally(self, asked: Sequence[Tally]) -> list[Total]:
        """Answer questions to the counters that nodes share, as if one came after the other; they are stored then.

        EntityError where nothing is stored.
        """

    async def forget_tallies(self, now: float) -> None:
        """Do away with the counters of periods that were over at a time, in seconds since 1970."""

    async def wait_for_change(self, known: int | None = None) -> int:
        """Wait until the version is another one than `known`, and give it. Survives that the store is gone for a while.

        Without `known`: until there is one that this store has neither written nor handed out (by `whole` or `since`).
        """

    async def tell(self, message: str) -> None:
        """Send a short text, of at most some thousand bytes, to every node that shares the store, this one included.

        Only those that listen now get it; nothing is sent where a store is not shared.
        """

    def hear(self, heard: Callable[[str], None]) -> None:
        """Have such texts told, from the next connection on on which changes are waited for."""
