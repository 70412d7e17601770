"""Shelves: what a plugin keeps for all workers of a node, in shared memory or on disk, with room for long values.

A value has a head (whatever the plugin wants to know at once) and a body, which may be written and read in pieces. When
a shelf is full, what was not used for longest goes. Keys are text of at most 64 ASCII characters.
"""

from collections.abc import AsyncIterator, Collection
from typing import Any, Protocol

__all__ = ["Kept", "Shelf", "Writing"]


class Kept:
    """A value that was found. `head` is what was put beside the body; `body` the body, where it is short, empty where
    it is to be had in pieces; `length` the body's length in bytes.

    `made` is what whoever found it has made of it, None until then. It is there again as long as the value is what is
    kept and this process remembers it; it should not take more than the value itself.
    """

    __slots__ = ("body", "head", "length", "made")

    head: bytes
    body: bytes
    length: int
    made: Any

    @property
    def pieces(self) -> AsyncIterator[bytes] | None:
        """A long body from its beginning, None for a short one. Raises OSError where it turns out to be damaged."""
        raise NotImplementedError

    def some_pieces(self, first: int, size: int) -> AsyncIterator[bytes] | None:
        """Some bytes of a long body in pieces; None as above."""
        raise NotImplementedError

    def part(self, first: int, size: int) -> bytes | None:
        """Some bytes of the body; None where they are not to be had any more."""
        raise NotImplementedError


class Writing(Protocol):
    """A value on its way to the shelf; nobody sees it before it is finished."""

    def write(self, data: bytes) -> bool:
        """Go on with the body. False when it cannot be kept: it is too long, or there is no room."""

    def finish(self, key: str, head: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0) -> bool:
        """Put it on the shelf, as `Shelf.put` does."""

    def drop(self) -> None:
        """It will not be finished."""


class Shelf:
    """See the module. What is on a shelf may be gone the next moment. Nothing here raises for want of room but what
    takes values away: OSError where not even that can be written."""

    __slots__ = ()

    def get(self, key: str) -> Kept | None:
        """The value of a key whose time is not over."""
        raise NotImplementedError

    def put(
        self, key: str, head: bytes, body: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0
    ) -> bool:
        """Keep a value for some seconds; whether it is kept. With `since`, a moment in seconds since 1970, only if
        nothing of these tags was taken away by tag from then on, nor everything."""
        raise NotImplementedError

    def writing(self, length: int = -1) -> Writing | None:
        """Begin a value of which the body comes in pieces; None where so many bytes (-1: it is not known yet how many)
        are too many to be kept."""
        raise NotImplementedError

    def renew(self, key: str, head: bytes, *, ttl: float) -> bool:
        """Give a value another head and time; False when it is not there any more."""
        raise NotImplementedError

    def remove(self, key: str) -> bool:
        """Take a value away; whether there was one."""
        raise NotImplementedError

    def remove_tagged(self, tag: str, *, beginning: bool = False) -> int:
        """Take away what has a tag, or a tag that begins like this; how many."""
        raise NotImplementedError

    def clear(self) -> int:
        """Take everything away; how many."""
        raise NotImplementedError

    def claim(self, key: str, seconds: float) -> bool:
        """Say that this process is about to make a value, for so long at most; False when another one does already."""
        raise NotImplementedError

    def claimed(self, key: str) -> bool:
        """Whether some process that is alive makes the value."""
        raise NotImplementedError

    def release(self, key: str) -> None:
        """Take back what this process claimed."""
        raise NotImplementedError

    async def sweep(self) -> int:
        """Take away what processes that were killed left behind; how many files. One worker does it now and then."""
        raise NotImplementedError
