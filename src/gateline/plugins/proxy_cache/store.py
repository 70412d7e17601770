"""Where entries are: what the plugin asks of a store, and the store on a shelf of the node."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from gateline.pdk import Node
from gateline.pdk.shelf import Kept, Shelf, Writing

__all__ = ["Record", "ShelfStore", "Store"]


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept beside a body. `ttl` in seconds; with `since`, a moment in seconds since 1970, it is kept only if
    nothing of its tags was taken away from then on."""

    key: str
    head: bytes
    ttl: float
    tags: Collection[str]
    since: float


class Store(Protocol):
    """A store. What changes it may take effect a moment later, in the order in which it is asked for."""

    shelf: Shelf | None
    """For look-ups without waiting, where that is possible."""

    async def get(self, key: str) -> Kept | None:
        """What is kept under a key."""

    def open(self) -> None:
        """Begin; called once, in the worker. Raises ValueError when it cannot be used."""

    async def sweep(self) -> None:
        """Now and then: take away what nobody else does."""

    def writing(self, length: int) -> Writing | None:
        """Begin an entry with a body of so many bytes, -1 where that is not known; None where it cannot be kept."""

    def keep(self, writing: Writing, record: Record, then: Callable[[], None]) -> None:
        """Finish an entry, and call `then` when others can see it (or it turned out that they never will)."""

    def mark(self, record: Record) -> None:
        """Keep a head without a body."""

    def renew(self, key: str, head: bytes, *, ttl: float, tags: Collection[str]) -> None:
        """Give an entry another head and time; `tags`: those that it has."""

    def remove(self, key: str) -> None:
        """Take an entry away."""

    def remove_tagged(self, tag: str) -> None:
        """Take away what has a tag."""

    async def claim(self, key: str, seconds: float) -> bool:
        """Say that this worker fetches an entry; False when another one does."""

    async def claimed(self, key: str) -> bool:
        """Whether another worker fetches it."""

    def release(self, key: str) -> None:
        """It does not any more."""


class ShelfStore:
    """See `Store`. `size` in bytes. Until it is open, and where there is no room for it, nothing is kept."""

    def __init__(self, node: Node, name: str, size: int, *, durable: bool) -> None:
        self.shelf: Shelf | None = None
        self._node = node
        self._place = name, size, durable

    def open(self) -> None:
        """Open the shelf. Raises ValueError."""
        name, size, durable = self._place
        self.shelf = self._node.shelf(name, limit=size, durable=durable)

    async def sweep(self) -> None:
        """Take away what killed workers left."""
        if self.shelf is not None:
            await self.shelf.sweep()

    async def get(self, key: str) -> Kept | None:
        """What is kept under a key."""
        return None if self.shelf is None else self.shelf.get(key)

    def writing(self, length: int) -> Writing | None:
        """Begin an entry."""
        return None if self.shelf is None else self.shelf.writing(length)

    def keep(self, writing: Writing, record: Record, then: Callable[[], None]) -> None:
        """Finish an entry."""
        writing.finish(record.key, record.head, ttl=record.ttl, tags=record.tags, since=record.since)
        then()

    def mark(self, record: Record) -> None:
        """Keep a head without a body."""
        if self.shelf is not None:
            self.shelf.put(record.key, record.head, b"", ttl=record.ttl, tags=record.tags, since=record.since)

    def renew(self, key: str, head: bytes, *, ttl: float, tags: Collection[str]) -> None:  # noqa: ARG002 - they stay
        """Give an entry another head and time."""
        if self.shelf is not None:
            self.shelf.renew(key, head, ttl=ttl)

    def remove(self, key: str) -> None:
        """Take an entry away."""
        if self.shelf is not None:
            self.shelf.remove(key)

    def remove_tagged(self, tag: str) -> None:
        """Take away what has a tag."""
        if self.shelf is not None:
            self.shelf.remove_tagged(tag)

    async def claim(self, key: str, seconds: float) -> bool:
        """Say that this worker fetches an entry."""
        return self.shelf is None or self.shelf.claim(key, seconds)

    async def claimed(self, key: str) -> bool:
        """Whether another worker fetches it."""
        return self.shelf is not None and self.shelf.claimed(key)

    def release(self, key: str) -> None:
        """It does not any more."""
        if self.shelf is not None:
            self.shelf.release(key)
