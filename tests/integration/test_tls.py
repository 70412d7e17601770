"""TLS on both sides: HTTPS listeners, HTTPS upstreams."""

import contextlib
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.certificates import client_context, self_signed, server_context
from harness.client import RawClient
from harness.node import Node, configuration
from harness.stage import Stages
from harness.upstream import RawUpstream, Visit

_GET = b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return self_signed(tmp_path_factory.mktemp("certificates"), "gateway.test", "localhost")


def _node(upstream: RawUpstream, pair: tuple[str, str], settings: dict[str, str] | None = None, **route: Any) -> Node:
    routes = [{"paths": ["/"], "strip_path": False, **route}]
    return Node(configuration({"name": "s", "url": upstream.url, "routes": routes}), settings, tls=pair)


def test_https_client_is_served_as_any_other(pair: tuple[str, str], stages: Stages) -> None:
    upstream = stages.upstream()
    with (
        _node(upstream, pair) as node,
        RawClient(node.tls_port, tls=client_context(pair[0]), server_name="gateway.test") as client,
    ):
        assert [client.get("/x").status for _ in range(3)] == [200] * 3
    headers = upstream.requests()[0].headers
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == str(node.tls_port)


def test_plain_and_tls_listeners_are_told_apart(pair: tuple[str, str], stages: Stages) -> None:
    with _node(stages.upstream(), pair, protocols=["https"]) as node:
        with RawClient(node.port) as plain:
            assert plain.get("/x").status == 426
        with RawClient(node.tls_port, tls=client_context()) as secure:
            assert secure.get("/x").status == 200


@pytest.mark.parametrize(("name", "status"), [("a.test", 200), ("b.test", 404), (None, 404)])
def test_route_may_ask_for_a_server_name(pair: tuple[str, str], stages: Stages, name: str | None, status: int) -> None:
    with (
        _node(stages.upstream(), pair, protocols=["https"], snis=["a.test"]) as node,
        RawClient(node.tls_port, tls=client_context(), server_name=name) as client,
    ):
        assert client.get("/x").status == status


def test_protocol_is_agreed_on_as_http_1_1(pair: tuple[str, str], stages: Stages) -> None:
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with _node(stages.upstream(), pair) as node, RawClient(node.tls_port, tls=context) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "http/1.1"
        assert client.get("/x").status == 200


def test_old_versions_of_tls_are_refused(pair: tuple[str, str], stages: Stages) -> None:
    context = client_context()
    with _node(stages.upstream(), pair, {"ssl_cipher_suite": "modern"}) as node:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            RawClient(node.tls_port, tls=context)


def test_plain_http_on_the_tls_port_does_no_harm(pair: tuple[str, str], stages: Stages) -> None:
    upstream = stages.upstream()
    with _node(upstream, pair) as node:
        with RawClient(node.tls_port) as plain:
            plain.send(_GET)
            assert b"200 " not in plain.everything()
        with RawClient(node.tls_port, tls=client_context()) as secure:
            assert secure.get("/x").status == 200
    assert len(upstream.requests()) == 1


def test_client_that_drops_a_tls_connection_ends_the_upstreams_work(pair: tuple[str, str], stages: Stages) -> None:
    def work(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    upstream = stages.upstream(work)
    with _node(upstream, pair) as node:
        with RawClient(node.tls_port, tls=client_context()) as client:
            client.send(_GET)
            upstream.wait_for_requests(1)
        assert upstream.visits[0].finished.wait(3)
        assert upstream.visits[0].ended.is_set()


def test_large_bodies_pass_through_tls(pair: tuple[str, str], stages: Stages) -> None:
    body = bytes(range(256)) * 8192  # 2 MiB

    def back(visit: Visit) -> None:
        visit.answer(visit.request().body)

    with (
        _node(stages.upstream(back), pair) as node,
        RawClient(node.tls_port, tls=client_context()) as client,
    ):
        message = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        sender = threading.Thread(target=client.send, args=(message,))
        sender.start()
        sender.join()
        assert client.response().body == body


def _secure_upstream(stages: Stages, pair: tuple[str, str], names: list[str | None]) -> RawUpstream:
    context = server_context(pair)

    def remember(_: Any, name: str | None, __: ssl.SSLContext) -> None:
        names.append(name)

    context.sni_callback = remember
    return stages.upstream(tls=context)


def test_https_upstream_is_reached_by_its_name(pair: tuple[str, str], stages: Stages) -> None:
    names: list[str | None] = []
    upstream = _secure_upstream(stages, pair, names)
    stage = stages.set(service={"url": f"https://localhost:{upstream.port}"})
    client = stage.client()
    assert [client.get("/x").status for _ in range(3)] == [200] * 3
    assert names == ["localhost"], "the connection was not kept, or the name not told"
    assert upstream.requests()[0].headers["host"] == f"localhost:{upstream.port}"


def test_certificate_of_an_upstream_is_verified_where_the_service_says_so(
    pair: tuple[str, str], stages: Stages
) -> None:
    upstream = _secure_upstream(stages, pair, [])
    stage = stages.set(service={"url": f"https://localhost:{upstream.port}", "tls_verify": True, "retries": 0})
    response = stage.client().get("/x")
    assert response.status == 502
    assert upstream.received == []


def test_https_to_an_upstream_that_speaks_plain_http_is_a_502(stages: Stages) -> None:
    def plain(visit: Visit) -> None:
        with contextlib.suppress(TimeoutError):
            visit.read(0.5)
        visit.answer()

    upstream = stages.upstream(plain)
    stage = stages.set(service={"url": f"https://127.0.0.1:{upstream.port}", "retries": 0})
    assert stage.client().get("/x").status == 502


def test_http_to_an_upstream_that_speaks_tls_is_a_502(pair: tuple[str, str], stages: Stages) -> None:
    upstream = _secure_upstream(stages, pair, [])
    stage = stages.set(service={"url": f"http://127.0.0.1:{upstream.port}", "retries": 0})
    assert stage.client().get("/x").status == 502


def test_https_upstream_that_cuts_its_answer_is_noticed(pair: tuple[str, str], stages: Stages) -> None:
    def cut(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        visit.close()  # without close_notify

    upstream = stages.upstream(cut, tls=server_context(pair))
    stage = stages.set(service={"url": f"https://127.0.0.1:{upstream.port}"})
    client = stage.client()
    client.send(_GET)
    assert b"hello" in client.until(b"hello")


def test_files_of_the_pair_are_what_is_shown(pair: tuple[str, str], stages: Stages) -> None:
    with _node(stages.upstream(), pair) as node, RawClient(node.tls_port, tls=client_context()) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        shown = client.socket.getpeercert(binary_form=True)
        assert shown == ssl.PEM_cert_to_DER_cert(Path(pair[0]).read_text())
