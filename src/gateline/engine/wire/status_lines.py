"""Status lines and the Connection header behind them, made once for every status that occurs."""

from http import HTTPStatus

__all__ = ["CLOSE", "KEEP", "interim_line", "status_line"]

KEEP = b"Connection: keep-alive\r\n"
CLOSE = b"Connection: close\r\n"

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_LINES: dict[int, tuple[bytes, bytes, bytes]] = {}


def _lines(status: int) -> tuple[bytes, bytes, bytes]:
    line = b"HTTP/1.1 %d %b\r\n" % (status, _REASONS.get(status, b""))
    return line + KEEP, line + CLOSE, line


for _status in _REASONS:
    _LINES[_status] = _lines(_status)


def status_line(status: int, reason: bytes, close: bool | None) -> bytes:
    """The status line with Connection: close or keep-alive behind it (None: without).

    `reason` is an upstream's own phrase; b"" or the usual one take the line that is already there.
    """
    if not reason or reason == _REASONS.get(status):
        known = _LINES.get(status)
        if known is not None:
            return known[2] if close is None else known[close]
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
    return line if close is None else line + (CLOSE if close else KEEP)


def interim_line(status: int, reason: bytes) -> bytes:
    """The status line of an informational answer."""
    return status_line(status, reason, None)
