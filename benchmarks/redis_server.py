"""A Redis that a measurement starts, asks what it had to do, and ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import redis

from benchmarks.processes import Address, Server, start, start_until_ready


class RedisServer:
    """A Redis, in memory only, which can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server, self.address = start_until_ready(self._start)

    def _start(self, address: Address) -> Server:
        settings = ["--port", address.port, "--bind", address.host, "--save", "", "--appendonly", "no"]
        return start("redis", ["redis-server", *settings], self._folder)

    def kill(self) -> None:
        self._server.process.kill()
        self._server.process.wait()

    def start_again(self) -> None:
        self._server = self._start(self.address)

    def end(self) -> None:
        self._server.end()

    def reset_statistics(self) -> None:
        with self._client() as client:
            client.config_resetstat()

    def operations(self) -> int:
        """Scripts that were asked for since then."""
        with self._client() as client:
            calls: dict[str, dict[str, int]] = client.info("commandstats")
            return sum(calls.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))

    @contextlib.contextmanager
    def _client(self) -> "Iterator[redis.Redis]":
        client = redis.Redis(host=self.address.host, port=self.address.port, protocol=2)
        with contextlib.closing(client):
            yield client
