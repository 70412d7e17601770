"""A limit of 1,000 requests a second, over four workers and 64 connections: as many pass, and not one more.

The answers themselves say which windows they belong to: in a window each request that passes is told another number of
remaining ones, from 999 down to 0. A number that was told more often than there were windows would be a window that let
one pass too many; and of the windows in which somebody was refused each must have told 0. Of a bucket many spans of
time are looked at, from the first request of the span being sent to the answer of its last.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import HEADERS, TARGET, head_tail
from benchmarks.processes import Address
from benchmarks.proxies.gateline import Configuration, one_route
from benchmarks.soak.gateway import gateway
from benchmarks.soak.verdict import Verdict

LIMIT = 1000
WORKERS = 4
CONNECTIONS = 64
WINDOWS = 10
BURST = 100  # of the bucket
STEADY = 500  # requests a second that a limit of 1,000 must all let pass
_REQUEST = (f"GET {TARGET} HTTP/1.1\r\n" + head_tail(HEADERS)).encode()
_LATE = 10.0  # seconds without an answer
_REMAINING = b"\r\nRateLimit-Remaining: "


@dataclass(slots=True)
class Seen:
    """Of requests that passed when they were sent, when they were answered (`time.time()`), and what remained."""

    passed: list[tuple[float, float, int]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)


async def check() -> Verdict:
    """Run the check."""
    verdict = Verdict("limits_accuracy")
    await _windows(verdict, "steady load", _steadily)
    await _windows(verdict, "bursts", _in_bursts)
    await _sustained(verdict)
    await _bucket(verdict)
    return verdict


async def _windows(verdict: Verdict, what: str, load: Callable[[Address, Seen], Awaitable[int]]) -> None:
    with gateway(_limited(window_type="fixed"), workers=WORKERS) as running:
        seen = Seen()
        windows = await load(running.address, seen)
    told = Counter(remaining for _, _, remaining in seen.passed)
    refusing = {int(sent) for sent, answered in seen.refused if int(sent) == int(answered)}
    too_many = sum(max(count - windows, 0) for count in told.values())
    verdict.number(f"{what}: requests", _requests(seen))
    verdict.hold(
        f"{what}: in each of {windows} windows {LIMIT:,} pass, exactly, before one is refused",
        not too_many and not seen.others and told[0] >= len(refusing),
        f"{len(seen.passed):,} passed, {told[0]} windows were full, {too_many} too many"
        + (f"; other statuses: {dict(seen.others)}" if seen.others else ""),
    )


async def _steadily(address: Address, seen: Seen) -> int:
    """Load without a pause, from the beginning of a window to the end of another."""
    begin = await _boundary()
    await _load(address, seen, begin + WINDOWS - 0.05)
    return WINDOWS


async def _in_bursts(address: Address, seen: Seen) -> int:
    """Load in the last half of one window out of two, and on into the next one."""
    for _ in range(WINDOWS // 2):
        begin = await _boundary()
        await asyncio.sleep(begin + 0.5 - time.time())
        await _load(address, seen, begin + 1.5)
    return WINDOWS


async def _sustained(verdict: Verdict) -> None:
    """What stays below the limit passes."""
    with gateway(_limited(window_type="fixed"), workers=WORKERS) as running:
        seen = Seen()
        await _load(running.address, seen, time.time() + 5, pause=CONNECTIONS / STEADY)
    verdict.hold(
        f"none of {STEADY} requests a second is refused",
        not seen.refused and not seen.others,
        f"{len(seen.refused)} of {len(seen.passed):,}",
    )


async def _bucket(verdict: Verdict) -> None:
    with gateway(_limited(algorithm="token-bucket", burst=BURST), workers=WORKERS) as running:
        seen = Seen()
        begin = time.time()
        await _load(running.address, seen, begin + 5)
    passed = sorted(seen.passed, key=lambda one: one[1])
    first = min(sent for sent, _, _ in passed)
    # The worst span: requests that were answered by its end and sent after its beginning, against what may pass.
    excess = max(
        sum(1 for sent, _, _ in passed[: place + 1] if sent >= start) - BURST - (passed[place][1] - start) * LIMIT
        for start in (first, *(passed[index][0] for index in range(0, len(passed), 500)))
        for place in range(0, len(passed), 50)
        if passed[place][1] > start
    )
    filled = BURST + (max(sent for sent, _, _ in passed) - first) * LIMIT
    verdict.number("bucket: requests", _requests(seen))
    verdict.hold(
        f"bucket: never more than {BURST} and {LIMIT:,} a second",
        excess <= 0,
        f"{max(excess, 0):.0f} too many at worst",
    )
    verdict.hold(
        "bucket: nobody is refused what is there",
        len(passed) >= filled * 0.99,
        f"{len(passed):,} of {filled:,.0f} passed",
    )


def _requests(seen: Seen) -> str:
    return f"{len(seen.passed) + len(seen.refused):,}, {len(seen.refused):,} of them refused"


async def _boundary() -> float:
    """Wait for the beginning of a second."""
    begin = float(int(time.time()) + 1)
    await asyncio.sleep(begin - time.time() + 0.001)
    return begin


async def _load(address: Address, seen: Seen, end: float, pause: float = 0.0) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(address, seen, end, pause))


async def _connection(address: Address, seen: Seen, end: float, pause: float) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(end - time.time() + _LATE):
            await loop.sock_connect(client, (address.host, address.port))
            while (sent := time.time()) < end:
                status, remaining = await _asked(loop, client)
                if status == 200:
                    seen.passed.append((sent, time.time(), remaining))
                elif status == 429:
                    seen.refused.append((sent, time.time()))
                else:
                    seen.others[status] += 1
                if pause:
                    await asyncio.sleep(pause)


async def _asked(loop: asyncio.AbstractEventLoop, client: socket.socket) -> tuple[int, int]:
    """The status of one answer, and what remains."""
    await loop.sock_sendall(client, _REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = await loop.sock_recv(client, 65536)
        if not received:
            raise ConnectionError("closed instead of an answer")
        answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += await loop.sock_recv(client, 65536)
    return int(head[9:12]), int(head.partition(_REMAINING)[2].partition(b"\r\n")[0])


def _limited(**config: Any) -> Callable[[Address], Configuration]:
    def configure(upstream: Address) -> Configuration:
        limit = {"identifier": "service", "limit": [LIMIT], "window_size": [1], **config}
        plugin = {"name": "rate-limiting-advanced", "config": limit}
        return {**one_route(upstream), "plugins": [plugin]}

    return configure
