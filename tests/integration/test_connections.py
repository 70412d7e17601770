"""Client connections: kept alive, pipelined, half-closed, of HTTP/1.0, and what ends them."""

import threading
import time

import pytest

from harness.client import DEADLINE, RawClient
from harness.node import configuration
from harness.stage import Stages
from harness.upstream import Visit


def _echo_target(visit: Visit) -> None:
    while True:
        request = visit.request()
        visit.answer(f"{request.method} {request.target} ".encode() + request.body)


def _get(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: gateway.test", *lines, "", "")).encode()


def test_connection_serves_one_request_after_the_other(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    for number in range(20):
        response = client.get(f"/{number}")
        assert response.body == f"GET /{number} ".encode()
        assert response.headers["connection"] == "keep-alive"


def test_upstream_connection_is_used_again(stages: Stages) -> None:
    stage = stages.set(_echo_target)
    for _ in range(3):
        stage.client().get("/x")
    assert len(stage.upstream.visits) == 1


def test_pipelined_requests_are_answered_in_order(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    client.send(b"".join(_get(f"/{number}") for number in range(50)))
    assert [client.response().body for _ in range(50)] == [f"GET /{number} ".encode() for number in range(50)]


def test_pipelined_requests_with_bodies_are_answered_in_order(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    for number in range(10):
        client.send(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" % number)
        client.send(
            b"PUT /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n" % number
        )
    for number in range(10):
        assert client.response().body == b"POST /%d hello" % number
        assert client.response().body == b"PUT /%d world" % number


def test_pipelined_requests_survive_any_split(stages: Stages) -> None:
    requests = (
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwor\r\n2\r\nld\r\n0\r\n\r\n"
        b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    stage = stages.set(_echo_target)
    client = stage.client()
    for at in range(1, len(requests)):
        client.send(requests[:at], requests[at:], delay=0.001)
        assert [client.response().body for _ in range(3)] == [b"POST /a hello", b"POST /b world", b"GET /c "], at


def test_answers_keep_the_order_of_requests_that_arrive_while_others_are_answered(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    for number in range(0, 300, 3):
        client.send(_get(f"/{number}") + _get(f"/{number + 1}"))
        client.send(_get(f"/{number + 2}"))
    assert [client.response().body for _ in range(300)] == [f"GET /{number} ".encode() for number in range(300)]


def test_pipelined_requests_to_different_upstreams_keep_their_order(stages: Stages) -> None:
    def slow(visit: Visit) -> None:
        while True:
            visit.request()
            time.sleep(0.05)
            visit.answer(b"slow")

    first, second = stages.upstream(slow), stages.upstream(lambda visit: _echo_target(visit))
    node = stages.node(
        configuration(
            {"name": "slow", "url": first.url, "routes": [{"paths": ["/slow"]}]},
            {"name": "fast", "url": second.url, "routes": [{"paths": ["/fast"], "strip_path": False}]},
        )
    )
    with RawClient(node.port) as client:
        client.send(_get("/slow") + _get("/fast") + _get("/none") + _get("/slow") + _get("/fast"))
        bodies = [client.response().body for _ in range(5)]
    assert bodies[:2] == [b"slow", b"GET /fast "]
    assert b"no Route matched" in bodies[2]
    assert bodies[3:] == [b"slow", b"GET /fast "]


def test_client_that_sends_far_ahead_is_not_read_without_end(stages: Stages) -> None:
    def wait(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    client = stages.set(wait).client()
    client.send(_get("/x"))
    limit = 64 * 1024 * 1024
    assert client.try_send(_get("/ahead") * (limit // 40), 0.3) < limit // 2  # the kernel's buffers, and a little more


def test_connection_close_of_the_client_is_honoured(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    response = client.get("/x", "Connection: close")
    assert response.headers["connection"] == "close"
    assert client.is_closed()


def test_nothing_after_a_request_with_connection_close_is_served(stages: Stages) -> None:
    stage = stages.set(_echo_target)
    client = stage.client()
    client.send(_get("/x", "Connection: close") + _get("/y"))
    assert client.everything().count(b"HTTP/1.1 200") == 1
    assert stage.upstream.request.target == "/x"


def test_upstreams_connection_close_does_not_reach_the_client(stages: Stages) -> None:
    def close(visit: Visit) -> None:
        visit.request()
        visit.answer(b"ok", "Connection: close")

    stage = stages.set(close)
    client = stage.client()
    assert [client.get("/x").headers["connection"] for _ in range(3)] == ["keep-alive"] * 3
    assert len(stage.upstream.visits) == 3


@pytest.mark.parametrize("line", ["", "Connection: close\r\n"])
def test_http_1_0_client_is_answered_and_closed(stages: Stages, line: str) -> None:
    client = stages.set(_echo_target).client()
    client.send(f"GET /x HTTP/1.0\r\n{line}\r\n".encode())
    response = client.response()
    assert response.body == b"GET /x "
    assert response.headers["connection"] == "close"
    assert client.is_closed()


def test_http_1_0_client_may_keep_its_connection(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    for _ in range(3):
        client.send(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.response().headers["connection"] == "keep-alive"


def test_http_1_0_client_gets_a_chunked_answer_unchunked_and_delimited_by_the_close(stages: Stages) -> None:
    def chunked(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"0\r\n\r\n", delay=0.05)

    client = stages.set(chunked).client()
    client.send(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.everything()
    assert answer.endswith(b"\r\n\r\nhello")
    assert b"transfer-encoding" not in answer.lower()
    assert b"Connection: close" in answer


def test_request_goes_upstream_as_http_1_1_whatever_the_clients_version(stages: Stages) -> None:
    stage = stages.set(_echo_target)
    client = stage.client()
    client.send(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
    client.response()
    assert stage.upstream.received[0].startswith(b"GET /x HTTP/1.1\r\n")


def test_absolute_form_is_taken_apart(stages: Stages) -> None:
    stage = stages.set(_echo_target, route={"hosts": ["other.test"], "preserve_host": True})
    response = stage.client().get("http://other.test:81/x?y=z", host="gateway.test")
    assert response.status == 200
    request = stage.upstream.request
    assert request.target == "/x?y=z"
    assert request.headers["host"] == "other.test:81"
    assert request.headers["x-forwarded-host"] == "other.test"


@pytest.mark.parametrize(
    ("target", "upstream"),
    [("http://gateway.test", "/"), ("http://gateway.test?x", "/?x"), ("HTTP://gateway.test/", "/")],
)
def test_absolute_form_without_a_path_is_the_root(stages: Stages, target: str, upstream: str) -> None:
    stage = stages.set(_echo_target)
    assert stage.client().get(target).status == 200
    assert stage.upstream.request.target == upstream


def test_half_closed_client_gets_its_answer(stages: Stages) -> None:
    def slowly(visit: Visit) -> None:
        visit.request()
        time.sleep(0.2)
        visit.answer(b"late")

    client = stages.set(slowly).client()
    client.send(_get("/x"))
    client.half_close()
    assert client.response().body == b"late"
    assert client.is_closed()


def test_half_closed_client_gets_a_long_answer_to_its_end(stages: Stages) -> None:
    def slowly(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", *[b"x"] * 8, delay=0.2)

    client = stages.set(slowly, settings={"client_header_timeout": "0.1"}).client()  # looks at deadlines often
    client.send(_get("/x"))
    client.half_close()
    assert client.response().body == b"x" * 8


def test_half_closed_client_gets_the_answers_of_all_that_it_had_sent(stages: Stages) -> None:
    client = stages.set(_echo_target).client()
    client.send(_get("/1") + _get("/2") + _get("/3"))
    client.half_close()
    assert [client.response().body for _ in range(3)] == [b"GET /1 ", b"GET /2 ", b"GET /3 "]
    assert client.is_closed()


def test_idle_connection_is_closed_after_its_time(stages: Stages) -> None:
    client = stages.set(settings={"client_idle_timeout": "0.2"}).client()
    assert client.get("/x").status == 200
    assert client.is_closed(2)


def test_connection_is_closed_after_its_number_of_requests(stages: Stages) -> None:
    client = stages.set(settings={"nginx_http_keepalive_requests": "3"}).client()
    assert [client.get("/x").headers["connection"] for _ in range(3)] == ["keep-alive", "keep-alive", "close"]
    assert client.is_closed()


def test_connection_beyond_the_limit_is_refused(stages: Stages) -> None:
    stage = stages.set(settings={"max_connections": "2"})
    kept = [stage.client() for _ in range(2)]
    assert [client.get("/x").status for client in kept] == [200, 200]
    refused = stage.client()
    response = refused.response()
    assert response.status == 503
    assert response.headers["connection"] == "close"
    assert refused.is_closed()
    assert kept[0].get("/x").status == 200


def test_client_that_takes_no_answer_is_dropped_after_its_time(stages: Stages) -> None:
    def flood(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            visit.send(b"x" * 65536)

    stage = stages.set(flood, settings={"client_send_timeout": "0.3"})
    client = stage.client()
    client.send(_get("/x"))
    visit = stage.upstream.wait_for_visits(1)[0]
    assert visit.finished.wait(5), "the upstream goes on sending to nobody"


def test_client_that_never_reads_its_last_answer_does_not_stay_for_ever(stages: Stages) -> None:
    def large(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000_000)

    stage = stages.set(large, settings={"client_send_timeout": "0.3"})
    client = stage.client()
    client.send(_get("/x", "Connection: close"))
    deadline = time.monotonic() + 8
    while stage.node.ask(lambda: len(stage.node.worker._crowd.connections)):
        assert time.monotonic() < deadline, "the connection is still there"
        time.sleep(0.05)


def test_client_that_asks_on_without_taking_answers_does_not_fill_the_memory(stages: Stages) -> None:
    size, count = 100_000, 3000

    def large(visit: Visit) -> None:
        while True:
            visit.request()
            visit.answer(b"x" * size)

    stage = stages.set(large)
    client = stage.client()
    client.send(_get("/x") * 500)  # as many as a client may send ahead
    sender = threading.Thread(target=client.send, args=(_get("/x") * (count - 500),))
    sender.start()
    try:
        visit = stage.upstream.wait_for_visits(1)[0]
        asked = -1
        while asked < visit.received.count(b"GET "):  # until it asks for nothing more
            asked = visit.received.count(b"GET ")
            time.sleep(0.3)
        assert asked < 200, "the service is asked for what nobody takes"
        for _ in range(count):
            assert client.response().body == b"x" * size
    finally:
        sender.join(DEADLINE)
    assert not sender.is_alive()


def test_connection_to_the_service_serves_others_when_a_client_is_slow_at_the_end(stages: Stages) -> None:
    def large(visit: Visit) -> None:
        while True:
            visit.answer(b"x" * int(visit.request().target[1:]))

    stage = stages.set(large, service={"read_timeout": 2000, "retries": 0})
    for size in range(500_000, 8_000_000, 250_000):  # for one of these the client's buffers are full at the very end
        slow = stage.client()
        slow.send(_get(f"/{size}"))
        slow.read(time.monotonic() + DEADLINE)
        other = stage.client()
        assert other.get("/5").body == b"x" * 5, size
        assert slow.response().body == b"x" * size
        assert other.get("/6").body == b"x" * 6, size
        slow.close()
        other.close()
