"""What a request costs between two stand-ins for sockets: the gateway's own code, without kernel and event loop.

    .venv/bin/python -m benchmarks.loop [--only NAME ...] [--instructions] [--profile FILE]

Times are the best of some rounds, in µs of a request. Instructions are counted by valgrind: the same each time, so that
small changes show on a noisy machine too. In a node, where the kernel's work has the caches in between, a difference of
1 µs here is one of about 2 µs.
"""
# ruff: noqa: SLF001 (it puts its own connections into an engine that was made for tests)

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from benchmarks.directory import made, use
from benchmarks.plugin_configurations import (
    AUTHENTICATION,
    CACHE,
    CORRELATION,
    CREDENTIALS,
    EACH,
    JWT,
    KEY,
    KEY_AUTH,
    KEY_HEADER,
    LEASED_LIMIT,
    MINUTE_LIMIT,
    PROMETHEUS,
    TOKEN_HEADER,
    TOKEN_SECRET,
    WIDE_LIMIT,
    Plugins,
    uses_redis,
    with_redis,
)
from benchmarks.redis_server import RedisServer
from gateline.engine.configuration import Change, Configuration
from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.proxy import Proxy
from gateline.engine.upstream.observing import Observers, Reports
from gateline.engine.upstream.places import Place
from gateline.engine.upstream.pool import Pool, Target
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Entity
from gateline.pdk.discovery import Plugins as KnownPlugins
from gateline.sharedstate import SharedCounters
from gateline.testing import Harness, harness
from gateline.testing.messages import LIMITS

ROUNDS = 15
TURNS = 2000
COUNTED = 500
MEASURED = "__pyx_pw_*data_received*"
"""The two ways in. Of two patterns that begin alike valgrind regards one."""
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 26 Nov 2026 20:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 27\r\nConnection: keep-alive\r\n\r\n"
    b'{"message":"hello, world!"}'
)
BALANCED = "balanced"
"""The chain without plugins whose service has ten targets, with active and passive checks."""
_WITH_TOKEN = ("jwt", "proxy-cache")
"""To a cache an authorization that nobody has looked at is a part of what is asked for."""
CHAINS: dict[str, Plugins] = {
    "none": {},
    BALANCED: {},
    **EACH,
    "jwt": JWT,
    **{name: AUTHENTICATION[name] for name in ("basic-auth", "hmac-auth", "oauth2")},
    "proxy-cache": CACHE,
    "rate-limiting": MINUTE_LIMIT,
    "limits": {**CORRELATION, **KEY_AUTH, **MINUTE_LIMIT},
    "limits-local": WIDE_LIMIT,
    "leases": LEASED_LIMIT,
    "prometheus": PROMETHEUS,
}


