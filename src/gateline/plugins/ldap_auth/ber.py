"""The part of BER that LDAP uses (RFC 4511, section 5.1): definite lengths, tags of one octet, primitive strings.

What is read comes from a directory that may be broken or hostile. A `Reader` never looks beyond the octets that it was
given, holds no more than a position in them, and says `BerError` for everything that is not as it has to be; it never
calls itself, so that no nesting can exhaust the stack. Lengths may be longer than they need be: Active Directory sends
them so.
"""

from collections.abc import Iterator

__all__ = [
    "BOOLEAN",
    "ENUMERATED",
    "INTEGER",
    "OCTETS",
    "SEQUENCE",
    "SET",
    "BerError",
    "Reader",
    "element_size",
    "integer",
    "tlv",
]

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
"""Identifier octets of the universal types."""

_LENGTH_OCTETS = 4
_INTEGER_OCTETS = 8


class BerError(ValueError):
    """Octets that are no BER of LDAP's kind."""


def tlv(tag: int, *contents: bytes) -> bytes:
    """An element: identifier octet, length, contents."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """An integer in as few octets as it needs."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


class Reader:
    """Reads elements one after the other, from `start` up to `end`."""

    __slots__ = ("_data", "_end", "_place")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._place = start
        self._end = len(data) if end is None else end

    def __bool__(self) -> bool:
        """Whether there is anything left."""
        return self._place < self._end

    @property
    def tag(self) -> int:
        """The identifier octet of the next element; -1 behind the last one."""
        return self._data[self._place] if self._place < self._end else -1

    def octets(self, tag: int = OCTETS) -> bytes:
        """The contents of the next element, which has this tag."""
        start, end = self._taken(tag)
        return self._data[start:end]

    def inside(self, tag: int = SEQUENCE) -> "Reader":
        """A reader of what is inside the next element."""
        start, end = self._taken(tag)
        return Reader(self._data, start, end)

    def integer(self, tag: int = INTEGER) -> int:
        """The next element as an integer."""
        octets = self.octets(tag)
        if not 0 < len(octets) <= _INTEGER_OCTETS:
            raise BerError(f"an integer of {len(octets)} octets")
        return int.from_bytes(octets, "big", signed=True)

    def skip(self) -> None:
        """Pass the next element over."""
        self._taken(self.tag)

    def each(self, tag: int) -> Iterator[bytes]:
        """The contents of all elements that are left, which have this tag."""
        data, place, end = self._data, self._place, self._end
        while place < end:
            size = element_size(data, place, end)
            if data[place] != tag or size is None or place + size[0] + size[1] > end:
                raise BerError("an element is not as it has to be")
            start = place + size[0]
            place = start + size[1]
            yield data[start:place]
        self._place = place

    def _taken(self, tag: int) -> tuple[int, int]:
        """Where the contents of the next element are; goes on behind it."""
        found = self.tag
        if found < 0:
            raise BerError("an element is missing")
        if found & 0x1F == 0x1F:
            raise BerError("a tag of several octets")
        if found != tag:
            raise BerError(f"tag {found:#04x} in the place of {tag:#04x}")
        size = element_size(self._data, self._place, self._end)
        if size is not None:
            start = self._place + size[0]
            end = start + size[1]
            if end <= self._end:
                self._place = end
                return start, end
        raise BerError("an element is longer than what holds it")


def element_size(data: bytes | bytearray, place: int, end: int) -> tuple[int, int] | None:
    """How many octets identifier and length of an element take, and how many its contents; None: too few to tell."""
    if end - place < 2:
        return None
    first = data[place + 1]
    if first < 0x80:
        return 2, first
    count = first & 0x7F
    if not 0 < count <= _LENGTH_OCTETS:
        raise BerError("an indefinite or overlong length")
    if end - place < 2 + count:
        return None
    return 2 + count, int.from_bytes(data[place + 2 : place + 2 + count], "big")
