"""Sessions on running nodes: good in every worker at once, stored, and over when they are ended."""

import http.client
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.postgres import Postgres
from integration.nodes import Node, Upstream, config, eventually, service
from integration.test_cluster_nodes import gateline

TIMES = 8
"""So often every worker of two is asked, all but certainly."""
SECRET = "a secret that is long enough"


def plugins(storage: str) -> list[dict[str, Any]]:
    times = {"idling_timeout": 0, "store_metadata": True}
    return [
        {"name": "session", "config": {"secret": SECRET, "storage": storage, **times}},
        {"name": "key-auth", "config": {"anonymous": "guest"}},
    ]


@contextmanager
def site(folder: Path, storage: str, **settings: str) -> Iterator[Node]:
    with Upstream() as upstream, Node(folder / "node", **settings) as node:
        made = service("s", upstream.port, "/api")
        ann = {"username": "ann", "keyauth_credentials": [{"key": "ann"}]}
        stopped = {"name": "request-termination", "config": {"status_code": 401}}
        guest = {"username": "guest", "plugins": [stopped]}
        if settings["database"] == "off":
            node.configure({**config({**made, "plugins": plugins(storage)}), "consumers": [ann, guest]})
        else:
            (route,) = made.pop("routes")
            for path, entity in [
                ("/services", made),
                ("/services/s/routes", route),
                ("/consumers", {"username": "ann"}),
                ("/consumers", {"username": "guest"}),
                ("/consumers/ann/key-auth", {"key": "ann"}),
                ("/consumers/guest/plugins", stopped),
                *(("/services/s/plugins", plugin) for plugin in plugins(storage)),
            ]:
                status, answer = node.admin("POST", path, entity)
                assert status == 201, answer
        yield node


def asked(node: Node, method: str = "GET", path: str = "/api", **headers: str) -> tuple[int, str]:
    """The status, and the cookie that is set."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, (answer.getheader("set-cookie") or "").partition(";")[0]
    finally:
        connection.close()


def logged_in(node: Node) -> str:
    status, cookie = asked(node, apikey="ann")
    assert status == 200
    assert cookie.startswith("session=")
    return cookie


def statuses(node: Node, cookie: str) -> set[int]:
    return {asked(node, cookie=cookie)[0] for _ in range(TIMES)}


@pytest.mark.parametrize(("storage", "database"), [("cookie", "off"), ("kong", "off"), ("kong", "sqlite")])
def test_a_session_is_good_in_every_worker_until_it_is_ended(tmp_path: Path, storage: str, database: str) -> None:
    with site(tmp_path, storage, database=database) as node:
        for _ in range(3):
            cookie = logged_in(node)
            assert statuses(node, cookie) == {200}
            assert asked(node, "POST", "/api?session_logout=1", cookie=cookie) == (200, "session=")
            assert statuses(node, cookie) == {401}


def test_sessions_are_entities_of_the_store(tmp_path: Path) -> None:
    with site(tmp_path, "kong", database="sqlite") as node:
        cookie = logged_in(node)
        (row,) = eventually(lambda: node.admin("GET", "/sessions")[1]["data"], "the session is stored")
        assert set(row) == {"id", "session_id", "expires", "data", "created_at", "ttl"}
        assert 3500 < row["ttl"] <= 3600
        assert row["session_id"] not in row["data"]
        (metadata,) = eventually(lambda: node.admin("GET", "/session-metadatas")[1]["data"], "its metadata, too")
        assert metadata["session"] == {"id": row["id"]}
        assert (metadata["sid"], metadata["audience"], metadata["subject"]) == (row["session_id"], "default", "ann")
        assert statuses(node, cookie) == {200}
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        assert node.reload().ok
        assert statuses(node, cookie) == {200}
        assert node.admin("DELETE", f"/sessions/{row['session_id']}")[0] == 204
        assert statuses(node, cookie) == {401}
        assert node.admin("GET", "/session-metadatas")[1]["data"] == []
        other = logged_in(node)
        assert node.admin("DELETE", "/consumers/ann")[0] == 204
        assert statuses(node, other) == {401}


def test_a_session_is_good_on_all_nodes_and_ended_on_all(
    tmp_path: Path, postgres: Postgres, postgres_database: str
) -> None:
    environment = postgres.environment(postgres_database)
    bootstrapped = gateline(tmp_path / "any", environment, "migrations", "bootstrap")
    assert bootstrapped.returncode == 0, bootstrapped.stderr
    settings = {name.removeprefix("KONG_").lower(): value for name, value in environment.items()}
    with site(tmp_path, "kong", pg_timeout="2000", **settings) as node:
        same = {name: value for name, value in node.settings.items() if name != "prefix"}
        with Node(tmp_path / "other", **same) as other:
            cookie = logged_in(node)
            eventually(lambda: statuses(other, cookie) == {200}, "the other node knows the session")
            assert asked(other, "POST", "/api?session_logout=1", cookie=cookie)[0] == 200
            eventually(lambda: statuses(node, cookie) == {401}, "the first node has forgotten it")
        kept = logged_in(node)
        eventually(lambda: node.admin("GET", "/sessions")[1]["data"], "the session is stored")
        postgres.stop()
        try:
            assert statuses(node, kept) == {200}
            begun = logged_in(node)
            assert statuses(node, begun) == {200}
            assert asked(node, "POST", "/api?session_logout=1", cookie=begun)[0] == 500
            assert statuses(node, begun) == {401}
        finally:
            postgres.start()
