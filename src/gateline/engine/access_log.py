"""The access log of a worker: one line an exchange, as text (nginx's combined format with Kong's request id) or JSON.

Lines are collected and written together, with one append of whole lines, so that many workers can share a file. A log
that cannot be written costs lines, never requests: the first failure is logged, the next success says how many were
lost.
"""

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["AccessLog"]

_log = logging.getLogger(__name__)

CLIENT_GONE = 499
"""What is logged as the status when the client did not wait for an answer (nginx's number)."""
_STANDARD_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_ESCAPES = {code: f"\\x{code:02X}" for code in (*range(32), *range(127, 256), 0x22, 0x5C)}


class AccessLog:
    """Call it with an exchange that is over. `flush` is for a timer, `reopen` for a rotated file."""

    def __init__(self, path: Path, *, as_json: bool = False, buffer: int = 64 * 1024) -> None:
        self._path = path
        self._line = _json_line if as_json else _text_line
        self._buffer = buffer
        self._lines: list[bytes] = []
        self._size = 0
        self._lost = 0
        self._descriptor = self._open()

    def __call__(self, exchange: "Exchange") -> None:
        line = self._line(exchange)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= self._buffer:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._lines:
            return
        data, count = b"".join(self._lines), len(self._lines)
        self._lines.clear()
        self._size = 0
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            if not self._lost:
                _log.error("the access log %s cannot be written: %s", self._path, error)
            self._lost += count
        else:
            if self._lost:
                _log.error("the access log %s is written again; %d lines were lost", self._path, self._lost)
                self._lost = 0

    def reopen(self) -> None:
        """Go on in the file that now has the log's name."""
        self.flush()
        descriptor = self._open()
        self._close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Write the rest and let go of the file."""
        self.flush()
        self._close()

    def _open(self) -> int:
        stream = _STANDARD_STREAMS.get(str(self._path))
        if stream is not None:
            return stream
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _close(self) -> None:
        if self._descriptor > 2:
            os.close(self._descriptor)


_second = 0
_stamp = ""


def _time_stamp() -> str:
    """Local time as nginx writes it, made once a second."""
    global _second, _stamp
    now = int(time.time())
    if now != _second:
        local = time.localtime(now)
        _stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", local)
        _second = now
    return _stamp


def _text(value: bytes | None) -> str:
    """A value that a client chose, with everything that could forge a line escaped."""
    return "-" if value is None else value.decode("latin-1").translate(_ESCAPES)


def _text_line(exchange: "Exchange") -> bytes:
    head = exchange.head
    request = f"{_text(exchange.method)} {_text(head.target)} HTTP/1.{head.minor}"
    return (
        f'{exchange.client_ip} - - [{_time_stamp()}] "{request}" {exchange.status or CLIENT_GONE} '
        f'{exchange.response_bytes} "{_text(head.get(b"referer"))}" "{_text(head.get(b"user-agent"))}" '
        f'kong_request_id: "{exchange.request_id.decode()}"\n'
    ).encode()


def _json_line(exchange: "Exchange") -> bytes:
    head = exchange.head
    route = exchange.route
    service = route.service if route is not None else None
    record = {
        "time": round(time.time(), 3),
        "client_ip": exchange.client_ip,
        "method": exchange.method.decode("latin-1"),
        "host": head.authority.decode("latin-1"),
        "target": head.target.decode("latin-1"),
        "status": exchange.status or CLIENT_GONE,
        "request_bytes": exchange.body_bytes,
        "response_bytes": exchange.response_bytes,
        "duration_ms": round((time.monotonic() - exchange.received) * 1000, 3),
        "upstream_ms": round(exchange.upstream_latency * 1000, 3) if exchange.upstream_latency >= 0 else None,
        "route": route.name if route is not None else None,
        "service": service.name if service is not None else None,
        "tries": exchange.tries + 1 if exchange.sent else exchange.tries,
        "user_agent": _decoded(head.get(b"user-agent")),
        "request_id": exchange.request_id.decode(),
    }
    return msgspec.json.encode(record) + b"\n"


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
