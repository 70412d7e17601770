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


_LINES = {status: _lines(status, reason) for status, reason in _REASONS.items()}


def status_line(status: int, reason: bytes, close: bool | None) -> bytes:
    """The status line with Connection: close or keep-alive behind it (None: without).

    `reason` is an upstream's own phrase; b"" or the usual one take the line that is already there.
    """
    known = _LINES.get(status)
    if known is not None and (not reason or reason == known[3]):
        if close is None:
            return known[2]
        return known[1] if close else known[0]
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
    return line if close is None else line + (CLOSE if close else KEEP)


_KNOWN_LENGTHS = 4096
_ends: dict[int, bytes] = {}


def length_end(length: int) -> bytes:
    """The end of a head whose body has that length; those of short bodies are kept."""
    known = _ends.get(length)
    if known is None:
        known = b"Content-Length: %d\r\n\r\n" % length
        if length < _KNOWN_LENGTHS:
            _ends[length] = known
    return known


def interim_line(status: int, reason: bytes) -> bytes:
    """The status line of an informational answer."""
    return status_line(status, reason, None)
