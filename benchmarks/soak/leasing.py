"""What the check of leases is made of: a proxy before a Redis that delays, nodes whose clocks differ, and load."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Address, family, free_address
from benchmarks.proxies import HOST, RunningProxy
from benchmarks.proxies.gateline import Configuration, Gateline, one_route

PLUGIN = "5f1d7fbc-0000-4000-8000-0000000001e"
ALGORITHMS = ("fixed-window", "sliding-window", "token-bucket", "gcra")
LATE = 20.0  # seconds without an answer
CONNECTIONS = 128  # for each node

_CLOCK = """import os, time
_real, _offset = time.time, float(os.environ["SOAK_CLOCK_OFFSET"])
time.time = lambda: _real() + _offset
"""


class DelayingProxy:
    """Passes bytes on to `target`, each way `delay` / 2 seconds late."""

    def __init__(self, target: Address) -> None:
        self.delay = 0.0
        self.address = free_address()
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.address.host, self.address.port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(self._target.host, self._target.port)
        except OSError:
            writer.close()
            return
        for source, sink in ((reader, upstream[1]), (upstream[0], writer)):
            task = asyncio.get_running_loop().create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                loop.call_later(self.delay / 2, _write, sink, data)
        loop.call_later(self.delay / 2, sink.close)


def _write(sink: asyncio.StreamWriter, data: bytes) -> None:
    if not sink.is_closing():
        sink.write(data)


class LimitNode:
    """A node with one worker. `offset`: seconds by which its clock is wrong."""

    def __init__(self, number: int, folder: Path, redis_at: Address, limit: int, offset: float) -> None:
        self.number = number
        folder = folder / f"node-{number}"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_CLOCK)
        environment = {"PYTHONPATH": str(folder), "SOAK_CLOCK_OFFSET": str(offset)}
        gateline = Gateline(lambda upstream: _configuration(upstream, redis_at, limit), 1, environment)
        self._running: RunningProxy = gateline.start(free_address(), folder, None)

    @property
    def address(self) -> Address:
        return self._running.address

    def kill(self) -> None:
        """SIGKILL for all of its processes."""
        for pid in family(self._running.server.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        self._running.server.end()


def _configuration(upstream: Address, redis_at: Address, limit: int) -> Configuration:
    configuration = one_route(upstream)
    configuration["services"][0]["routes"] = [
        {
            "name": algorithm,
            "paths": [f"/{algorithm}"],
            "plugins": [
                {
                    "name": "rate-limiting-advanced",
                    "id": f"{PLUGIN}{number}",
                    "config": {
                        "limit": [limit],
                        "window_size": [1],
                        "algorithm": algorithm,
                        "strategy": "redis",
                        "disable_penalty": True,
                        "redis": {"host": redis_at.host, "port": redis_at.port},
                    },
                }
            ],
        }
        for number, algorithm in enumerate(ALGORITHMS)
    ]
    configuration["plugins"] = [{"name": "request-termination", "config": {"status_code": 200, "message": "ok"}}]
    return configuration


@dataclass(slots=True)
class Count:
    """What requests came to: answers by status; those that got none; what came and what was admitted by second."""

    algorithm: str = ""
    nodes: int = 0
    admitted: int = 0
    refused: int = 0
    failed: int = 0
    windows: int = 0
    late: int = 0
    came: Counter[int] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)


class Load:
    """Requests at a fixed rate to some nodes together, from a time on until another. Clients of a node that is gone go
    on with the others."""

    def __init__(self, nodes: Sequence[LimitNode], rate: float, algorithm: str) -> None:
        self._request = f"GET /{algorithm} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        self.count = Count(algorithm, len(nodes))
        self._nodes = list(nodes)
        self._clients = CONNECTIONS * len(nodes)
        self._interval = self._clients / rate

    async def run(self, begin: float, end: float) -> Count:
        """`begin` and `end` in seconds since 1970; returns when all is answered."""
        await asyncio.gather(*(self._client(place, begin, end) for place in range(self._clients)))
        return self.count

    async def _client(self, place: int, begin: float, end: float) -> None:
        calls = _Calls(begin + self._interval * place / self._clients, end)
        while calls.due < end and self._nodes:
            node = self._nodes[place % len(self._nodes)]
            try:
                await self._connection(node, calls)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self.count.failed += 1
                if node in self._nodes:
                    self._nodes.remove(node)

    async def _connection(self, node: LimitNode, calls: "_Calls") -> None:
        reader, writer = await asyncio.open_connection(node.address.host, node.address.port)
        with contextlib.closing(writer):
            while calls.due < calls.end:
                await asyncio.sleep(max(calls.due - time.time(), 0))
                calls.due += self._interval
                sent = time.time()
                if sent >= calls.end:  # a load that is late is no load of another window
                    self.count.late += 1
                    break
                self.count.came[int(sent)] += 1
                async with asyncio.timeout(LATE):
                    writer.write(self._request)
                    status = await _status(reader)
                if status == 200:
                    self.count.admitted += 1
                    self.count.seconds[int(time.time())] += 1
                else:
                    self.count.refused += status == 429
                    self.count.failed += status != 429


@dataclass(slots=True)
class _Calls:
    """When a client sends its next request, and when no more."""

    due: float
    end: float


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return int(head[9:12])
