"""request-concurrency in a node of two workers: exact, and nobody leaves a place taken."""

import http.client
import os
import select
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import LIMIT, Node, Upstream, config, eventually, service

CLIENTS = 24


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CLIENTS) as made:
        yield made


def limited(upstream: Upstream, **fields: Any) -> dict[str, Any]:
    plugin = {"name": "request-concurrency", "config": {"identifier": "service", **fields}}
    return config(service("s", upstream.port, "/", plugins=[plugin], retries=0))


def slow(node: Node) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=LIMIT)
    try:
        connection.request("GET", "/slow")
        response = connection.getresponse()
        response.read()
        return response.status, response.headers["X-Concurrency-Remaining"]
    finally:
        connection.close()


def holding(node: Node) -> socket.socket:
    """A client that has sent a request, and waits."""
    client = socket.create_connection(("127.0.0.1", node.port), LIMIT)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    return client


def test_a_burst_over_all_workers_gets_as_many_places_as_there_are(
    tmp_path: Path, upstream: Upstream, pool: ThreadPoolExecutor
) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(limited(upstream, limit=5))
        asked: list[Future[tuple[int, str | None]]] = [pool.submit(slow, node) for _ in range(CLIENTS)]
        eventually(lambda: sum(one.done() for one in asked) == CLIENTS - 5, "all others are refused")
        assert upstream.held == 5
        upstream.release()
        answers = [one.result() for one in asked]
        assert Counter(status for status, _ in answers) == {200: 5, 429: CLIENTS - 5}
        assert sorted(left or "" for status, left in answers if status == 200) == ["0", "1", "2", "3", "4"]
        assert all(slow(node)[0] == 200 for _ in range(10)), "all places are free again"


def test_those_who_wait_pass_in_their_turn_and_never_more_at_a_time(
    tmp_path: Path, upstream: Upstream, pool: ThreadPoolExecutor
) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(limited(upstream, limit=3, queue_size=CLIENTS, queue_timeout=LIMIT))
        asked = [pool.submit(slow, node) for _ in range(CLIENTS)]
        eventually(lambda: upstream.held == 3, "as many as are allowed have come through")
        upstream.release()
        answers = [one.result() for one in asked]
        assert [status for status, _ in answers] == [200] * CLIENTS
        assert all(int(left or -1) in (0, 1, 2) for _, left in answers)


def test_a_client_that_goes_away_gives_its_place_back(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(limited(upstream, limit=2))
        clients = [holding(node) for _ in range(2)]
        eventually(lambda: upstream.held == 2, "both are inside")
        assert node.get("/x")[0] == 429
        for client in clients:
            client.close()
        eventually(lambda: node.get("/x")[0] == 200, "a place is free")


def test_a_client_that_goes_away_while_it_waits_takes_no_place(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(limited(upstream, limit=1, queue_size=10, queue_timeout=LIMIT))
        first = holding(node)
        eventually(lambda: upstream.held == 1, "it is inside")
        others = [holding(node) for _ in range(4)]
        for other in others:
            other.close()
        first.close()
        assert node.get("/x")[0] == 200
        assert upstream.held <= 5


def inside(node: Node, listening: socket.socket) -> tuple[socket.socket, socket.socket]:
    """A request that has a place: its client's end and its service's. The place of one that is over is free a moment
    after its client has the answer."""
    while True:
        client = holding(node)
        ready, _, _ = select.select([client, listening], [], [], LIMIT)
        if listening in ready:
            return client, listening.accept()[0]
        assert client.recv(65536).startswith(b"HTTP/1.1 429 ")
        client.close()


def test_a_dead_service_takes_no_place_with_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, Node(tmp_path / "node") as node:
        services = service("s", listening.getsockname()[1], "/", retries=0)
        services["plugins"] = [{"name": "request-concurrency", "config": {"identifier": "service", "limit": 1}}]
        node.configure(config(services))
        for _ in range(3):
            client, connection = inside(node, listening)
            connection.recv(65536)
            connection.close()
            assert client.recv(65536).startswith(b"HTTP/1.1 502 ")
            client.close()


HANDSHAKE = b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def opened(node: Node, listening: socket.socket) -> tuple[socket.socket, socket.socket] | None:
    """A WebSocket, its client's end and its service's; None where it is refused."""
    client = socket.create_connection(("127.0.0.1", node.port), LIMIT)
    client.sendall(HANDSHAKE)
    ready, _, _ = select.select([client, listening], [], [], LIMIT)
    if listening not in ready:
        assert client.recv(65536).startswith(b"HTTP/1.1 429 ")
        client.close()
        return None
    connection, _ = listening.accept()
    connection.recv(65536)
    connection.sendall(SWITCHING + b"hello")
    received = b""
    while not received.endswith(b"hello"):
        received += client.recv(65536)
    return client, connection


def test_a_websocket_has_its_place_until_it_is_closed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, Node(tmp_path / "node") as node:
        services = service("s", listening.getsockname()[1], "/", retries=0)
        services["plugins"] = [{"name": "request-concurrency", "config": {"identifier": "service", "limit": 1}}]
        node.configure(config(services))
        for _ in range(2):
            client, connection = eventually(lambda: opened(node, listening), "there is a place")
            assert opened(node, listening) is None
            client.close()
            assert not connection.recv(65536), "the service sees the end"
            connection.close()


def test_a_killed_worker_leaves_no_place_taken(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(limited(upstream, limit=8))
        clients = [holding(node) for _ in range(8)]
        eventually(lambda: upstream.held == 8, "all are inside")
        assert node.get("/x")[0] == 429
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        assert all(not client.recv(65536) for client in clients), "the workers' clients are gone"
        eventually(lambda: node.get("/x")[0] == 200, "there are places")
        more = [holding(node) for _ in range(8)]
        eventually(lambda: upstream.held == 16, "all are free")
        assert node.get("/x")[0] == 429
        for client in (*clients, *more):
            client.close()
