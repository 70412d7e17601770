"""SIGHUP: a new declarative file, new settings, and mistakes in either, without a request that fails."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.nodes import Load, Node, Upstream, config, eventually, gone, request, service, taken_port


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def test_a_changed_file_is_in_force_in_the_same_workers(tmp_path: Path, upstream: Upstream) -> None:
    file = tmp_path / "kong.json"
    file.write_text(json.dumps(config(service("s", upstream.port, "/x"))))
    with Node(tmp_path / "node", declarative_config=str(file)) as node:
        workers, control = node.workers, node.state.control
        assert node.get("/x") == (200, b"ok")
        file.write_text(json.dumps(config(service("s", upstream.port, "/y"))))
        result = node.reload()
        assert (result.ok, result.serial, result.messages) == (True, 1, [])
        for _ in range(10):
            assert node.get("/y") == (200, b"ok")
            assert node.get("/x")[0] == 404
        assert (node.workers, node.state.control) == (workers, control)


def test_a_bad_file_changes_nothing_and_is_told(tmp_path: Path, upstream: Upstream) -> None:
    file = tmp_path / "kong.json"
    file.write_text(json.dumps(config(service("s", upstream.port, "/x"))))
    with Node(tmp_path / "node", declarative_config=str(file)) as node:
        file.write_text('{"_format_version": "3.0", "services": [{"name": "s"}]}')
        result = node.reload()
        assert not result.ok
        assert "host" in result.messages[0]
        assert node.get("/x") == (200, b"ok")


def test_changed_settings_get_new_processes_and_no_request_fails(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        port, admin_port = node.port, node.admin_port
        with Load(node.port, "/x") as load:
            for number in range(4):
                old = [node.state.control, *node.workers]
                node.write_conf(upstream_keepalive_idle_timeout=str(30 + number))
                assert node.reload().ok
                load.more(30)
                assert not set(old) & {node.state.control, *node.workers}
                gone(old)
        assert not load.failures
        assert (node.port, node.admin_port) == (port, admin_port)
        assert node.state.generation == 5
        assert "/x" in node.admin("GET", "/config")[1]["config"], "what POST /config loaded is still in force"


def test_changed_code_of_plugins_gets_new_processes(tmp_path: Path, upstream: Upstream) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    code = (
        "from gateline.pdk import Plugin, PluginConfig, Response\n"
        "class Mine(Plugin[PluginConfig], name='mine'):\n"
        "    def access(self, exchange):\n"
        "        return Response(200, 'VERSION')\n"
    )
    (folder / "mine.py").write_text(code.replace("VERSION", "first"))
    with Node(tmp_path / "node", plugin_folders=str(folder)) as node:
        node.configure({"_format_version": "3.0", "routes": [{"paths": ["/x"], "plugins": [{"name": "mine"}]}]})
        workers = node.workers
        assert node.get("/x") == (200, b"first")
        (folder / "mine.py").write_text(code.replace("VERSION", "the second"))
        assert node.reload().ok
        assert node.get("/x") == (200, b"the second")
        assert not set(workers) & set(node.workers)
        workers = node.workers
        (folder / "mine.py").write_text("raise OSError('no')")
        result = node.reload()
        assert not result.ok
        assert result.messages == [f"plugin 'mine' cannot be loaded: OSError: no ({folder}/mine.py, line 1)"]
        assert node.get("/x") == (200, b"the second")
        assert node.workers == workers


def test_reloads_in_quick_succession_under_load_lose_nothing(tmp_path: Path, upstream: Upstream) -> None:
    file = tmp_path / "kong.json"
    file.write_text(json.dumps(config(service("s", upstream.port, "/x"))))
    with Node(tmp_path / "node", declarative_config=str(file)) as node, Load(node.port, "/x") as load:
        for number in range(20):
            file.write_text(json.dumps(config(service("s", upstream.port, "/x", retries=number))))
            assert node.reload().ok
        load.more(20)
        assert not load.failures


def test_fewer_workers_serve_every_connection(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", worker_processes="3") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        with Load(node.port, "/x") as load:
            for count in ("1", "2", "4", "1"):
                node.write_conf(worker_processes=count)
                assert node.reload().ok
                assert len(node.workers) == int(count)
                load.more(30)
        assert not load.failures


def test_addresses_come_and_go(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        node.write_conf(proxy_listen="127.0.0.1:0, 127.0.0.2:0")
        first = node.port
        assert node.reload().ok
        assert node.port == first
        second = int(node.state.proxy_listen[1].rpartition(":")[2])
        node.write_conf(proxy_listen="127.0.0.2:0")
        assert node.reload().ok
        assert node.state.proxy_listen == [f"http://127.0.0.2:{second}"]

        def closed() -> bool:
            try:
                request(first, "GET", "/")
            except ConnectionRefusedError:
                return True
            return False

        eventually(closed, "the address before is closed")


def test_settings_that_are_wrong_change_nothing_and_are_told(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        workers = node.workers
        node.write_conf(log_level="loud")
        result = node.reload()
        assert not result.ok
        assert "log_level" in result.messages[0]
        assert node.workers == workers
        assert node.get("/")[0] == 404


def test_an_address_that_cannot_be_had_changes_nothing(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node, taken_port() as port:
        workers, control = node.workers, node.state.control
        node.write_conf(proxy_listen=f"127.0.0.1:0, 127.0.0.1:{port}")
        result = node.reload()
        assert (result.ok, result.messages) == (
            False,
            [f"cannot listen on 127.0.0.1:{port}: the address is already in use by another process"],
        )
        assert (node.workers, node.state.control) == (workers, control)
        node.write_conf(proxy_listen="127.0.0.1:0", drain_timeout="9")
        assert node.reload().ok


def test_a_successor_that_cannot_start_leaves_the_node_as_it_was(tmp_path: Path, upstream: Upstream) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        workers, control = node.workers, node.state.control
        node.write_conf(declarative_config=str(bad))
        result = node.reload()
        assert not result.ok
        assert "_format_version" in result.messages[0]
        assert (node.workers, node.state.control) == (workers, control)
        node.configure(config(service("s", upstream.port, "/y")))
        assert node.get("/y") == (200, b"ok")


def test_a_successor_that_is_never_ready_is_given_up(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", worker="stuck_after_reload") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        workers, control = node.workers, node.state.control
        node.write_conf(upstream_keepalive_idle_timeout="31")
        node.signal(signal.SIGHUP)
        assert node.get("/x") == (200, b"ok")
        result = eventually(lambda: node.state.reload if node.state.reload.serial else None, "the reload ends")
        assert (result.ok, result.messages) == (False, ["the reload did not end within 12 s"])
        assert (node.workers, node.state.control) == (workers, control)
        node.configure(config(service("s", upstream.port, "/y")))
        assert node.get("/y") == (200, b"ok")


def test_the_prefix_stays(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        node.write_conf(prefix=str(tmp_path / "elsewhere"))
        result = node.reload()
        assert (result.ok, result.messages) == (
            False,
            [f"the prefix cannot change while the node runs (it is {node.prefix})"],
        )


def test_a_node_without_a_file_keeps_what_was_posted(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        assert node.reload().ok
        assert node.get("/x") == (200, b"ok")


def test_logs_that_were_moved_away_are_opened_again(tmp_path: Path) -> None:
    log = tmp_path / "own.log"
    with Node(tmp_path / "node", proxy_error_log=str(log)) as node:
        log.rename(tmp_path / "own.log.1")
        node.signal(signal.SIGUSR1)
        os.kill(node.workers[0], signal.SIGKILL)
        eventually(lambda: log.exists() and "was ended by SIGKILL" in log.read_text(), "the log is written again")


def test_reloads_that_fail_one_after_the_other_leave_a_node_that_recovers(tmp_path: Path, upstream: Upstream) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        node.write_conf(declarative_config=str(bad))
        for _ in range(3):
            assert not node.reload().ok
        bad.write_text(json.dumps(config(service("s", upstream.port, "/y"))))
        assert node.reload().ok
        killed = node.workers
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        for worker in killed:  # until it has ended, it may take a connection along
            node.replaced(worker)
        assert node.get("/y") == (200, b"ok")
        own = [f"feed-{node.state.generation}.sock"]
        eventually(lambda: _feeds(node) == own, "the generation before has ended and left nothing behind")


def _feeds(node: Node) -> list[str]:
    return sorted(path.name for path in (node.prefix / "run").glob("feed-*.sock"))


def test_when_a_reload_has_ended_no_new_connection_is_served_as_before(tmp_path: Path, upstream: Upstream) -> None:
    file = tmp_path / "kong.json"
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        for number in range(4):
            path = f"/x{number}"
            file.write_text(json.dumps(config(service("s", upstream.port, path))))
            node.write_conf(declarative_config=str(file), upstream_keepalive_idle_timeout=str(31 + number))
            assert node.reload().ok
            assert [node.get(path) for _ in range(8)] == [(200, b"ok")] * 8
