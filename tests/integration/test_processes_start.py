"""Starts: what a node opens and makes, and what it says when it cannot."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.control import prefix
from integration.nodes import LIMIT, PROGRAM, Node, StartFailedError, Upstream, config, eventually, service, taken_port


def refused(node: Node) -> list[str]:
    """The reasons why the node cannot start."""
    with pytest.raises(StartFailedError) as failed, node:
        pass
    assert failed.value.code == 1
    return failed.value.messages


def test_port_zero_takes_a_free_port_and_says_which(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        assert node.port > 0
        assert node.get("/nothing")[0] == 404
        assert node.admin("GET", "/status/ready")[0] == 503
        status, root = node.admin("GET", "/")
        assert status == 200
        assert root["pids"] == {"master": node.process.pid, "workers": node.workers}
        assert f"127.0.0.1:{node.port}" in root["configuration"]["proxy_listen"]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with taken_port() as port:
        node = Node(tmp_path / "node", proxy_listen=f"127.0.0.1:{port}")
        assert refused(node) == [f"cannot listen on 127.0.0.1:{port}: the address is already in use by another process"]
    assert not prefix.running_pid(node.prefix)
    assert not (node.prefix / "run" / "state.json").exists()


def test_a_port_that_another_node_shares_among_its_workers_is_taken(tmp_path: Path) -> None:
    with Node(tmp_path / "one") as one:
        other = Node(
            tmp_path / "other", proxy_listen=f"127.0.0.1:{one.port}", admin_listen=f"127.0.0.1:{one.admin_port}"
        )
        assert refused(other) == [
            f"cannot listen on 127.0.0.1:{port}: the address is already in use by another process"
            for port in (one.port, one.admin_port)
        ]


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    assert refused(Node(tmp_path / "node", proxy_listen="192.0.2.1:8000")) == [
        "cannot listen on 192.0.2.1:8000: this machine has no such address"
    ]


def test_a_prefix_runs_one_node(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        assert refused(Node(tmp_path / "node")) == [
            f"Gateline is already running at {node.prefix} (process {node.process.pid})"
        ]
        assert prefix.running_pid(node.prefix) == node.process.pid
        assert node.get("/")[0] == 404


def test_a_prefix_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (message,) = refused(Node(tmp_path / "file"))
    assert message.startswith(f"cannot use {tmp_path / 'file'} as the prefix: ")


def test_every_mistake_of_a_declarative_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text('_format_version: "3.0"\nservices:\n- name: one\n- name: two\n  host: h.test\n  port: 99999\n')
    messages = refused(Node(tmp_path / "node", declarative_config=str(file)))
    assert [message.split(": ")[0] for message in messages] == [f"{file}:3", f"{file}:6"]
    assert "host" in messages[0]
    assert "port" in messages[1]


def test_a_deep_prefix_does_not_matter(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir()
    with Node(deep) as node:
        assert node.get("/")[0] == 404


def test_tls_listeners_get_a_certificate_that_is_kept(tmp_path: Path) -> None:
    certificates = []
    for _ in range(2):
        with Node(
            tmp_path / "node", proxy_listen="127.0.0.1:0 ssl", admin_listen="127.0.0.1:0, 127.0.0.1:0 ssl"
        ) as node:
            certificates.append(ssl.get_server_certificate(("127.0.0.1", node.port)))
            client = ssl.create_default_context(cafile=str(node.prefix / "ssl" / "admin-gateline-default.crt"))
            port = int(node.state.admin_listen[1].rpartition(":")[2])
            connection = http.client.HTTPSConnection("localhost", port, context=client, timeout=LIMIT)
            connection.request("GET", "/status")
            assert connection.getresponse().read()
            connection.close()
    assert certificates[0] == certificates[1]
    for key in (tmp_path / "node" / "ssl").glob("*.key"):
        assert key.stat().st_mode & 0o777 == 0o600


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with Node(tmp_path / "maker", proxy_listen="127.0.0.1:0 ssl", admin_listen="127.0.0.1:0 ssl") as maker:
        made = maker.prefix / "ssl"
    certificate, key = made / "gateline-default.crt", made / "admin-gateline-default.key"
    node = Node(tmp_path / "node", proxy_listen="127.0.0.1:0 ssl", ssl_cert=str(certificate), ssl_cert_key=str(key))
    (message,) = refused(node)
    assert message.startswith(f"ssl_cert: {certificate} and {key} are no certificate with its key")


def test_the_proxy_listens_on_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = f"/tmp/gateline-test-{os.getpid()}.sock"
    with Upstream() as upstream, Node(tmp_path / "node", proxy_listen=f"unix:{place}") as node:
        node.configure(config(service("s", upstream.port, "/x")))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
            client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"".join(iter(lambda: client.recv(65536), b"")).startswith(b"HTTP/1.1 200 ")
    assert not Path(place).exists()


def test_a_signal_during_the_start_ends_it(tmp_path: Path) -> None:
    node = Node(tmp_path / "node")
    node.write_conf()
    with node.log.open("w") as log:
        process = subprocess.Popen([sys.executable, str(PROGRAM), str(node.conf), "never_asks"], stderr=log)
    eventually(lambda: (node.prefix / "run" / "state.json").exists(), "the start has begun")
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT) == 0
