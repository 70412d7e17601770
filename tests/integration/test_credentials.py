"""Credentials in a running node: in force when a write returns, through reloads, deaths, and without the database."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.sharedstate import Places
from integration.nodes import Node, Upstream, config, eventually, service

TIMES = 8
"""So often every worker of two is asked, all but certainly."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def ask(node: Node, method: str, path: str, body: Any = None) -> Any:
    status, answer = node.admin(method, path, body)
    assert status in (200, 201, 204), answer
    return answer


def guard(node: Node, upstream: Upstream) -> None:
    """A route for `/x` that needs a key, and a consumer who has one: `first`."""
    ask(node, "POST", "/services", {"name": "s", "url": f"http://127.0.0.1:{upstream.port}"})
    ask(node, "POST", "/services/s/routes", {"name": "r", "paths": ["/x"]})
    ask(node, "POST", "/services/s/plugins", {"name": "key-auth"})
    ask(node, "POST", "/consumers", {"username": "bob"})
    ask(node, "POST", "/consumers/bob/key-auth", {"key": "first"})


def statuses(node: Node, key: str) -> set[int]:
    return {node.get("/x", apikey=key)[0] for _ in range(TIMES)}


def declared(upstream: Upstream, *keys: str) -> dict[str, Any]:
    consumers = [{"username": f"user-{key}", "keyauth_credentials": [{"key": key}]} for key in keys]
    guarded = service("s", upstream.port, "/x", plugins=[{"name": "key-auth"}])
    return {**config(guarded), "consumers": consumers}


def test_a_key_works_from_the_moment_on_in_which_it_is_made_until_it_is_deleted(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        guard(node, upstream)
        for number in range(10):
            ask(node, "POST", "/consumers/bob/key-auth", {"key": f"k{number}"})
            assert statuses(node, f"k{number}") == {200}
            ask(node, "DELETE", f"/consumers/bob/key-auth/k{number}")
            assert statuses(node, f"k{number}") == {401}
        ask(node, "DELETE", "/consumers/bob")
        assert statuses(node, "first") == {401}


def test_keys_survive_the_death_of_every_process(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        guard(node, upstream)
        control = node.state.control
        os.kill(control, signal.SIGKILL)
        assert statuses(node, "first") == {200}
        node.renewed_control(control)
        ask(node, "POST", "/consumers/bob/key-auth", {"key": "second"})
        assert statuses(node, "second") == {200}
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        ask(node, "DELETE", "/consumers/bob/key-auth/first")
        assert (statuses(node, "first"), statuses(node, "second")) == ({401}, {200})


def test_keys_survive_reloads(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        guard(node, upstream)
        assert node.reload().ok
        assert statuses(node, "first") == {200}
        node.write_conf(worker_processes="3")
        result = node.reload()
        assert result.ok, result.messages
        assert statuses(node, "first") == {200}
        ask(node, "POST", "/consumers/bob/key-auth", {"key": "second"})
        assert statuses(node, "second") == {200}
        eventually(lambda: len(list(places(node).root.glob("directory-*"))) == 1, "the old directory is removed")


def places(node: Node) -> Places:
    return Places.of(node.prefix)


def test_nothing_is_left_in_memory_when_the_node_has_ended(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        root = places(node).root
        assert root.stat().st_mode & 0o777 == 0o700
        guard(node, upstream)
        assert b"first" not in b"".join(file.read_bytes() for file in root.glob("directory-*/data.mdb"))
    assert not root.exists()


@pytest.mark.parametrize("storage", ["encrypted", "hashed"])
def test_a_node_without_its_database_knows_the_keys_and_its_disk_does_not_tell_them(
    tmp_path: Path, upstream: Upstream, storage: str
) -> None:
    node = Node(tmp_path / "node", database="sqlite", credential_storage=storage)
    database = node.prefix / "gateline.db"
    with node:
        guard(node, upstream)
        made = ask(node, "POST", "/consumers/bob/key-auth", {"key": "the-second-key"})
        shown = ask(node, "GET", f"/key-auths/{made['id']}")
        assert made["key"] == "the-second-key"
        assert shown["key"].startswith("the-second-key" if storage == "encrypted" else "sha256$the$")
        ask(node, "DELETE", "/consumers/bob/key-auth/first")
    for file in node.prefix.rglob("*"):
        assert not file.is_file() or b"the-second-key" not in file.read_bytes(), file
    database.rename(tmp_path / "away")
    database.mkdir()
    with node:
        assert "the node serves what it had before" in node.log.read_text()
        assert (statuses(node, "the-second-key"), statuses(node, "first")) == ({200}, {401})
        database.rmdir()
        (tmp_path / "away").rename(database)
        eventually(lambda: node.admin("GET", "/status/ready")[0] == 200, "the database is found again")
        ask(node, "DELETE", "/key-auths/the-second-key")
        assert statuses(node, "the-second-key") == {401}


def test_without_a_database_a_load_brings_and_takes_keys(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(declared(upstream, "a", "b"))
        assert (statuses(node, "a"), statuses(node, "b")) == ({200}, {200})
        node.configure(declared(upstream, "b", "c"))
        assert [statuses(node, key) for key in "abc"] == [{401}, {200}, {200}]
        control = node.state.control
        os.kill(control, signal.SIGKILL)
        node.renewed_control(control)
        assert node.admin("GET", "/key-auths/b")[1]["key"] == "b"
        assert [statuses(node, key) for key in "abc"] == [{401}, {200}, {200}]


def test_a_key_with_an_end_ends_by_itself(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        guard(node, upstream)
        made = ask(node, "POST", "/consumers/bob/key-auth", {"key": "short", "ttl": 1})
        assert made["ttl"] == 1
        eventually(lambda: statuses(node, "short") == {401}, "it is over")
        assert node.admin("GET", f"/key-auths/{made['id']}")[0] == 404
        assert statuses(node, "first") == {200}


def test_a_hashed_key_is_compared_by_apply_as_what_it_was(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite", credential_storage="hashed") as node:
        wanted = declared(upstream, "a-key-of-bob")
        assert ask(node, "PUT", "/config", wanted)["summary"]["create"] == 5
        again = ask(node, "PUT", "/config?dry_run=1", wanted)
        assert again["summary"] == {"create": 0, "update": 0, "delete": 0}, again
        assert "a-key-of-bob" not in str(again)
        assert statuses(node, "a-key-of-bob") == {200}
