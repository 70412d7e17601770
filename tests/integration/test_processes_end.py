"""SIGTERM and SIGQUIT: how a node ends."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.control import prefix
from integration.nodes import LIMIT, Node, Upstream, alive, config, eventually, request, service


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_every_process_ends_and_nothing_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    with Node(tmp_path / "node") as node:
        processes = [node.state.control, *node.workers]
        node.signal(number)
        assert node.process.wait(LIMIT) == 0
        assert not any(alive(pid) for pid in processes)
    assert prefix.running_pid(node.prefix) is None
    assert not (node.prefix / "pids" / "gateline.pid").exists()
    assert not [path.name for path in (node.prefix / "run").iterdir() if path.suffix in (".sock", ".json")]


class _Slow:
    """A request that the upstream holds, in a thread."""

    def __init__(self, node: Node, upstream: Upstream) -> None:
        self.answer: tuple[int, bytes] | Exception | None = None
        self._port = node.port
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        eventually(lambda: upstream.held, "the upstream has the request")

    def _run(self) -> None:
        try:
            self.answer = request(self._port, "GET", "/x/slow")
        except Exception as error:
            self.answer = error

    def wait(self) -> tuple[int, bytes] | Exception | None:
        self._thread.join(LIMIT)
        return self.answer


def test_draining_waits_for_what_is_under_way(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", drain_timeout="30") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        slow = _Slow(node, upstream)
        status_port = node.status_port
        node.signal(signal.SIGQUIT)
        eventually(lambda: node.state.status == "draining", "the node drains")
        eventually(lambda: request(status_port, "GET", "/status/ready")[0] == 503, "the node is not ready")
        assert request(status_port, "GET", "/status/ready")[1] == b'{"message":"draining"}'
        upstream.release()
        assert slow.wait() == (200, b"ok")
        assert node.process.wait(LIMIT) == 0


def test_draining_has_a_limit(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", drain_timeout="0.2") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        slow = _Slow(node, upstream)
        node.signal(signal.SIGQUIT)
        assert node.process.wait(LIMIT) == 0
        assert slow.wait() != (200, b"ok")


def test_a_second_signal_cuts_draining_short(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", drain_timeout="600") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        slow = _Slow(node, upstream)
        node.signal(signal.SIGQUIT)
        eventually(lambda: node.state.status == "draining", "the node drains")
        node.signal(signal.SIGTERM)
        assert node.process.wait(LIMIT) == 0
        assert slow.wait() != (200, b"ok")


def test_a_request_under_way_survives_a_reload_with_new_settings(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", drain_timeout="30") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        slow = _Slow(node, upstream)
        node.write_conf(upstream_keepalive_idle_timeout="31")
        assert node.reload().ok
        upstream.release()
        assert slow.wait() == (200, b"ok")
