"""What is kept beside the body of an answer: what a hit needs at once, ready to be written, and what the rules know."""

from struct import Struct
from typing import final

from gateline.plugins.proxy_cache.rules import Stored, decode

__all__ = ["Entry", "block_of", "entry_head", "entry_of", "lines_of_block", "marker_head", "marker_names"]

_FIXED = Struct(">BHddqI")
"""Layout, status, when the answer was new, until when it is fresh, length told to HEAD, length of the header lines."""
_ENTRY, _MARKER = 1, 2
"""The layout; a marker tells by which headers of the request the entries of a key differ."""


@final
class Entry:
    """The head of an entry. Moments are seconds since 1970; `length` is -1 where the body tells it."""

    __slots__ = ("base", "block", "fresh_until", "length", "rest", "status")

    def __init__(self, status: int, base: float, fresh_until: float, length: int, block: bytes, rest: bytes) -> None:
        self.status = status
        self.base = base
        self.fresh_until = fresh_until
        self.length = length
        self.block = block
        self.rest = rest

    @property
    def stored(self) -> Stored | None:
        """What the rules know of it; None without `cache_control`."""
        return decode(self.rest) if self.rest else None


def entry_head(status: int, base: float, fresh_until: float, length: int, block: bytes, rest: bytes) -> bytes:
    """The head's bytes."""
    return _FIXED.pack(_ENTRY, status, base, fresh_until, length, len(block)) + block + rest


def entry_of(head: bytes) -> Entry | None:
    """The entry that a head tells of; None for a marker, and for what another version wrote."""
    if not head or head[0] != _ENTRY:
        return None
    _, status, base, fresh_until, length, size = _FIXED.unpack_from(head)
    end = _FIXED.size + size
    return Entry(status, base, fresh_until, length, head[_FIXED.size : end], head[end:])


def marker_head(names: tuple[bytes, ...]) -> bytes:
    """The head of a marker."""
    return bytes((_MARKER,)) + b",".join(names)


def marker_names(head: bytes) -> tuple[bytes, ...] | None:
    """The names of a marker, None for anything else."""
    return tuple(head[1:].split(b",")) if head[:1] == bytes((_MARKER,)) else None


def block_of(headers: "tuple[tuple[bytes, bytes], ...] | list[tuple[bytes, bytes]]") -> bytes:
    """Header lines in wire form."""
    return b"".join([b"%b: %b\r\n" % line for line in headers])


def lines_of_block(block: bytes) -> list[tuple[bytes, bytes]]:
    """The lines of a block."""
    lines = []
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name:
            lines.append((name, value.strip(b" \t")))
    return lines
