"""Probes of plain TCP and HTTP, many thousands at a time: one socket each, one `epoll` for all of them, no task, no
stream, no object that is made for it. Most probes wait most of their time; what one costs is six system calls.

Nothing wakes the loop for an answer: all that came are taken together at the next `tick`, some milliseconds later,
which costs half of what a wake-up for each would. What is answered by then, as what is near does, never gets to know
`epoll`. Where a system has none, and for what needs more than a socket (TLS, gRPC), probes are tasks: see `streams`.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateline.control.health.bare_sockets import bare_sockets
from gateline.control.health.counting import Result
from gateline.control.health.wheel import Wheel

__all__ = ["Call", "Probe", "RawProber", "status_of"]

logger = logging.getLogger(__name__)

RAW = hasattr(select, "epoll")
"""Whether this system has what the prober needs."""

GRAIN = 0.02
"""Seconds by which a timeout may come late, besides."""

_HEAD = 512
"""Bytes in which a status line must have come."""

_AT_ONCE = 1024
"""Events that are taken out of the kernel together."""

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


class Call:
    """A probe of one address and port, to be sent again and again, but not twice at a time."""

    __slots__ = (
        "about",
        "address",
        "data",
        "deadline",
        "descriptor",
        "destination",
        "judge",
        "left",
        "port",
        "request",
        "result",
        "slot",
        "speaks",
        "status",
        "timeout",
    )

    def __init__(self, probe: Probe, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self.destination: object = None
        """Made of the two at the first time."""
        self.request = probe.request
        self.speaks = bool(probe.request)
        self.timeout = probe.timeout
        self.judge = probe.judge
        self.status = 0
        self.result = Result.NOTHING
        """What was made of the last status: most often it is the same again."""
        # While it is under way:
        self.about: object = None
        self.descriptor = -1
        self.left = b""
        self.data = b""
        self.deadline = 0.0
        self.slot = 0


class RawProber:
    """Sends probes of the types tcp and http. To be made, and used, in a running loop."""

    def __init__(self, done: Done) -> None:
        """`done` hears what a probe was about, and its result."""
        self._done = done
        self._sockets = bare_sockets()
        self._epoll = select.epoll()
        self._waiting: dict[int, Call] = {}
        """By descriptor: those that `epoll` knows."""
        self._sent: list[Call] = []
        """Those that have sent all since the last tick."""
        self._deadlines = Wheel(GRAIN)
        """Of those that `epoll` knows: the others have had no tick to be late for."""
        self._loop = asyncio.get_running_loop()

    def start(self, call: Call, about: object, now: float) -> None:
        """Begin a probe; its result comes later."""
        try:
            if call.destination is None:
                call.destination = self._sockets.destination(call.address, call.port)
        except OSError:
            self._loop.call_soon(self._done, about, _TCP_FAILURE)
            return
        try:
            descriptor = self._sockets.dial(call.destination, call.speaks)
        except OSError as error:
            logger.error("no socket for a probe: %s", error)
            self._loop.call_soon(self._done, about, Result.NOTHING)  # it says nothing of the target
            return
        if descriptor < 0:
            self._loop.call_soon(self._done, about, _TCP_FAILURE)
            return
        call.about = about
        call.descriptor = descriptor
        call.deadline = now + call.timeout
        call.data = b""
        call.left = call.request
        if call.speaks and self._say(call) >= 0 and not call.left:  # one is quick to connect to what is near
            self._sent.append(call)
        else:  # where that failed, it will be told again with the event
            self._await(call, _ALL)

    def tick(self, now: float) -> None:
        """Go on with the probes that can, and end those of which the time is over."""
        sent, self._sent = self._sent, []
        for call in sent:
            if not self._read(call):
                self._await(call, _ANSWER)
        while self._waiting and (events := self._epoll.poll(0, _AT_ONCE)):
            for descriptor, what in events:
                waiting = self._waiting.get(descriptor)
                if waiting is not None:
                    self._went_on(waiting, what)
            if len(events) < _AT_ONCE:
                break
        for call in self._deadlines.due(now):
            self._end(call, _TIMEOUT)

    def close(self) -> None:
        """Send nothing any more; nobody hears of what was under way."""
        for call in [*self._waiting.values(), *self._sent]:
            self._sockets.hang_up(call.descriptor)
        self._waiting.clear()
        self._sent.clear()
        self._epoll.close()

    def _await(self, call: Call, events: int) -> None:
        self._epoll.register(call.descriptor, events)
        self._waiting[call.descriptor] = call
        call.slot = self._deadlines.add(call, call.deadline)

    def _say(self, call: Call) -> int:
        """Send what is left of a request; negative when that is not possible."""
        size = self._sockets.send(call.descriptor, call.left)
        if size > 0:
            call.left = b"" if size == len(call.left) else call.left[size:]
        return size

    def _went_on(self, call: Call, events: int) -> None:
        if not call.speaks:
            self._end(call, _TCP_FAILURE if events & _BROKEN else _SUCCESS)
            return
        if call.left and not events & _ERROR:
            if self._say(call) < 0:
                self._end(call, _TCP_FAILURE)
                return
            if call.left:
                return
        if events & _READABLE:
            self._read(call)

    def _read(self, call: Call) -> bool:
        """Take what has come of an answer; whether that ended the probe."""
        while True:
            data = self._sockets.receive(call.descriptor)
            if data is None:
                return False
            if call.data:
                call.data += data
            else:
                call.data = data
            status = status_of(call.data)
            if status >= 0 or not data or len(call.data) > _HEAD:
                break
        if status > 0 and status != call.status:
            call.status = status
            call.result = call.judge(status)
        self._end(call, call.result if status > 0 else _TCP_FAILURE)
        return True

    def _end(self, call: Call, result: Result) -> None:
        descriptor, call.descriptor = call.descriptor, -1
        if call.slot:
            del self._waiting[descriptor]
            self._deadlines.discard(call, call.slot)
            call.slot = 0
        self._sockets.hang_up(descriptor)
        about, call.about = call.about, None
        self._done(about, result)


def status_of(data: bytes) -> int:
    """The status of a response that begins so; 0 when it is none, negative while that cannot be said."""
    if len(data) < 12 or not data.startswith(b"HTTP/1."):
        return -1 if data[:7] == b"HTTP/1."[: len(data)] and b"\r\n" not in data else 0
    if b"\r\n" not in data:
        return -1
    hundreds, tens, ones = data[9] - 48, data[10] - 48, data[11] - 48
    if data[8] != 32 or not (0 <= hundreds <= 9 and 0 <= tens <= 9 and 0 <= ones <= 9):
        return 0
    return hundreds * 100 + tens * 10 + ones
