"""Heads in plain Python. The lines of a head are kept in one of two ways. A usual head (`_pyusual`) keeps the received
bytes, a copy in lower case and the lines of a known kind; its lines are taken apart when somebody asks for them. Every
other head is a list of lines as `encode` writes them, and beside it their names in lower case and their kinds."""

from typing import final

from gateline.engine.wire.kinds import (
    CONTENT_LENGTH,
    EXPECT,
    HOP,
    HOST,
    PLAIN,
    REQUEST_KINDS,
    RESPONSE_KINDS,
    TRANSFER_ENCODING,
)

WRONG = -1
"""The kind of an LF without CR."""


def _usual_lines(kinds: dict[bytes, int]) -> dict[bytes, int]:
    meaningful = (CONTENT_LENGTH, TRANSFER_ENCODING, *((HOST, EXPECT) if kinds is REQUEST_KINDS else ()))
    names = {name: kind for name, kind in kinds.items() if kind not in meaningful and name not in (b"te", b"upgrade")}
    del names[b"connection"]
    return {b"\n%b: " % name: kind for name, kind in names.items()} | {b"\nconnection: keep-alive": HOP, b"\n": WRONG}


known_in_request = _usual_lines(REQUEST_KINDS).get
"""The kind of a line of a usual head as it was found: its name where that says all. None for others."""
known_in_response = _usual_lines(RESPONSE_KINDS).get

_OF_VALUE = {ord(b"h"): HOST, ord(b"c"): CONTENT_LENGTH, ord(b"t"): TRANSFER_ENCODING}
"""The kinds of the other lines that a usual head may have, by their first byte."""


class Head:
    """What requests and responses have in common."""

    __slots__ = (
        "_data",
        "_found",
        "_kinds",
        "_lines",
        "_low",
        "_names",
        "_present",
        "_start",
        "keep_alive",
        "length",
        "minor",
        "size",
        "websocket",
    )

    table = REQUEST_KINDS
    known = staticmethod(known_in_request)

    def __init__(self) -> None:
        self.size = 0
        self.minor = 0
        self.length = -1
        self.keep_alive = False
        self.websocket = False
        self._present = 0
        self._lines: list[bytes] | None = []
        self._names: list[bytes] = []
        self._kinds: list[int] = []
        self._data = b""
        self._low = b""
        self._start = 0
        self._found: list[bytes] = []

    def get(self, name: bytes) -> bytes | None:
        """The first value of the header `name` (lower-case)."""
        check_bytes(name)
        lines = self._lines
        if lines is not None:
            return lines[self._names.index(name)][len(name) + 2 :] if name in self._names else None
        place = self._low.find(b"\n%b: " % name)
        if place < 0 or b":" in name:
            return None
        start = self._start + place + len(name) + 1
        return self._data[start : self._data.find(b"\r", start)]

    def get_all(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (lower-case), in order."""
        check_bytes(name)
        skip = len(name) + 2
        return [line[skip:] for line, lower in zip(self._split(), self._names, strict=True) if lower == name]

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Whether there is a header of one of these names (lower-case)."""
        if type(names) is not tuple:
            raise TypeError("names must be a tuple")
        return any(self.get(name) is not None for name in names)

    def items(self) -> list[tuple[bytes, bytes]]:
        """All headers in order, names as received."""
        return [(name, value) for name, _, value in (line.partition(b": ") for line in self._split())]

    def kinds(self) -> int:
        """The bits of all kinds of header that are present."""
        return self._present

    def encode(self, start: bytes, drop: int, edits: dict[bytes, bytes] | None, tail: bytes, body: bytes) -> bytes:
        """The next head and the body's beginning."""
        if type(body) is not bytes:
            check_bytes(body)
        if edits:
            blocks = b"".join(edits.values())
            return b"".join((start, self._kept(drop, edits), tail, blocks, b"\r\n", body))
        if drop & PLAIN or self._lines is not None:
            return b"".join((start, self._kept(drop, None), tail, b"\r\n", body))
        data = self._data
        at = self._start
        if not self._present & drop:
            return b"".join((start, data[at : self.size - 2], tail, b"\r\n", body))
        low = self._low
        known = self.known
        pieces = [start]
        first = at - 1
        place = 0
        for line in self._found:
            if (known(line) or _OF_VALUE[line[1]]) & drop:
                place = low.find(line, place)
                pieces.append(data[at : first + place])
                place = low.find(b"\n", place + 1)
                at = first + place
        pieces += (data[at : self.size - 2], tail, b"\r\n", body)
        return b"".join(pieces)

    def _kept(self, drop: int, edits: dict[bytes, bytes] | None) -> bytes:
        lines = self._split()
        kept = [line for line, kind in zip(lines, self._kinds, strict=True) if not kind & drop]
        if edits:
            for name in edits:
                check_bytes(name)
            kept = [
                line
                for line, name, kind in zip(lines, self._names, self._kinds, strict=True)
                if not kind & drop and name not in edits
            ]
        if kept:
            kept.append(b"")
        return b"\r\n".join(kept)

    def _split(self) -> list[bytes]:
        """The lines, taken apart if they were not yet."""
        lines = self._lines
        if lines is None:
            lines = self._lines = self._data[self._start : self.size - 4].split(b"\r\n")
            self._names, self._kinds = names_and_kinds(lines, self.table)
        return lines


@final
class RequestHead(Head):
    """A request's head."""

    __slots__ = ("_target", "authority", "expect_continue", "method", "path", "plain_path", "query", "te_trailers")

    def __init__(self) -> None:
        super().__init__()
        self.method = b""
        self.path = b""
        self.query: bytes | None = None
        self.plain_path = False
        self.authority = b""
        self.expect_continue = False
        self.te_trailers = False
        self._target: bytes | None = None

    @property
    def target(self) -> bytes:
        """The target as received; None in `_target` stands for path and query."""
        if self._target is not None:
            return self._target
        return self.path if self.query is None else b"%b?%b" % (self.path, self.query)


@final
class ResponseHead(Head):
    """A response's head."""

    __slots__ = ("reason", "status")

    table = RESPONSE_KINDS
    known = staticmethod(known_in_response)

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.reason = b""


def names_and_kinds(lines: list[bytes], table: dict[bytes, int]) -> tuple[list[bytes], list[int]]:
    """Names in lower case and kinds of canonical lines."""
    names = [line.partition(b":")[0].lower() for line in lines]
    look_up = table.get
    return names, [look_up(name, PLAIN) for name in names]


def check_bytes(value: object) -> None:
    if type(value) is not bytes:
        raise TypeError(f"bytes are needed, not {type(value).__name__}")
