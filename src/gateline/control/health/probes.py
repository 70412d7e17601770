"""Probes of plain TCP and HTTP, many thousands at a time: one socket each, one `epoll` for all of them, no task, no
stream; and the sockets are the bare ones beneath `socket.socket`. Most probes wait most of their time; what one costs
is a handful of system calls.

Nothing wakes the loop for an answer: all that came are taken together at the next `tick`, some milliseconds later,
which costs half of what a wake-up for each would. What is answered by then, as what is near does, never gets to know
`epoll`. Where a system has none, and for what needs more than a socket (TLS, gRPC), probes are tasks: see `streams`.
"""

import _socket
import asyncio
import errno
import logging
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from gateline.control.health.counting import Result
from gateline.control.health.wheel import Wheel

__all__ = ["Probe", "RawProber", "status_of"]

logger = logging.getLogger(__name__)

RAW = hasattr(select, "epoll")
"""Whether this system has what the prober needs."""

GRAIN = 0.02
"""Seconds by which a timeout may come late, besides."""

_HEAD = 512
"""Bytes in which a status line must have come."""

_AT_ONCE = 1024
"""Events that are taken out of the kernel together."""

_IPV4, _IPV6 = int(socket.AF_INET), int(socket.AF_INET6)
_STREAM = int(socket.SOCK_STREAM) | int(getattr(socket, "SOCK_NONBLOCK", 0)) | int(getattr(socket, "SOCK_CLOEXEC", 0))
_BROKEN = select.EPOLLERR | select.EPOLLHUP if RAW else 0
_ERROR = select.EPOLLERR if RAW else 0
_READABLE = _BROKEN | select.EPOLLIN if RAW else 0
_ANSWER = select.EPOLLIN | select.EPOLLET if RAW else 0
_ALL = _ANSWER | select.EPOLLOUT if RAW else 0
_TCP_FAILURE, _SUCCESS, _TIMEOUT = Result.TCP_FAILURE, Result.SUCCESS, Result.TIMEOUT

Judge = Callable[[int], Result]
Done = Callable[[Any, Result], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """What is sent where, and what is made of a status: `request` is empty where connecting is all."""

    type: str
    timeout: float
    request: bytes
    judge: Judge
    server_name: str = ""
    verify: bool = True
    certificate: tuple[str, str] | None = field(default=None, repr=False)
    """Certificate and key (PEM) that are shown in TLS."""
    authority: str = ""
    """The host that is asked for, in gRPC."""


class _Raw:
    __slots__ = ("about", "data", "descriptor", "judge", "only_connects", "request", "slot", "socket")

    def __init__(self, sock: _socket.socket, probe: Probe, about: object) -> None:
        self.socket: _socket.socket | None = sock
        self.descriptor = sock.fileno()
        self.request = probe.request
        self.only_connects = not probe.request
        self.judge = probe.judge
        self.about = about
        self.data = b""
        self.slot = 0


class RawProber:
    """Sends probes of the types tcp and http. To be made, and used, in a running loop."""

    def __init__(self, done: Done) -> None:
        """`done` hears what a probe was about, and its result."""
        self._done = done
        self._epoll = select.epoll()
        self._waiting: dict[int, _Raw] = {}
        """By descriptor: those that `epoll` knows."""
        self._sent: list[_Raw] = []
        """Those that have sent all since the last tick."""
        self._deadlines = Wheel(GRAIN)
        self._loop = asyncio.get_running_loop()

    def start(self, probe: Probe, address: str, port: int, about: object) -> None:
        """Begin a probe; its result comes later."""
        try:
            sock = _socket.socket(_IPV6 if ":" in address else _IPV4, _STREAM)
        except OSError as error:
            logger.error("no socket for a probe: %s", error)
            self._loop.call_soon(self._done, about, Result.NOTHING)  # it says nothing of the target
            return
        raw = _Raw(sock, probe, about)
        try:
            code = sock.connect_ex((address, port))
        except OSError as error:
            code = error.errno or errno.EINVAL
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            self._loop.call_soon(self._done, about, _TCP_FAILURE)
            return
        raw.slot = self._deadlines.add(raw, monotonic() + probe.timeout)
        if not raw.only_connects and self._sent_at_once(raw, sock):
            self._sent.append(raw)
        else:
            self._await(raw, _ALL)

    @staticmethod
    def _sent_at_once(raw: _Raw, sock: _socket.socket) -> bool:
        """Whether the request could be sent already: one is quick to connect to what is near."""
        try:
            raw.request = raw.request[sock.send(raw.request) :]
        except OSError:  # which will be told again, with the event
            return False
        return not raw.request

    def _await(self, raw: _Raw, events: int) -> None:
        self._epoll.register(raw.descriptor, events)
        self._waiting[raw.descriptor] = raw

    def tick(self, now: float) -> None:
        """Go on with the probes that can, and end those of which the time is over."""
        sent, self._sent = self._sent, []
        for raw in sent:
            if not self._read(raw):
                self._await(raw, _ANSWER)
        while self._waiting and (events := self._epoll.poll(0, _AT_ONCE)):
            for descriptor, what in events:
                waiting = self._waiting.get(descriptor)
                if waiting is not None:
                    self._went_on(waiting, what)
            if len(events) < _AT_ONCE:
                break
        for raw in self._deadlines.due(now):
            self._end(raw, _TIMEOUT)

    def close(self) -> None:
        """Send nothing any more; nobody hears of what was under way."""
        for raw in [*self._waiting.values(), *self._sent]:
            if raw.socket is not None:
                raw.socket.close()
        self._waiting.clear()
        self._sent.clear()
        self._epoll.close()

    def _went_on(self, raw: _Raw, events: int) -> None:
        if raw.only_connects:
            self._end(raw, _TCP_FAILURE if events & _BROKEN else _SUCCESS)
            return
        sock = raw.socket
        if raw.request and sock is not None and not events & _ERROR:
            try:
                raw.request = raw.request[sock.send(raw.request) :]
            except BlockingIOError:
                return
            except OSError:
                self._end(raw, _TCP_FAILURE)
                return
        if events & _READABLE:
            self._read(raw)

    def _read(self, raw: _Raw) -> bool:
        """Take what has come of an answer; whether that ended the probe."""
        sock = raw.socket
        assert sock is not None  # noqa: S101 - it is under way
        try:
            while (status := status_of(raw.data)) is None:
                data = sock.recv(4096)
                raw.data += data
                if not data or (len(raw.data) > _HEAD and b"\r\n" not in raw.data):
                    status = 0
                    break
        except BlockingIOError:
            return False
        except OSError:
            status = 0
        self._end(raw, raw.judge(status) if status else _TCP_FAILURE)
        return True

    def _end(self, raw: _Raw, result: Result) -> None:
        sock, raw.socket = raw.socket, None
        if sock is not None:
            self._waiting.pop(raw.descriptor, None)
            self._deadlines.discard(raw, raw.slot)
            sock.close()
            self._done(raw.about, result)


def status_of(data: bytes) -> int | None:
    """The status of a response that begins so; 0 when it is none, None while that cannot be said."""
    line, end, _ = data.partition(b"\r\n")
    if not end:
        return None if data[:7] == b"HTTP/1."[: len(data)] else 0
    if line[:7] != b"HTTP/1." or line[8:9] != b" " or not line[9:12].isdigit():
        return 0
    return int(line[9:12])