class Loop:
    """A worker's engine with one client connection and one to the service, between which a request goes round.

    Consumers, credentials and counters are the real ones, shared with nobody, in `folder`; so is a Redis where plugins
    ask for one. The first request, which may wait for it, is made here.
    """

    def __init__(self, plugins: Plugins, folder: Path, *, balanced: bool = False) -> None:
        self._redis = RedisServer(folder) if uses_redis(plugins) else None
        if self._redis is not None:
            plugins = with_redis(plugins, self._redis.address)
        known = KnownPlugins()
        known.load_all()
        use(folder, _people())
        shared = cast(Any, harness)
        shared.LocalCounters = lambda: SharedCounters(folder / "counters")
        self.harness = Harness(*[(cast(Any, known.load(name)), config) for name, config in plugins.items()])
        inside = cast(Any, self.harness)
        inside._proxy.access_log = None
        limits = ClientLimits(requests=1 << 40)
        self._client = ClientConnection(Door(inside._proxy, Crowd(limits), LIMITS, port=8000, tls=False))
        self._client.connection_made(_Wire())
        hosts = [f"192.0.2.{number}" for number in range(1, 11)] if balanced else ["service.test"]
        self._services = [_connected(inside._pools.get(Target(host, 8080))) for host in hosts]
        self._loop = inside._loop if balanced else None
        if balanced:
            _balance(inside._configuration, inside._proxy, hosts)
        self._turn = 0
        headers = {"Host": "127.0.0.1:8000", **KEY_HEADER}
        for name in plugins:
            headers |= TOKEN_HEADER if name in _WITH_TOKEN else CREDENTIALS.get(name, {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._request = f"GET /hello HTTP/1.1\r\n{lines}\r\n".encode()
        inside._loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        self._client.data_received(self._request)
        while not self._answer():  # noqa: ASYNC110 - sent by whoever the event loop runs
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """End what was started for it."""
        self.harness.close()
        if self._redis is not None:
            self._redis.end()

    def turns(self, count: int) -> None:
        """So many requests, each with its answer."""
        asyncio._set_running_loop(self._loop)  # observers plan there what they tell
        try:
            for _ in range(count):
                self._request_one()
        finally:
            asyncio._set_running_loop(None)

    def _request_one(self) -> None:
        self._client.data_received(self._request)
        self._answer()

    def _answer(self) -> bool:
        """Answer the request that a service was sent; whether there was one."""
        services = self._services
        for _ in services:
            self._turn = (self._turn + 1) % len(services)
            service, sent = services[self._turn]
            if sent:
                sent.clear()
                service.requests = 1  # it serves as long as it is asked to
                service.data_received(ANSWER)
                return True
        return False


def _connected(pool: Pool) -> tuple[UpstreamConnection, deque[bytes]]:
    """A connection that the pool keeps, and what was sent on it."""
    connection = UpstreamConnection(pool)
    connection.place = cast(Place, pool._places.sole)
    wire = _Wire()
    connection.connection_made(wire)
    pool.release(connection, time.monotonic())
    return connection, wire.last


def _balance(configuration: Configuration, proxy: Proxy, hosts: list[str]) -> None:
    """Let the service lead to an upstream with these targets, and active and passive checks."""
    configuration.watch_makers = (Observers(Reports(lambda _: None)),)
    [service] = configuration.entities["services"].values()
    unhealthy = {"http_failures": 5, "tcp_failures": 3, "timeouts": 3}
    checks = {"active": {"healthy": {"interval": 5}, "unhealthy": {"interval": 5}}, "passive": {"unhealthy": unhealthy}}
    upstream = made("upstreams", {"name": "balanced.test", "healthchecks": checks}).to_wire()
    of = {"upstream": {"id": upstream["id"]}}
    targets = [made("targets", {"target": f"{host}:8080", **of}).to_wire() for host in hosts]
    put = {"services": [{**service.to_wire(), "host": "balanced.test"}], "upstreams": [upstream], "targets": targets}
    change = Change(configuration, 2, "", put=put, delete={})
    for _ in change.steps():
        pass
    proxy.adopt(change.commit())
    for _ in change.release():
        pass


class _Wire(asyncio.Transport):
    """A transport that drops what is written at the least cost."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)})
        self.last: deque[bytes] = deque(maxlen=1)
        self.write = self.last.append  # type: ignore[method-assign, assignment]

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Not needed."""
        raise ConnectionError("a connection was closed")

    abort = close


def _people() -> Iterator[tuple[str, Entity]]:
    """A consumer with a credential of each kind that the load sends."""
    ann = made("consumers", {"username": "ann"})
    of = {"consumer": {"id": ann.to_wire()["id"]}}
    application = made("oauth2_credentials", {"name": "shop", "client_id": KEY, **of})
    token = {"credential": {"id": application.to_wire()["id"]}, "access_token": KEY, "expires_in": 0}
    yield "consumers", ann
    yield "keyauth_credentials", made("keyauth_credentials", {"key": KEY, **of})
    yield "basicauth_credentials", made("basicauth_credentials", {"username": KEY, "password": TOKEN_SECRET, **of})
    yield "hmacauth_credentials", made("hmacauth_credentials", {"username": KEY, "secret": TOKEN_SECRET, **of})
    yield "jwt_secrets", made("jwt_secrets", {"key": KEY, "secret": TOKEN_SECRET, **of})
    yield "oauth2_credentials", application
    yield "oauth2_tokens", made("oauth2_tokens", token)
    yield "acls", made("acls", {"group": "staff", **of})


def _time(name: str) -> float:
    """µs of a request in the best of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        with closing(Loop(CHAINS[name], Path(folder), balanced=name == BALANCED)) as loop:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                loop.turns(TURNS)
                found.append((time.perf_counter() - began) / TURNS * 1e6)
        return min(found)


def _instructions(name: str, profile: Path | None) -> int:
    """Instructions of a request, counted by valgrind in another process."""
    with tempfile.TemporaryDirectory() as folder:
        out = profile or Path(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={MEASURED}"]
        command += [sys.executable, "-m", "benchmarks.loop", "--turns", str(COUNTED), "--only", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind did not tell how much was executed: {done.stderr[-300:]}")
    return int(found[1]) // COUNTED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=list(CHAINS), choices=list(CHAINS), metavar="NAME")
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind")
    parser.add_argument("--profile", type=Path, help="keep valgrind's record of the last one there")
    parser.add_argument("--turns", type=int, help="so many requests and nothing else")
    asked = parser.parse_args()
    for name in asked.only:
        if asked.turns:
            with (
                tempfile.TemporaryDirectory() as folder,
                closing(Loop(CHAINS[name], Path(folder), balanced=name == BALANCED)) as loop,
            ):
                loop.turns(asked.turns)
        elif asked.instructions or asked.profile:
            print(f"{name:25} {_instructions(name, asked.profile):8,} instructions", flush=True)
        else:
            print(f"{name:25} {_time(name):6.2f} µs", flush=True)


if __name__ == "__main__":
    main()
