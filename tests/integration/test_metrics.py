"""`/metrics` of a whole node: what all its workers have counted, whatever becomes of them."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.nodes import Node, Upstream, config, eventually, request, service

PROMTOOL = shutil.which("promtool")
ALL = {
    "status_code_metrics": True,
    "latency_metrics": True,
    "bandwidth_metrics": True,
    "upstream_health_metrics": True,
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def configured(node: Node, upstream: Upstream) -> None:
    plugin: dict[str, Any] = {"name": "prometheus", "config": ALL}
    balanced = {"name": "u", "targets": [{"target": f"127.0.0.1:{upstream.port}"}]}
    node.configure(config(service("s", upstream.port, "/x")) | {"plugins": [plugin], "upstreams": [balanced]})


def text_of(port: int) -> str:
    status, body = request(port, "GET", "/metrics")
    assert status == 200
    return body.decode() if isinstance(body, bytes) else str(body)


def total(node: Node, name: str = "kong_http_requests_total") -> float:
    """The sum of the samples of a name."""
    families = text_string_to_metric_families(text_of(node.status_port))
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def ask(node: Node, count: int) -> None:
    for _ in range(count):
        assert node.get("/x")[0] == 200


def test_what_workers_counted_stays_when_they_are_killed(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        configured(node, upstream)
        ask(node, 30)
        eventually(lambda: total(node) == 30 or None, "every request is counted")
        for worker in node.workers:
            os.kill(worker, signal.SIGKILL)
            node.replaced(worker)
            assert total(node) == 30
        ask(node, 10)
        eventually(lambda: total(node) == 40 or None, "the successors count on")
        control = node.state.control
        os.kill(control, signal.SIGKILL)
        node.renewed_control(control)
        assert total(node) == 40
        assert total(node, "kong_request_latency_ms_count") == 40


def test_counts_outlive_a_reload(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        configured(node, upstream)
        ask(node, 10)
        eventually(lambda: total(node) == 10 or None, "every request is counted")
        node.reload()
        assert total(node) == 10
        configured(node, upstream)
        ask(node, 10)
        eventually(lambda: total(node) == 20 or None, "the new workers count on")


def test_the_admin_api_shows_the_same(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        configured(node, upstream)
        for port in (node.admin_port, node.status_port):
            text = text_of(port)
            assert "kong_node_info{" in text
            assert 'state="healthchecks_off"' in text
            assert 'gateline_shared_memory_bytes{area="metrics"}' in text


@pytest.mark.skipif(PROMTOOL is None, reason="promtool (Debian: prometheus) is not installed")
def test_promtool_reads_it(tmp_path: Path, upstream: Upstream) -> None:
    assert PROMTOOL is not None
    with Node(tmp_path / "node") as node:
        configured(node, upstream)
        ask(node, 3)
        done = subprocess.run(
            [PROMTOOL, "check", "metrics"], input=text_of(node.admin_port), capture_output=True, text=True, check=False
        )
    # Exit code 3: names that are not in today's style, which are Kong's.
    assert done.returncode in (0, 3), done.stderr
    assert {line.split("_")[0] for line in done.stderr.splitlines()} <= {"kong"}, done.stderr
