"""The whole gateway, as a user starts it: two workers behind one port, changed while it runs."""

import os
import ssl
import time
from pathlib import Path

import pytest

from harness.certificates import client_context
from harness.client import RawClient
from harness.gateway import Gateway, GatewayError
from harness.stage import Stages


def _config(url: str, name: str = "s", path: str = "/") -> dict[str, object]:
    return {"services": [{"name": name, "url": url, "routes": [{"name": f"{name}-r", "paths": [path]}]}]}


def test_change_is_in_force_in_every_worker_when_the_call_returns(gateway: Gateway, stages: Stages) -> None:
    upstream = stages.upstream()
    for number in range(10):
        gateway.configure(_config(upstream.url, path=f"/v{number}"))
        for _ in range(8):  # connections are spread over the workers by the kernel
            with RawClient(gateway.port) as client:
                assert client.get(f"/v{number}/x").status == 200
                assert client.get(f"/v{number - 1}/x").status == 404


def test_refused_change_changes_nothing(gateway: Gateway, stages: Stages) -> None:
    upstream = stages.upstream()
    gateway.configure(_config(upstream.url, path="/good"))
    with pytest.raises(GatewayError, match="answered 400"):
        gateway.configure(_config("nonsense://", path="/bad"))
    for _ in range(8):
        with RawClient(gateway.port) as client:
            assert client.get("/good").status == 200
            assert client.get("/bad").status == 404


def test_connection_stays_open_across_changes(gateway: Gateway, stages: Stages) -> None:
    upstream = stages.upstream()
    gateway.configure(_config(upstream.url, path="/x"))
    with RawClient(gateway.port) as client:
        for number in range(10):
            assert client.get("/x").status == 200
            gateway.configure(_config(upstream.url, name=f"s{number}", path="/x"))


def test_tls_works_out_of_the_box_with_a_certificate_made_at_the_first_start(gateway: Gateway, stages: Stages) -> None:
    upstream = stages.upstream()
    gateway.configure(_config(upstream.url))
    with RawClient(gateway.tls_port, tls=client_context()) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.get("/x").status == 200
        assert client.socket.getpeercert(binary_form=True)
    assert upstream.request.headers["x-forwarded-proto"] == "https"


def test_access_log_of_all_workers_is_one_file(gateway: Gateway, stages: Stages) -> None:
    upstream = stages.upstream()
    gateway.configure(_config(upstream.url))
    log = Path(gateway.prefix, "logs", "access.log")
    for number in range(20):
        with RawClient(gateway.port) as client:
            client.get(f"/logged/{number}")
    deadline = time.monotonic() + 10
    while (found := log.read_text().count("/logged/")) < 20:
        assert time.monotonic() < deadline, f"only {found} lines"
        time.sleep(0.05)
    lines = [line for line in log.read_text().splitlines() if "/logged/" in line]
    assert sorted(int(line.split("/logged/")[1].split()[0]) for line in lines) == list(range(20))


def test_gateway_ends_when_it_is_told_to_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Gateway(tmp_path / "node", {}) as gateway:
        port, state = gateway.port, gateway.state
        with RawClient(port) as client:
            assert client.get("/").status == 404
        assert gateway.stop() == 0
    assert gateway.state == {}
    for process in (state["control"], *state["workers"]):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(ConnectionRefusedError):
        RawClient(port)
