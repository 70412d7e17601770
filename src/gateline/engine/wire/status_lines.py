"""Status lines and the Connection header behind them, and ends of heads, made once for every one that occurs."""

from http import HTTPStatus

__all__ = ["CLOSE", "KEEP", "interim_line", "length_end", "status_line"]

KEEP = b"Connection: keep-alive\r\n"
CLOSE = b"Connection: close\r\n"

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def _lines(status: int, reason: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The line with keep-alive, with close, alone; and the phrase that is in it."""
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
    return line + KEEP, line + CLOSE, line, reason


_LAST = 599
_LINES = [_lines(status, _REASONS[status]) if status in _REASONS else None for status in range(_LAST + 1)]
"""By status."""


def status_line(status: int, reason: bytes, close: bool | None) -> bytes:
    """The status line with Connection: close or keep-alive behind it (None: without).

    `reason` is an upstream's own phrase; b"" or the usual one take the line that is already there.
    """
    known = _LINES[status] if 0 <= status <= _LAST else None
    if known is not None and (not reason or reason == known[3]):
        if close is None:
            return known[2]
        return known[1] if close else known[0]
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
    return line if close is None else line + (CLOSE if close else KEEP)


_KNOWN_LENGTHS = 4096
_ends: list[bytes | None] = [None] * _KNOWN_LENGTHS


def length_end(length: int) -> bytes:
    """The end of a head whose body has that length; those of short bodies are kept."""
    known = _ends[length] if length < _KNOWN_LENGTHS else None
    if known is None:
        known = b"Content-Length: %d\r\n\r\n" % length
        if length < _KNOWN_LENGTHS:
            _ends[length] = known
    return known


def interim_line(status: int, reason: bytes) -> bytes:
    """The status line of an informational answer."""
    return status_line(status, reason, None)
