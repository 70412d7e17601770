"""WebSocket connections pass through once the upstream has agreed; before that nothing but HTTP does."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

from harness.node import Node, configuration
from harness.stage import Stages
from harness.upstream import Visit

_ASK = (
    b"GET /ws HTTP/1.1\r\nHost: gateway.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_AGREE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        if message == "close":
            connection.close(4001, "as asked")
            return
        connection.send(message)


@pytest.fixture
def server() -> Iterator[Server]:
    """An echo server of the `websockets` package."""
    with serve(_echo, "127.0.0.1", 0, max_size=None) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def node(server: Server, stages: Stages) -> Node:
    port = server.socket.getsockname()[1]
    return stages.node(configuration({"name": "ws", "url": f"http://127.0.0.1:{port}", "routes": [{"paths": ["/ws"]}]}))


def test_messages_pass_both_ways(node: Node) -> None:
    with connect(f"ws://127.0.0.1:{node.port}/ws", max_size=None) as client:
        for message in ("hello", b"\x00\xff" * 100, "x" * 1_000_000, ""):
            client.send(message)
            assert client.recv(10) == message


def test_answer_of_the_upgrade_has_the_gateways_headers(node: Node) -> None:
    with connect(f"ws://127.0.0.1:{node.port}/ws") as client:
        assert client.response is not None
        assert client.response.headers["Via"].startswith("1.1 ")
        assert client.response.headers["X-Kong-Request-Id"]


def test_close_of_the_server_reaches_the_client_with_its_code(node: Node) -> None:
    with connect(f"ws://127.0.0.1:{node.port}/ws") as client:
        client.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(10)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as asked")


def test_many_connections_at_once_do_not_mix(node: Node) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(f"ws://127.0.0.1:{node.port}/ws")) for _ in range(20)]
        for number, client in enumerate(clients):
            client.send(str(number))
        assert [client.recv(10) for client in clients] == [str(number) for number in range(20)]


def test_route_that_does_not_match_refuses_the_upgrade(node: Node) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{node.port}/other"):
        pass
    assert refused.value.response.status_code == 404


def test_upgrade_goes_upstream_in_one_spelling(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(_AGREE)
        visit.wait_for_end()

    stage = stages.set(script)
    client = stage.client()
    client.send(_ASK + b"\r\n")
    head = client.until(b"\r\n\r\n").lower()
    assert head.startswith(b"http/1.1 101 ")
    assert head.count(b"connection: upgrade\r\nupgrade: websocket\r\n") == 1
    request = stage.upstream.request
    assert request.headers["connection"] == "keep-alive, Upgrade"
    assert request.headers["upgrade"] == "websocket"
    assert request.headers["sec-websocket-key"] == "dGhlIHNhbXBsZSBub25jZQ=="


def test_bytes_sent_ahead_wait_for_the_upstreams_consent(stages: Stages) -> None:
    agreed = threading.Event()
    early: list[bytes] = []
    late: list[bytes] = []

    def script(visit: Visit) -> None:
        visit.head()
        with suppress(TimeoutError):
            early.append(visit.read(0.2))
        agreed.set()
        visit.send(_AGREE + b"first")
        late.append(visit.take(5))
        visit.send(b"second")
        visit.wait_for_end()

    stage = stages.set(script)
    client = stage.client()
    client.send(_ASK + b"\r\nahead")
    client.until(b"\r\n\r\nfirst")
    client.until(b"second")
    assert (early, late) == ([], [b"ahead"])


def test_end_of_either_side_ends_the_other(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.head()
        visit.send(_AGREE + b"bye")

    client = stages.set(script).client()
    client.send(_ASK + b"\r\n")
    client.until(b"bye")
    assert client.is_closed()

    def wait(visit: Visit) -> None:
        visit.head()
        visit.send(_AGREE)
        visit.wait_for_end()

    stage = stages.set(wait)
    client = stage.client()
    client.send(_ASK + b"\r\n")
    client.until(b"\r\n\r\n")
    client.close()
    assert stage.upstream.visits[0].finished.wait(3)
    assert stage.upstream.visits[0].ended.is_set()


def test_last_bytes_of_a_client_reach_the_upstream(stages: Stages) -> None:
    sent = b"x" * 1_000_000 + b"the end"
    got = bytearray()

    def script(visit: Visit) -> None:
        visit.head()
        visit.send(_AGREE)
        while len(got) < len(sent):
            got.extend(visit.read())

    stage = stages.set(script)
    client = stage.client()
    client.send(_ASK + b"\r\n")
    client.until(b"\r\n\r\n")
    client.send(sent)
    client.close()
    assert stage.upstream.visits[0].finished.wait(5)
    assert bytes(got) == sent


def test_tunnel_that_is_silent_is_closed_after_the_read_timeout(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.head()
        visit.send(_AGREE)
        visit.wait_for_end()

    client = stages.set(script, service={"read_timeout": 1000}).client()
    client.send(_ASK + b"\r\n")
    client.until(b"\r\n\r\n")
    assert client.is_closed()


def test_refused_upgrade_is_an_answer_like_any_other(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.answer(b"no", status=403)

    client = stages.set(script).client()
    client.send(_ASK + b"\r\n")
    assert client.response().status == 403
    assert client.get("/x").status == 403


def test_upgrade_with_a_body_is_no_way_past_the_framing(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        request = visit.request()
        assert request.body in (b"", b"hello")
        visit.send(_AGREE)
        visit.wait_for_end()

    client = stages.set(script).client()
    client.send(_ASK + b"Content-Length: 5\r\n\r\nhello")
    assert client.until(b"\r\n\r\n")[9:12] in (b"101", b"400", b"502")
