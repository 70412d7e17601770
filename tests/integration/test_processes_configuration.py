"""POST /config through all processes: in force everywhere when it returns, or nowhere."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.nodes import LIMIT, Node, Upstream, config, request, service


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def test_a_posted_configuration_is_in_force_in_every_worker_when_the_call_returns(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", worker_processes="3") as node:
        for number in range(15):
            node.configure(config(service("s", upstream.port, f"/only-{number}")))
            for _ in range(9):
                assert node.get(f"/only-{number}") == (200, b"ok")
                assert node.get(f"/only-{number - 1}")[0] == 404


def test_status_counts_the_requests_of_every_worker_and_its_own(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        first = node.admin("GET", "/status")[1]["server"]["total_requests"]
        second = node.admin("GET", "/status")[1]["server"]["total_requests"]
        assert second > first
        status = json.loads(request(node.status_port, "GET", "/status")[1])
        assert {worker["pid"] for worker in status["memory"]["workers_lua_vms"]} == set(node.workers)


def test_a_configuration_that_is_refused_changes_nothing(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        before = node.admin("GET", "/config")
        status, answer = node.admin("POST", "/config", config({"name": "s"}))
        assert (status, answer["code"]) == (400, 14)
        assert node.admin("GET", "/config") == before
        assert node.get("/x") == (200, b"ok")


def test_a_pattern_that_is_not_linear_changes_nothing(tmp_path: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        status, _ = node.admin("POST", "/config", config(service("s", upstream.port, r"~/(a)\1")))
        assert status >= 400
        for _ in range(6):
            assert node.get("/x") == (200, b"ok")


def test_readiness_follows_the_configuration(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        assert request(node.status_port, "GET", "/status/ready") == (
            503,
            b'{"message":"no configuration available (empty configuration present)"}',
        )
        node.configure({"_format_version": "3.0"})
        assert request(node.status_port, "GET", "/status/ready") == (200, b'{"message":"ready"}')


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"POST /config HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /config HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_the_admin_port_refuses_what_is_no_request(tmp_path: Path, data: bytes) -> None:
    with Node(tmp_path / "node", worker_processes="1") as node:
        with socket.create_connection(("127.0.0.1", node.admin_port), LIMIT) as client:
            client.sendall(data)
            answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 4"), answer
        assert node.admin("GET", "/status")[0] == 200


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with Node(tmp_path / "node", nginx_admin_client_max_body_size="1k") as node:
        assert node.admin("POST", "/config", {"_format_version": "3.0", "_comment": "x" * 2000})[0] == 413
        assert node.admin("POST", "/config", {"_format_version": "3.0", "_comment": "x" * 200})[0] == 201
