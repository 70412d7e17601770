"""Writes while the control process is killed again and again: what was acknowledged is stored and in force, nothing is
there by half, and the proxy never stops.

`GATELINE_CRASH_WRITES` is how many writes are to be acknowledged; without it so many that it takes some seconds.
"""

import http.client
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.store import StoreOptions
from harness.postgres import Postgres
from integration.nodes import LIMIT, Load, Node, Upstream, request

WRITES = int(os.environ.get("GATELINE_CRASH_WRITES", "60"))
CLIENTS = 10
KILLS = 4
"""How often at least."""
BETWEEN = 0.7
"""Seconds between a control process that serves and its end."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


class Client(threading.Thread):
    """Writes routes one after the other, and services by sets; knows what it was told."""

    def __init__(self, node: Node, number: int, end: threading.Event) -> None:
        super().__init__()
        self.number = number
        self.acknowledged: list[str] = []
        self.not_in_force: list[str] = []
        self.unexpected: list[str] = []
        self.generation = -1
        """The last set that was acknowledged."""
        self.tried = -1
        """The last set that was sent."""
        self.sets = 0
        self.cut = 0
        self._node = node
        self._end = end

    def run(self) -> None:
        """Every write once; one without an answer is not repeated."""
        for number in itertools.count():
            if self._end.is_set():
                return
            if number % 5 == 4:
                self._write_set(number)
            else:
                self._write_route(number)

    def _write_route(self, number: int) -> None:
        path = f"/c{self.number}-{number}"
        name = path.strip("/")
        if self._ask("POST", "/routes", {"name": name, "paths": [path], "service": {"name": "alive"}}) == 201:
            self.acknowledged.append(name)
            if request(self._node.port, "GET", path)[0] != 200:
                self.not_in_force.append(path)

    def _write_set(self, number: int) -> None:
        """Five services in one transaction, in the place of the five before."""
        self.tried = number
        services = [{"name": f"g{self.number}-{number}-{one}", "host": "h.test"} for one in range(5)]
        document = {"_format_version": "3.0", "services": services}
        if self._ask("PUT", f"/config?select_tags=client-{self.number}", document) == 200:
            self.generation = number
            self.sets += 1

    def _ask(self, method: str, path: str, body: Any) -> int:
        """The status; 0 when there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._node.admin_port, timeout=LIMIT)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.cut += 1
            return 0
        finally:
            connection.close()
        if response.status not in (200, 201):
            self.unexpected.append(f"{method} {path}: {response.status} {content[:200]!r}")
        return response.status


def stored(node: Node, kind: str) -> list[dict[str, Any]]:
    """All entities of a kind."""
    found: list[dict[str, Any]] = []
    path = f"/{kind}?size=1000"
    while path:
        status, page = node.admin("GET", path)
        assert status == 200, page
        found += page["data"]
        path = page["next"]
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name an empty database."""
    if request.param == "sqlite":
        return {"database": "sqlite"}
    server: Postgres = request.getfixturevalue("postgres")
    options: StoreOptions = request.getfixturevalue("postgres_options")
    environment = server.environment(options.pg_database)
    return {name.removeprefix("KONG_").lower(): value for name, value in environment.items()}


@pytest.mark.timeout(4 * LIMIT + WRITES)
def test_no_acknowledged_write_is_lost_and_none_is_there_by_half(
    tmp_path: Path, upstream: Upstream, database: dict[str, str]
) -> None:
    with Node(tmp_path / "node", log_level="notice", **database) as node:
        service = {"name": "alive", "url": f"http://127.0.0.1:{upstream.port}"}
        assert node.admin("POST", "/services", service)[0] == 201
        assert node.admin("POST", "/services/alive/routes", {"name": "alive", "paths": ["/alive"]})[0] == 201
        end = threading.Event()
        clients = [Client(node, number, end) for number in range(CLIENTS)]
        kills = 0
        with Load(node.port, "/alive", 2) as load:
            for client in clients:
                client.start()
            try:
                while kills < KILLS or sum(len(client.acknowledged) for client in clients) < WRITES:
                    time.sleep(BETWEEN)  # the moment of the end is to be any
                    control = node.state.control
                    os.kill(control, signal.SIGKILL)
                    kills += 1
                    node.renewed_control(control)
                    assert node.admin("GET", "/status")[0] == 200
            finally:
                end.set()
                for client in clients:
                    client.join()
        assert load.failures == []
        assert load.done > 0
        assert "cannot go on" not in node.log.read_text()
        assert sum(client.cut for client in clients) > 0, "no write was cut off"
        assert [text for client in clients for text in client.unexpected] == []
        assert [path for client in clients for path in client.not_in_force] == []

        routes = {route["name"]: route for route in stored(node, "routes")}
        acknowledged = {name for client in clients for name in client.acknowledged}
        assert acknowledged <= routes.keys()
        services = stored(node, "services")
        for client in clients:
            mine = {one["name"] for one in services if one["name"].startswith(f"g{client.number}-")}
            assert len(mine) in ((5,) if client.generation >= 0 else (0, 5)), mine
            generations = {int(name.split("-")[1]) for name in mine}
            assert len(generations) <= 1, mine
            assert not generations or client.generation <= generations.pop() <= client.tried

        cut = sum(client.cut for client in clients)
        sys.stdout.write(
            f"{len(acknowledged)} routes and {sum(client.sets for client in clients)} sets acknowledged, {cut} writes "
            f"cut off, {kills} kills, {load.done} requests beside\n"
        )
        for name in routes:  # in force is what is stored, in both workers
            assert {request(node.port, "GET", f"/{name}")[0] for _ in range(4)} == {200}, name
