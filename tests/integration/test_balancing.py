"""Shares of real targets over several workers, and changes of targets under load."""

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.upstream import RawUpstream
from integration.nodes import LIMIT, Load, Node, Upstream, eventually, request


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def node(stack: ExitStack, tmp_path: Path, **fields: Any) -> Node:
    """A node of two workers with a route `/u` to an upstream without targets."""
    running = stack.enter_context(Node(tmp_path / "node", database="sqlite"))
    assert running.admin("PUT", "/upstreams/u.test", fields)[0] == 200
    assert running.admin("PUT", "/services/s", {"host": "u.test"})[0] == 200
    assert running.admin("POST", "/services/s/routes", {"paths": ["/u"]})[0] == 201
    return running


def set_target(running: Node, port: int, **fields: Any) -> None:
    status, answer = running.admin("PUT", f"/upstreams/u.test/targets/127.0.0.1:{port}", fields)
    assert status == 200, answer


def delete_target(running: Node, port: int) -> None:
    assert running.admin("DELETE", f"/upstreams/u.test/targets/127.0.0.1:{port}")[0] == 204


def asked(port: int, requests: int) -> Counter[bytes]:
    """Who answers so many requests on connections of twenty requests each."""
    found: Counter[bytes] = Counter()
    for _ in range(requests // 20):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        for _ in range(20):
            connection.request("GET", "/u")
            answer = connection.getresponse()
            assert answer.status == 200
            found[answer.read()] += 1
        connection.close()
    return found


def test_workers_share_the_requests_by_the_weights(stack: ExitStack, tmp_path: Path) -> None:
    weights = {b"a": 10, b"b": 5, b"c": 1}
    running = node(stack, tmp_path)
    for body, weight in weights.items():
        set_target(running, stack.enter_context(Upstream(body)).port, weight=weight)
    found = asked(running.port, 640)
    for body, weight in weights.items():
        assert abs(found[body] - 40 * weight) <= 4, f"not within two turns of each worker: {found}"


def test_a_key_has_the_same_target_in_every_worker(stack: ExitStack, tmp_path: Path) -> None:
    running = node(stack, tmp_path, hash_on="header", hash_on_header="X-Key")
    for body in (b"a", b"b", b"c", b"d"):
        set_target(running, stack.enter_context(Upstream(body)).port)
    owners = {}
    for key in [f"key-{number}" for number in range(20)]:
        found = {request(running.port, "GET", "/u", headers={"X-Key": key}) for _ in range(8)}
        assert len(found) == 1, f"{key}: {found}"
        owners[key] = found.pop()
    assert len(set(owners.values())) > 1


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections", "latency", "consistent-hashing"])
def test_changes_of_targets_under_load_cost_no_request(stack: ExitStack, tmp_path: Path, algorithm: str) -> None:
    running = node(stack, tmp_path, algorithm=algorithm, slow_start=1)
    ports = [stack.enter_context(Upstream()).port for _ in range(3)]
    for port in ports:
        set_target(running, port)
    with Load(running.port, "/u") as load:
        for number in range(15):
            port = ports[number % 3]
            set_target(running, port, weight=number % 4 * 50)
            load.more(10)
            delete_target(running, port)
            load.more(10)
            set_target(running, port)
            load.more(10)
    assert load.failures == []


def test_what_is_in_flight_ends_when_its_target_goes(stack: ExitStack, tmp_path: Path) -> None:
    running = node(stack, tmp_path)
    slow = stack.enter_context(Upstream(b"slow"))
    set_target(running, slow.port)
    answers: list[tuple[int, bytes]] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(request(running.port, "GET", "/u/slow"))) for _ in range(4)
    ]
    for thread in waiting:
        thread.start()
    eventually(lambda: slow.held == 4, "four requests are in flight")
    set_target(running, stack.enter_context(Upstream(b"other")).port)
    delete_target(running, slow.port)
    assert asked(running.port, 20) == {b"other": 20}
    slow.release()
    for thread in waiting:
        thread.join(LIMIT)
    assert answers == [(200, b"slow")] * 4


def test_idle_connections_of_a_target_that_goes_are_closed(stack: ExitStack, tmp_path: Path) -> None:
    running = node(stack, tmp_path)
    upstream = stack.enter_context(RawUpstream())
    set_target(running, upstream.port)
    for _ in range(10):
        assert request(running.port, "GET", "/u")[0] == 200
    delete_target(running, upstream.port)
    for visit in upstream.wait_for_visits(1):
        assert visit.finished.wait(LIMIT), "a connection stays open"
    assert request(running.port, "GET", "/u")[0] == 503
