"""Processes that die: what replaces them, and what their end means for everybody else."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.nodes import Load, Node, StartFailedError, Upstream, config, eventually, gone, request, service


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def test_a_killed_worker_is_replaced_and_no_new_connection_fails(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        for _ in range(3):
            before = node.workers
            os.kill(before[0], signal.SIGKILL)
            for _ in range(20):
                assert node.get("/x") == (200, b"ok")
            after = node.replaced(before[0])
            assert after[0] not in (0, before[0])
            assert after[1] == before[1]
        assert "was ended by SIGKILL" in node.log.read_text()


def test_a_connection_that_waits_for_a_killed_worker_is_served_by_its_successor(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", worker_processes="1") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        (worker,) = node.workers
        os.kill(worker, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", node.port), 30) as client:
            client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            os.kill(worker, signal.SIGKILL)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_other_workers_serve_on_under_load_while_one_is_killed(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        with Load(node.port, "/x") as load:
            load.more(50)
            victim = node.workers[1]
            os.kill(victim, signal.SIGKILL)
            node.replaced(victim)
            load.more(50)
        assert len(load.failures) <= 4, "only the connections of the killed worker may end"
        assert not [failure for failure in load.failures if failure[0].isdigit()], load.failures


def test_a_killed_control_process_comes_back_with_the_configuration_in_force(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        workers, control = node.workers, node.state.control
        before = node.admin("GET", "/config")
        digest = node.admin("GET", "/status")[1]["configuration_hash"]
        with Load(node.port, "/x") as load:
            os.kill(control, signal.SIGKILL)
            node.renewed_control(control)
            load.more(50)
            assert node.admin("GET", "/config") == before
            assert node.admin("GET", "/status")[1]["configuration_hash"] == digest
            load.more(50)
        assert not load.failures
        assert node.workers == workers
        node.configure(config(service("s", upstream.port, "/y")))
        assert node.get("/y") == (200, b"ok")
        assert node.get("/x")[0] == 404


def test_a_worker_that_starts_after_the_control_process_came_back_gets_the_configuration(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", worker_processes="1") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        control, (worker,) = node.state.control, node.workers
        os.kill(control, signal.SIGKILL)
        node.renewed_control(control)
        os.kill(worker, signal.SIGKILL)
        assert node.get("/x") == (200, b"ok")


def test_the_declarative_file_does_not_win_over_what_was_in_force_before_a_crash(
    tmp_path: Path, upstream: Upstream
) -> None:
    file = tmp_path / "kong.json"
    file.write_text('{"_format_version": "3.0"}')
    with Node(tmp_path / "node", declarative_config=str(file)) as node:
        node.configure(config(service("s", upstream.port, "/x")))
        control = node.state.control
        os.kill(control, signal.SIGKILL)
        node.renewed_control(control)
        assert "/x" in node.admin("GET", "/config")[1]["config"]


def test_a_control_process_that_cannot_go_on_is_started_until_it_can(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        kept = node.prefix / "run" / "config.msgpack"
        good = kept.read_bytes()
        assert b"/x" in good
        kept.write_bytes(good.replace(b"/x", b"~("))
        os.kill(node.state.control, signal.SIGKILL)
        eventually(lambda: "the control process cannot go on" in node.log.read_text(), "the failure is told")
        assert node.get("/x") == (200, b"ok")
        kept.write_bytes(good)
        status, _ = node.admin("GET", "/status")
        assert status == 200
        node.configure(config(service("s", upstream.port, "/y")))
        assert node.get("/y") == (200, b"ok")


def test_every_process_ends_with_the_supervisor(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        others = [node.state.control, *node.workers]
        os.kill(node.process.pid, signal.SIGKILL)
        node.process.wait()
        gone(others)


def test_a_node_starts_again_after_its_supervisor_was_killed(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        others = [node.state.control, *node.workers]
        node.process.kill()
        node.process.wait()
        gone(others)
    with Node(tmp_path / "node") as node:
        assert request(node.admin_port, "GET", "/status")[0] == 200


def test_workers_that_die_at_each_start_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailedError) as failed, Node(tmp_path / "node", worker="dies_at_once"):
        pass
    assert failed.value.code == 1
    (message,) = failed.value.messages
    assert message.startswith("worker ")
    assert message.endswith("cannot start: it ended with exit code 7 right after each start")


def test_what_the_control_process_finds_is_told_though_workers_die_before_it(tmp_path: Path) -> None:
    settings = {"plugins": "bundled, nobody-has-this"}
    with pytest.raises(StartFailedError) as failed, Node(tmp_path, worker="dies_while_all_is_loaded", **settings):
        pass
    assert failed.value.messages == [
        "plugin 'nobody-has-this' is in the setting 'plugins', but no installed package has it"
    ]
