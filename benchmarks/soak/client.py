"""A load client that forgives nothing: keep-alive connections on raw sockets, every request's outcome on record.

Each connection is a coroutine that sends one request after another and compares the answer with the upstream's. A
request fails when it is refused, cut, late, or answered with anything else; a connection that is closed between two
requests fails the next one, because a client that has just sent cannot know. The one polite way out is
`Connection: close` in an answer.
"""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from benchmarks.load import HEADERS, TARGET, head_tail
from benchmarks.processes import Address
from benchmarks.upstream import BODY

REQUEST = (f"GET {TARGET} HTTP/1.1\r\n" + head_tail(HEADERS)).encode()
LATE = 10.0  # seconds without an answer
_BETWEEN_ATTEMPTS = 0.05  # seconds after a failed connect


class AnswerError(Exception):
    """The answer is not the upstream's; the text says how."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed: when, how, and from which local port (0 when there was no connection)."""

    when: float
    kind: str
    port: int


@dataclass(slots=True)
class Tally:
    """What all connections have seen so far; times are `time.monotonic()`."""

    answered: int = 0
    renewed: int = 0  # connections given up after `Connection: close` or by plan
    latencies: list[tuple[float, float]] = field(default_factory=list)  # (when it was due, seconds until answered)
    failures: list[Failure] = field(default_factory=list)

    def kinds(self) -> str:
        """The failures by kind, for people."""
        return (
            ", ".join(f"{count} times {kind}" for kind, count in Counter(each.kind for each in self.failures).items())
            or "none"
        )

    def between(self, start: float, end: float) -> list[float]:
        """Latencies in seconds of the requests that were due in a span of time."""
        return [latency for due, latency in self.latencies if start <= due < end]


def percentile(latencies: list[float], share: float) -> float:
    """The latency in seconds that `share` (0 to 1) of the requests did not exceed; 0 for no requests."""
    ordered = sorted(latencies)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class LoadClient:
    """Load for as long as the `async with` block lasts; requests in flight at its end are waited for.

    `renewing` of the `connections` close and connect again after every 20 requests. With `rate` (requests a second, all
    connections together) requests are due at fixed times and latency counts from then, so that a stall is not hidden by
    the requests that it prevented.
    """

    def __init__(
        self,
        address: Address,
        connections: int,
        renewing: int = 0,
        rate: float | None = None,
        request: bytes = REQUEST,
    ) -> None:
        self.tally = Tally()
        self._address = address
        self._connections = connections
        self._renewing = renewing
        self._interval = connections / rate if rate else 0.0
        self._request = request
        self._group = asyncio.TaskGroup()
        self._stopping = False
        self._goal = 0
        self._reached = asyncio.Event()

    async def __aenter__(self) -> "LoadClient":
        await self._group.__aenter__()
        for number in range(self._connections):
            self._group.create_task(self._run(number))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        await self._group.__aexit__(kind, error, trace)

    async def answers(self, count: int, seconds: float = 30.0) -> None:
        """Wait until `count` more requests have been answered; TimeoutError after `seconds`."""
        self._goal = self.tally.answered + count
        self._reached.clear()
        async with asyncio.timeout(seconds):
            await self._reached.wait()

    async def _run(self, number: int) -> None:
        due = time.monotonic() + self._interval * number / self._connections
        limit = 20 if number < self._renewing else None
        while not self._stopping:
            connection = await self._connect()
            if connection is not None:
                with connection:
                    due = await self._use(connection, limit, due)

    async def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.timeout(LATE):
                address = (self._address.host, self._address.port)
                await asyncio.get_running_loop().sock_connect(connection, address)
        except (OSError, TimeoutError) as error:
            connection.close()
            self.tally.failures.append(Failure(time.monotonic(), f"connect: {type(error).__name__}", 0))
            await asyncio.sleep(_BETWEEN_ATTEMPTS)
            return None
        return connection

    async def _use(self, connection: socket.socket, limit: int | None, due: float) -> float:
        """Requests over one connection until it ends; returns when the next request is due."""
        port = connection.getsockname()[1]
        count = 0
        while not self._stopping:
            if self._interval:
                await asyncio.sleep(max(due - time.monotonic(), 0))
            else:
                due = time.monotonic()
            try:
                async with asyncio.timeout(LATE):
                    stays = await exchange(connection, self._request)
            except (OSError, TimeoutError, AnswerError) as error:
                kind = str(error) if isinstance(error, AnswerError) else type(error).__name__
                self.tally.failures.append(Failure(time.monotonic(), kind, port))
                return due + self._interval
            self.tally.latencies.append((due, time.monotonic() - due))
            self.tally.answered += 1
            if self.tally.answered >= self._goal:
                self._reached.set()
            count += 1
            due += self._interval
            if not stays or count == limit:
                self.tally.renewed += 1
                break
        return due


async def exchange(connection: socket.socket, request: bytes) -> bool:
    """One request and its answer, which must be the upstream's; whether the connection stays open."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = await loop.sock_recv(connection, 65536)
        if not received:
            raise AnswerError("cut in the answer's head" if answer else "closed instead of an answer")
        answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    length, stays = _framing(head)
    while len(body) < length:
        received = await loop.sock_recv(connection, 65536)
        if not received:
            raise AnswerError("cut in the answer's body")
        body += received
    status = head[9:12]
    if status != b"200":
        raise AnswerError(f"status {status.decode(errors='replace')}")
    if body != BODY:
        raise AnswerError("another body")
    return stays


def _framing(head: bytes) -> tuple[int, bool]:
    length, stays = None, True
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-length":
                with contextlib.suppress(ValueError):
                    length = int(value)
            case b"connection":
                stays = value.strip().lower() != b"close"
    if length is None:
        raise AnswerError("no Content-Length")
    return length, stays
