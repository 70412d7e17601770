"""Probes of plain TCP and HTTP, many thousands at a time: one socket each, one `epoll` for all of them, no task, no
stream; and the sockets are the bare ones beneath `socket.socket`. Most probes wait most of their time; what one costs
is a handful of system calls.

Nothing wakes the loop for an answer: all that came are taken together at the next `tick`, some milliseconds later,
which costs half of what a wake-up for each would. Where a system has no `epoll`, and for what needs more than a socket
(TLS, gRPC), probes are tasks: see `streams`.
"""

import _socket
import asyncio
import errno
import logging
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import Any

from gateline.control.health.counting import Result

__all__ = ["Probe", "RawProber", "status_of"]

logger = logging.getLogger(__name__)

RAW = hasattr(select, "epoll")
"""Whether this system has what the prober needs."""

_HEAD = 512
"""Bytes in which a status line must have come."""

_AT_ONCE = 1024
"""Events that are taken out of the kernel together."""

_IPV4, _IPV6 = int(socket.AF_INET), int(socket.AF_INET6)
_STREAM = int(socket.SOCK_STREAM) | int(getattr(socket, "SOCK_NONBLOCK", 0)) | int(getattr(socket, "SOCK_CLOEXEC", 0))
_BROKEN = select.EPOLLERR | select.EPOLLHUP if RAW else 0

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
    __slots__ = ("about", "data", "descriptor", "judge", "only_connects", "request", "socket")

    def __init__(self, sock: _socket.socket, probe: Probe, about: object) -> None:
        self.socket: _socket.socket | None = sock
        self.descriptor = sock.fileno()
        self.request = probe.request
        self.only_connects = not probe.request
        self.judge = probe.judge
        self.about = about
        self.data = b""


class RawProber:
    """Sends probes of the types tcp and http. To be made, and used, in a running loop."""

    def __init__(self, done: Done) -> None:
        """`done` hears what a probe was about, and its result."""
        self._done = done
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, _Raw] = {}
        self._deadlines: list[tuple[float, int, _Raw]] = []
        self._numbers = count()
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
            self._loop.call_soon(self._done, about, Result.TCP_FAILURE)
            return
        events = select.EPOLLIN | select.EPOLLET
        if raw.only_connects or not self._sent_at_once(raw, sock):
            events |= select.EPOLLOUT
        self._epoll.register(raw.descriptor, events)
        self._by_descriptor[raw.descriptor] = raw
        heappush(self._deadlines, (monotonic() + probe.timeout, next(self._numbers), raw))

    @staticmethod
    def _sent_at_once(raw: _Raw, sock: _socket.socket) -> bool:
        """Whether the request could be sent already: one is quick to connect to what is near."""
        try:
            raw.request = raw.request[sock.send(raw.request) :]
        except OSError:  # which will be told again, with the event
            return False
        return not raw.request

    def tick(self, now: float) -> None:
        """Go on with the probes that can, and end those of which the time is over."""
        while events := self._epoll.poll(0, _AT_ONCE):
            for descriptor, what in events:
                raw = self._by_descriptor.get(descriptor)
                if raw is not None:
                    self._went_on(raw, what)
            if len(events) < _AT_ONCE:
                break
        deadlines = self._deadlines
        while deadlines and (deadlines[0][0] <= now or deadlines[0][2].socket is None):
            raw = heappop(deadlines)[2]
            if raw.socket is not None:
                self._end(raw, Result.TIMEOUT)

    def close(self) -> None:
        """Send nothing any more; nobody hears of what was under way."""
        for raw in self._by_descriptor.values():
            if raw.socket is not None:
                raw.socket.close()
        self._by_descriptor.clear()
        self._epoll.close()

    def _went_on(self, raw: _Raw, events: int) -> None:
        sock = raw.socket
        if sock is None:
            return
        if raw.only_connects:
            self._end(raw, Result.TCP_FAILURE if events & _BROKEN else Result.SUCCESS)
            return
        try:
            if raw.request and not events & select.EPOLLERR:
                raw.request = raw.request[sock.send(raw.request) :]
            if not events & (select.EPOLLIN | _BROKEN):
                return
            while (status := status_of(raw.data)) is None:
                data = sock.recv(4096)
                raw.data += data
                if not data or (len(raw.data) > _HEAD and b"\r\n" not in raw.data):
                    status = 0
                    break
        except BlockingIOError:
            return
        except OSError:
            self._end(raw, Result.TCP_FAILURE)
            return
        self._end(raw, raw.judge(status) if status else Result.TCP_FAILURE)

    def _end(self, raw: _Raw, result: Result) -> None:
        sock, raw.socket = raw.socket, None
        if sock is not None:
            del self._by_descriptor[raw.descriptor]
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
