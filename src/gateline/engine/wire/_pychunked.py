"""Chunked bodies in plain Python (RFC 9112, section 7.1): the twin of the compiled decoder."""

import re
from typing import final

from gateline.engine.wire import faults
from gateline.engine.wire._pyfields import (
    MAX_NUMBER,
    TCHAR,
    VCHAR,
    Fields,
    Limits,
    end_of,
    out_of,
    parse_fields,
)
from gateline.engine.wire._pyheads import Head, check_bytes
from gateline.engine.wire.faults import HeadError
from gateline.engine.wire.kinds import REQUEST_KINDS, RESPONSE_KINDS

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]*+")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15}+)\r\n")
_QUOTED = rb"\"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\" + VCHAR + rb")*+"
_EXTENSION = re.compile(rb";" + TCHAR + rb"++(?:=(?:" + TCHAR + rb"++|" + _QUOTED + rb"\"))?+")
_EXTENSION_START = re.compile(rb";(?:" + TCHAR + rb"++(?:=(?:" + TCHAR + rb"++|" + _QUOTED + rb"\\?+)?+)?+)?+")
_AT_SIZE, _IN_DATA, _AT_DATA_END, _IN_TRAILERS, _AT_END = range(5)


@final
class ChunkedDecoder:
    """Takes a chunked body in pieces and gives its payload."""

    __slots__ = (
        "_extensions",
        "_failure",
        "_left",
        "_limits",
        "_pending",
        "_response",
        "_state",
        "consumed",
        "done",
        "trailers",
    )

    def __init__(self, limits: Limits, response: bool = False) -> None:
        self._limits = limits
        self._response = response
        self._state = _AT_SIZE
        self._left = 0
        self._extensions = 0
        self._pending = b""
        self._failure: tuple[int, str] | None = None
        self.done = False
        self.consumed = 0
        self.trailers: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes, offset: int = 0) -> bytes:
        """The payload in `data[offset:]`; `consumed` and `done` say where the body ended. HeadError on a violation."""
        check_bytes(data)
        if not 0 <= offset <= len(data):
            raise ValueError("offset is outside of the data")
        if self._failure is not None:
            raise HeadError(*self._failure)
        if self._state == _AT_END:
            self.consumed = offset
            return b""
        work, position, shift = data, offset, 0
        if self._pending:
            work, position, shift = self._pending + data[offset:], 0, len(self._pending) - offset
            self._pending = b""
        try:
            pieces, position = self._decode(work, position)
        except HeadError as error:
            self._failure = (error.status, error.reason)
            raise
        self.consumed = position - shift
        return b"".join(pieces)

    def _decode(self, work: bytes, position: int) -> tuple[list[bytes], int]:
        """Pieces of payload in `work` from `position` on, and where they and what frames them end."""
        pieces = []
        while position < len(work) and self._state != _AT_END:
            if self._state == _IN_DATA:
                piece = work[position : position + self._left]
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _AT_DATA_END
                continue
            after = self._step(work, position)
            if not after:
                self._pending = work[position:]
                return pieces, len(work)
            position = after
        return pieces, position

    def _step(self, work: bytes, start: int) -> int:
        """Read what frames the payload at `start`: the offset behind it, 0 when it is incomplete."""
        if self._state == _AT_DATA_END:
            end = work[start : start + 2]
            if not b"\r\n".startswith(end):
                raise faults.BAD_CHUNK_END.error(self._response)
            if len(end) < 2:
                return 0
            self._state = _AT_SIZE
            return start + 2
        if self._state == _AT_SIZE:
            after = self._parse_size(work, start)
            if after:
                self._state = _IN_DATA if self._left else _IN_TRAILERS
            return after
        head = Head()
        section = work[start : start + self._limits.head + 1]
        if not parse_fields(head, section, 0, self._limits, _TrailerFields(head, self._response)):
            return 0
        self.trailers = head.items()
        self.done = True
        self._state = _AT_END
        return start + head.size

    def _parse_size(self, work: bytes, start: int) -> int:
        """The chunk line at `start`: sets `left`; the offset behind the line, 0 when it is incomplete."""
        stop = min(len(work), start + self._limits.line)
        match = _CHUNK_LINE.match(work, start, stop)
        if match is not None:
            self._left = int(match[1], 16)
            return match.end()
        digits = end_of(_HEXADECIMAL, work, start, stop)
        if digits - start > 16:
            raise faults.BAD_CHUNK_SIZE.error(self._response)
        if digits == stop:
            return out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
        if digits == start or int(work[start:digits], 16) > MAX_NUMBER:
            raise faults.BAD_CHUNK_SIZE.error(self._response)
        end = digits
        while end < stop and work[end] == 59:
            after = end_of(_EXTENSION, work, end, stop)
            partial = end_of(_EXTENSION_START, work, end, stop)
            if partial == stop:
                return out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
            if after < partial or after == end:
                raise faults.BAD_CHUNK_EXTENSION.error(self._response)
            end = after
        if end == stop:
            return out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
        if work[end] != 13:
            if work[end] == 10:
                raise faults.BARE_LF.error(self._response)
            raise (faults.BAD_CHUNK_SIZE if end == digits else faults.BAD_CHUNK_EXTENSION).error(self._response)
        if end + 1 == stop:
            return out_of(stop, work, faults.CHUNK_LINE_TOO_LONG, self._response)
        if work[end + 1] != 10:
            raise faults.BARE_CR.error(self._response)
        self._extensions += end - digits
        if self._extensions > self._limits.head:
            raise faults.CHUNK_LINE_TOO_LONG.error(self._response)
        self._left = int(work[start:digits], 16)
        return end + 2


class _TrailerFields(Fields):
    def __init__(self, head: Head, response: bool) -> None:
        super().__init__(head)
        self.response = response
        self.table = RESPONSE_KINDS if response else REQUEST_KINDS

    def note(self, kind: int, name: bytes, value: bytes) -> None:  # noqa: ARG002
        self.refuse(faults.BAD_TRAILER)

    def finish(self) -> None:
        """Trailers mean nothing to the codec."""
