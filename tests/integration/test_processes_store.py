"""A node with a database, all its processes: in force everywhere when a write returns, through reloads and deaths."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import Load, Node, Upstream, config, eventually, service


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def ask(node: Node, method: str, path: str, body: Any = None) -> Any:
    status, answer = node.admin(method, path, body)
    assert status in (200, 201, 204), answer
    return answer


def add(node: Node, upstream: Upstream, name: str) -> None:
    """A service and its route for `/<name>`."""
    ask(node, "POST", "/services", {"name": name, "url": f"http://127.0.0.1:{upstream.port}"})
    ask(node, "POST", f"/services/{name}/routes", {"name": name, "paths": [f"/{name}"]})


def test_a_write_is_in_force_in_every_worker_when_the_call_returns(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite", worker_processes="3") as node:
        add(node, upstream, "a")
        for number in range(10):
            ask(node, "PATCH", "/routes/a", {"paths": [f"/only-{number}"]})
            for _ in range(9):
                assert node.get(f"/only-{number}") == (200, b"ok")
                assert node.get(f"/only-{number - 1}")[0] == 404
        ask(node, "DELETE", "/routes/a")
        assert {node.get("/only-9")[0] for _ in range(9)} == {404}


def test_an_empty_database_is_no_reason_not_to_be_ready(tmp_path: Path) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        assert node.admin("GET", "/status/ready") == (200, {"message": "ready"})
        assert node.admin("GET", "/status")[1]["database"] == {"reachable": True}


def test_a_killed_workers_successor_has_what_was_written(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        add(node, upstream, "a")
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
        assert {node.get("/a")[0] for _ in range(8)} == {200}


def test_a_reload_in_place_keeps_what_is_stored(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        add(node, upstream, "a")
        with Load(node.port, "/a") as load:
            assert node.reload().ok
            load.more(20)
        assert load.failures == []


def test_a_reload_with_other_settings_goes_on_with_what_is_stored(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        add(node, upstream, "a")
        with Load(node.port, "/a") as load:
            node.write_conf(worker_processes="3")
            result = node.reload()
            assert result.ok, result.messages
            add(node, upstream, "b")
            load.more(20)
        assert load.failures == []
        assert {node.get("/b")[0] for _ in range(9)} == {200}
        assert len(node.workers) == 3


def test_a_reload_may_bring_a_database(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        node.write_conf(database="sqlite")
        result = node.reload()
        assert result.ok, result.messages
        eventually(lambda: node.get("/x")[0] == 404, "what was declared is gone")
        add(node, upstream, "a")
        assert node.get("/a") == (200, b"ok")


def test_what_another_process_stores_gets_in_force(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", database="sqlite") as node:
        file = tmp_path / "k.json"
        file.write_text(json.dumps(config(service("s", upstream.port, "/imported"))))
        command = [sys.executable, "-m", "gateline", "config", "db_import", str(file), "-c", str(node.conf)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        eventually(lambda: all(node.get("/imported")[0] == 200 for _ in range(4)), "it is served")


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    from integration.nodes import StartFailedError

    (tmp_path / "g.db").write_text("this is no database, and long enough that it is looked at " * 100)
    node = Node(tmp_path / "node", database="sqlite", sqlite_path=str(tmp_path / "g.db"))
    with pytest.raises(StartFailedError) as failed, node:
        pass
    (message,) = failed.value.messages
    assert "is not a database" in message
