"""Targets that are set unhealthy by hand get no requests, whatever happens to the node's processes."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import Load, Node, Upstream, eventually, request

CHECKS = {"passive": {"unhealthy": {"tcp_failures": 1}}}


@pytest.fixture
def upstreams() -> Iterator[list[Upstream]]:
    with Upstream(b"a") as one, Upstream(b"b") as two:
        yield [one, two]


@pytest.fixture(params=["off", "sqlite"])
def node(request: pytest.FixtureRequest, tmp_path: Path, upstreams: list[Upstream]) -> Iterator[Node]:
    """A node with a route `/u` to both upstreams; without a database, and with one."""
    targets: list[dict[str, Any]] = [{"target": f"127.0.0.1:{one.port}"} for one in upstreams]
    document = {
        "_format_version": "3.0",
        "services": [{"name": "s", "host": "u.test", "routes": [{"name": "r", "paths": ["/u"]}]}],
        "upstreams": [{"name": "u.test", "healthchecks": CHECKS, "targets": targets}],
    }
    with Node(tmp_path / "node", database=request.param) as running:
        if request.param == "off":
            running.configure(document)
        else:
            status, answer = running.admin("PUT", "/config", document)
            assert status == 200, answer
        yield running


def answers(node: Node, requests: int = 24) -> set[bytes]:
    """Who answers, on connections to whichever worker."""
    found = Counter(request(node.port, "GET", "/u") for _ in range(requests))
    assert all(status in (200, 503) for status, _ in found), found
    return {body if status == 200 else b"503" for status, body in found}


def set_health(node: Node, upstream: Upstream, word: str) -> None:
    status, answer = node.admin("PUT", f"/upstreams/u.test/targets/127.0.0.1:{upstream.port}/{word}")
    assert status == 204, answer


def shown(node: Node) -> list[str]:
    rows = node.admin("GET", "/upstreams/u.test/health")[1]["data"]
    return [row["health"] for row in sorted(rows, key=lambda row: int(row["target"].rpartition(":")[2]))]


def test_an_unhealthy_target_gets_no_requests_from_the_answer_on(node: Node, upstreams: list[Upstream]) -> None:
    assert answers(node) == {b"a", b"b"}
    with Load(node.port, "/u", 2) as load:
        for _ in range(5):
            set_health(node, upstreams[0], "unhealthy")
            assert answers(node, 12) == {b"b"}
            set_health(node, upstreams[0], "healthy")
            assert answers(node) == {b"a", b"b"}
    assert [failure for failure in load.failures if not failure.startswith("200 ")] == []
    for upstream in upstreams:
        set_health(node, upstream, "unhealthy")
    assert answers(node) == {b"503"}
    assert shown(node) == ["UNHEALTHY", "UNHEALTHY"]
    whole = node.admin("GET", "/upstreams/u.test/health?balancer_health=1")[1]["data"]
    assert (whole["health"], whole["details"]["weight"]["available"]) == ("UNHEALTHY", 0)


def test_it_stays_so_when_processes_are_replaced(node: Node, upstreams: list[Upstream]) -> None:
    set_health(node, upstreams[0], "unhealthy")
    for worker in node.workers:
        os.kill(worker, signal.SIGKILL)
        node.replaced(worker)
        assert answers(node) == {b"b"}
    control = node.state.control
    os.kill(control, signal.SIGKILL)
    node.renewed_control(control)
    eventually(lambda: node.admin("GET", "/status")[0] == 200, "the Admin API answers")
    assert answers(node) == {b"b"}
    assert sorted(shown(node)) == ["HEALTHY", "UNHEALTHY"]
    assert node.reload().ok
    assert answers(node) == {b"b"}
    node.write_conf(upstream_keepalive_idle_timeout="31")  # other settings, other processes
    assert node.reload().ok
    assert answers(node) == {b"b"}
    set_health(node, upstreams[0], "healthy")
    assert answers(node) == {b"a", b"b"}


def test_it_is_forgotten_with_the_target(tmp_path: Path, upstreams: list[Upstream]) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        assert node.admin("PUT", "/upstreams/u.test", {"healthchecks": CHECKS})[0] == 200
        assert node.admin("POST", "/services", {"name": "s", "host": "u.test"})[0] == 201
        assert node.admin("POST", "/services/s/routes", {"paths": ["/u"]})[0] == 201
        path = f"/upstreams/u.test/targets/127.0.0.1:{upstreams[0].port}"
        assert node.admin("PUT", path, {})[0] == 200
        set_health(node, upstreams[0], "unhealthy")
        assert node.admin("PATCH", path, {"weight": 5})[0] == 200
        assert answers(node, 8) == {b"503"}
        assert node.admin("DELETE", path)[0] == 204
        assert node.admin("PUT", path, {})[0] == 200
        assert answers(node, 8) == {b"a"}
        set_health(node, upstreams[0], "unhealthy")
        assert node.admin(
            "PATCH", "/upstreams/u.test", {"healthchecks": {"passive": {"unhealthy": {"tcp_failures": 0}}}}
        )
        assert answers(node, 8) == {b"a"}
        assert node.admin("PUT", f"{path}/unhealthy") == (400, {"message": "no healthchecker found for u.test"})


def test_one_address_of_a_name_gets_no_requests(tmp_path: Path, upstreams: list[Upstream]) -> None:
    name, other = f"localhost:{upstreams[0].port}", f"127.0.0.1:{upstreams[1].port}"
    with Node(tmp_path / "node", database="sqlite") as node:
        assert node.admin("PUT", "/upstreams/u.test", {"healthchecks": CHECKS})[0] == 200
        assert node.admin("POST", "/services", {"name": "s", "host": "u.test", "retries": 0})[0] == 201
        assert node.admin("POST", "/services/s/routes", {"paths": ["/u"]})[0] == 201
        for target in (name, other):
            assert node.admin("PUT", f"/upstreams/u.test/targets/{target}", {})[0] == 200
        assert answers(node) == {b"a", b"b"}
        path = f"/upstreams/u.test/targets/{name}/127.0.0.1:{upstreams[0].port}"
        assert node.admin("PUT", f"{path}/unhealthy")[0] == 204
        assert answers(node) == {b"b"}
        assert node.admin("PUT", f"{path}/healthy")[0] == 204
        assert answers(node) == {b"a", b"b"}
