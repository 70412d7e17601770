"""Limits with the policy or strategy `cluster`: whole nodes that count in one database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.postgres import Postgres
from integration.nodes import Node, Upstream, eventually
from integration.test_cluster_nodes import gateline

Make = Callable[[str], Node]
PLUGINS: dict[str, dict[str, Any]] = {
    "rate-limiting": {"year": 60, "policy": "cluster", "limit_by": "service"},
    "rate-limiting-advanced": {
        "limit": [60],
        "window_size": [315_360_000],
        "strategy": "cluster",
        "identifier": "service",
        "disable_penalty": True,
    },
    "response-ratelimiting": {"limits": {"video": {"year": 5}}, "policy": "cluster", "limit_by": "ip"},
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, postgres: Postgres, postgres_database: str) -> Make:
    """Makes nodes on one database that has its tables."""
    database = postgres.environment(postgres_database)
    done = gateline(tmp_path / "any", database, "migrations", "bootstrap")
    assert done.returncode == 0, done.stderr
    settings = {name.removeprefix("KONG_").lower(): value for name, value in database.items()}
    return lambda name: Node(tmp_path / name, worker_processes="2", pg_timeout="2000", **settings)


def limit(node: Node, upstream: Upstream, name: str = "rate-limiting", **others: object) -> None:
    """A service for `/a` with a limit; whichever node has the route has the limit as well."""
    assert node.admin("POST", "/services", {"name": "a", "url": f"http://127.0.0.1:{upstream.port}"})[0] == 201
    config = {**PLUGINS[name], **others}
    status, answer = node.admin("POST", "/services/a/plugins", {"name": name, "config": config})
    assert status == 201, answer
    assert node.admin("POST", "/services/a/routes", {"paths": ["/a"]})[0] == 201


def statuses(*nodes: Node, requests: int) -> list[int]:
    """What requests come to that are sent to the nodes in turn, many at a time."""
    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(lambda number: nodes[number % len(nodes)].get("/a")[0], range(requests)))


@pytest.mark.parametrize("name", ["rate-limiting", "rate-limiting-advanced"])
def test_nodes_admit_together_what_the_limit_allows(make: Make, upstream: Upstream, name: str) -> None:
    with make("one") as one, make("two") as two:
        limit(one, upstream, name)
        eventually(lambda: two.get("/a")[0] == 200, "the other node serves it")
        before = 60 - statuses(one, two, requests=150).count(200)
    assert before >= 1  # those that waited for the other node were counted
    assert before <= 30


def test_without_the_database_requests_pass_or_fail_as_is_configured(
    make: Make, upstream: Upstream, postgres: Postgres
) -> None:
    with make("one") as one:
        limit(one, upstream)
        assert one.get("/a")[0] == 200
        postgres.stop()
        try:
            assert one.get("/a")[0] == 200
        finally:
            postgres.start()
        (plugin,) = eventually(lambda: one.admin("GET", "/plugins")[1].get("data"), "the database is there again")
        eventually(
            lambda: one.admin("PATCH", f"/plugins/{plugin['id']}", {"config": {"fault_tolerant": False}})[0] == 200,
            "it can be written again",
        )
        postgres.stop()
        try:
            status, body = one.get("/a")
            assert (status, b"An unexpected error occurred" in body) == (500, True)
        finally:
            postgres.start()
        eventually(lambda: one.get("/a")[0] == 200, "it counts again")


def test_workers_count_together_in_sqlite(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "one", database="sqlite") as node:
        limit(node, upstream)
        assert sorted(statuses(node, requests=80)) == [200] * 60 + [429] * 20


@pytest.mark.parametrize("name", list(PLUGINS))
def test_without_a_database_it_is_refused_in_kongs_words(tmp_path: Path, name: str) -> None:
    with Node(tmp_path / "one") as node:
        plugins = [{"name": name, "config": PLUGINS[name]}]
        status, answer = node.admin("POST", "/config", {"_format_version": "3.0", "plugins": plugins})
    assert status == 400
    assert "expected one of: local, redis" in str(answer)
