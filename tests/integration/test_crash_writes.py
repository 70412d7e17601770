"""Writes while the control process is killed again and again: what was acknowledged is stored and in force, nothing is
there by half, and the proxy never stops.

`GATELINE_CRASH_WRITES` is how many writes there are to be; without it so many that it takes some seconds.
"""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import LIMIT, Load, Node, Upstream, eventually, request

WRITES = int(os.environ.get("GATELINE_CRASH_WRITES", "150"))
CLIENTS = 10
BETWEEN = 1.5
"""Seconds between a control process that serves and its end."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


class Client(threading.Thread):
    """Writes routes one after the other, and services by sets; knows what it was told."""

    def __init__(self, node: Node, upstream: Upstream, number: int, count: int) -> None:
        super().__init__()
        self.number = number
        self.acknowledged: list[str] = []
        self.not_in_force: list[str] = []
        self.unexpected: list[str] = []
        self.generation = -1
        """The last set that was acknowledged."""
        self.tried = -1
        """The last set that was sent."""
        self.cut = 0
        self._node = node
        self._upstream = upstream
        self._count = count

    def run(self) -> None:
        """Every write once; one without an answer is not repeated."""
        for number in range(self._count):
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


@pytest.mark.timeout(LIMIT + 0.4 * WRITES)
def test_no_acknowledged_write_is_lost_and_none_is_there_by_half(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite", log_level="notice") as node:
        service = {"name": "alive", "url": f"http://127.0.0.1:{upstream.port}"}
        assert node.admin("POST", "/services", service)[0] == 201
        assert node.admin("POST", "/services/alive/routes", {"name": "alive", "paths": ["/alive"]})[0] == 201
        clients = [Client(node, upstream, number, WRITES // CLIENTS) for number in range(CLIENTS)]
        kills = 0
        with Load(node.port, "/alive", 2) as load:
            for client in clients:
                client.start()
            while any(client.is_alive() for client in clients):
                time.sleep(BETWEEN)  # the moment of the end is to be any
                control = node.state.control
                os.kill(control, signal.SIGKILL)
                kills += 1
                node.renewed_control(control)
            for client in clients:
                client.join()
            eventually(lambda: request(node.admin_port, "GET", "/status")[0] == 200, "the last one serves")
        assert load.failures == []
        assert load.done > 0
        assert kills > 0
        assert [text for client in clients for text in client.unexpected] == []
        assert [path for client in clients for path in client.not_in_force] == []

        routes = {route["name"]: route for route in stored(node, "routes")}
        acknowledged = {name for client in clients for name in client.acknowledged}
        assert acknowledged <= routes.keys()
        assert len(acknowledged) > WRITES // 4
        services = stored(node, "services")
        for client in clients:
            mine = {one["name"] for one in services if one["name"].startswith(f"g{client.number}-")}
            assert len(mine) in ((5,) if client.generation >= 0 else (0, 5)), mine
            generations = {int(name.split("-")[1]) for name in mine}
            assert len(generations) <= 1, mine
            assert not generations or client.generation <= generations.pop() <= client.tried

        for name in routes:  # in force is what is stored, in both workers
            assert {request(node.port, "GET", f"/{name}")[0] for _ in range(4)} == {200}, name
