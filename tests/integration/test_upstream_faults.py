"""Upstreams that fail: what they may answer, what is tried again, and when it is given up."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from harness.messages import MalformedError
from harness.node import configuration
from harness.stage import Stages
from harness.upstream import Script, Visit

_INVALID = b"An invalid response was received from the upstream server\nrequest_id: "
_TIMING_OUT = b"The upstream server is timing out\nrequest_id: "
_POST = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 5\r\n\r\nhello"


def _says(data: bytes) -> Script:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(data)
        visit.wait_for_end()

    return script


def _in_turn(*scripts: Script) -> Script:
    """A script that does something else on each connection; the last one goes on."""
    left = list(scripts)
    lock = threading.Lock()

    def script(visit: Visit) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(visit)

    return script


def _serve(visit: Visit) -> None:
    while True:
        visit.request()
        visit.answer()


def _hang_up(visit: Visit) -> None:
    visit.request()


def _reset(visit: Visit) -> None:
    visit.request()
    visit.reset()


def _silent(visit: Visit) -> None:
    visit.request()
    visit.wait_for_end()


_OK = b"HTTP/1.1 200 OK\r\n"
_BAD_ANSWERS = {
    "garbage": b"garbage\r\n\r\n",
    "TLS": bytes.fromhex("15030100020250"),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "NUL": b"\x00" * 100,
    "HTTP/0.9": b"<html></html>",
    "HTTP/2": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2 frames": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18,
    "lower-case version": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status of letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "two lengths": _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length list": _OK + b"Content-Length: 2, 3\r\n\r\nok",
    "length with a sign": _OK + b"Content-Length: +2\r\n\r\nok",
    "negative length": _OK + b"Content-Length: -2\r\n\r\nok",
    "length and coding": _OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two codings": _OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "unknown coding": _OK + b"Transfer-Encoding: gzip\r\n\r\nok",
    "coding obfuscated": _OK + b"Transfer-Encoding: xchunked\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare LF in a header": _OK + b"X: y\nZ: z\r\nContent-Length: 2\r\n\r\nok",
    "bare CR in a header": _OK + b"X: y\rZ: z\r\nContent-Length: 2\r\n\r\nok",
    "NUL in a header": _OK + b"X: \x00\r\nContent-Length: 2\r\n\r\nok",
    "control character in a header": _OK + b"X: \x08\r\nContent-Length: 2\r\n\r\nok",
    "folded header": _OK + b"X: y\r\n z\r\nContent-Length: 2\r\n\r\nok",
    "space before the colon": _OK + b"Content-Length : 2\r\n\r\nok",
    "no colon": _OK + b"X\r\nContent-Length: 2\r\n\r\nok",
    "empty line first": b"\r\n" + _OK + b"Content-Length: 2\r\n\r\nok",
    "bad chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "negative chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    "overflowing chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n",
    "chunk without an end": _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
    "endless status line": b"HTTP/1.1 200 " + b"x" * 200_000,
    "endless header": _OK + b"X: " + b"y" * 200_000,
    "endless head": _OK + b"X: y\r\n" * 50_000,
    "protocol switch to something else": b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("name", _BAD_ANSWERS)
def test_bad_answer_is_a_502_and_its_connection_is_closed(stages: Stages, name: str) -> None:
    stage = stages.set(_says(_BAD_ANSWERS[name]))
    client = stage.client()
    response = client.get("/x")
    assert response.status == 502
    assert response.body.startswith(_INVALID)
    assert response.keeps_alive
    assert stage.upstream.visits[0].finished.wait(5), "the connection stays open"
    assert len(stage.upstream.visits) == 1, "a bad answer was asked for again"
    assert client.get("/x").status == 502


def test_refused_connection_is_a_502(stages: Stages) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        stage = stages.set(service={"url": f"http://127.0.0.1:{port}"})
        response = stage.client().get("/x")
    assert response.status == 502
    assert response.body.startswith(_INVALID)
    assert response.headers["server"].startswith("kong/")
    assert response.headers["via"].startswith("1.1 kong/")


def test_unknown_host_is_a_503(stages: Stages) -> None:
    stage = stages.set(service={"url": "http://does-not-exist.invalid"})
    response = stage.client().get("/x")
    assert response.status == 503
    assert b'"message":"name resolution failed"' in response.body
    assert stage.client().get("/x").status == 503


def test_connecting_that_takes_too_long_is_a_504(stages: Stages) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:  # its queue is full after one or two
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        stage = stages.set(
            service={"url": f"http://127.0.0.1:{full.getsockname()[1]}", "connect_timeout": 150, "retries": 0}
        )
        response = stage.client().get("/x")
        for one in waiting:
            one.close()
    assert response.status == 504
    assert response.body.startswith(_TIMING_OUT)


def test_answer_that_takes_too_long_is_a_504(stages: Stages) -> None:
    stage = stages.set(_silent, service={"read_timeout": 150, "retries": 0})
    response = stage.client().get("/x")
    assert response.status == 504
    assert response.body.startswith(_TIMING_OUT)
    assert stage.upstream.visits[0].finished.wait(5), "the upstream is still being asked"


def test_answer_that_stops_in_the_middle_is_cut_after_the_read_timeout(stages: Stages) -> None:
    def stop(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        visit.wait_for_end()

    stage = stages.set(stop, service={"read_timeout": 1000})
    with pytest.raises(MalformedError, match="cut off"):
        stage.client().get("/x")


def test_answer_that_drips_within_the_read_timeout_passes(stages: Stages) -> None:
    def drip(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"h", b"e", b"l", b"l", b"o", delay=0.3)

    stage = stages.set(drip, service={"read_timeout": 1200})
    assert stage.client().get("/x").body == b"hello"


def test_upstream_that_does_not_take_the_body_is_a_504_after_the_write_timeout(stages: Stages) -> None:
    finished = threading.Event()

    def deaf(visit: Visit) -> None:
        visit.head()
        finished.wait(10)

    stage = stages.set(deaf, service={"write_timeout": 150, "retries": 0})
    client = stage.client()
    client.send(b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000000\r\n\r\n")
    sender = threading.Thread(target=client.try_send, args=(b"x" * 30_000_000, 2))
    sender.start()
    try:
        response = client.response()
    finally:
        finished.set()
        client.socket.settimeout(2)
        sender.join()
    assert response.status == 504


@pytest.mark.parametrize("fault", [_hang_up, _reset])
def test_idempotent_request_without_an_answer_is_tried_again(stages: Stages, fault: Script) -> None:
    stage = stages.set(_in_turn(fault, fault, _serve))
    response = stage.client().get("/x")
    assert response.status == 200
    assert len(stage.upstream.visits) == 3


@pytest.mark.parametrize("fault", [_hang_up, _reset])
def test_post_without_an_answer_is_not_tried_again(stages: Stages, fault: Script) -> None:
    stage = stages.set(_in_turn(fault, _serve))
    client = stage.client()
    client.send(_POST)
    assert client.response().status == 502
    assert len(stage.upstream.visits) == 1


def test_idempotent_request_with_a_body_is_tried_again_with_its_body(stages: Stages) -> None:
    stage = stages.set(_in_turn(_hang_up, _serve))
    client = stage.client()
    client.send(b"PUT /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\n", b"hello", b"world", delay=0.02)
    assert client.response().status == 200
    assert [request.body for request in stage.upstream.requests()] == [b"helloworld"] * 2


def test_idempotent_request_whose_body_was_too_large_to_keep_is_not_tried_again(stages: Stages) -> None:
    stage = stages.set(_in_turn(_hang_up, _serve))
    client = stage.client()
    client.send(b"PUT /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    assert client.response().status == 502
    assert len(stage.upstream.visits) == 1


def test_tries_end_with_the_services_retries(stages: Stages) -> None:
    stage = stages.set(_hang_up, service={"retries": 2})
    assert stage.client().get("/x").status == 502
    assert len(stage.upstream.visits) == 3


def test_timeouts_are_tried_again_too(stages: Stages) -> None:
    stage = stages.set(_in_turn(_silent, _serve), service={"read_timeout": 1000})
    assert stage.client().get("/x").status == 200
    assert len(stage.upstream.visits) == 2


def test_no_retries_means_one_try(stages: Stages) -> None:
    stage = stages.set(_hang_up, service={"retries": 0})
    assert stage.client().get("/x").status == 502
    assert len(stage.upstream.visits) == 1


def test_answer_that_has_begun_is_not_asked_for_again(stages: Stages) -> None:
    def half(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")

    stage = stages.set(_in_turn(half, _serve))
    with pytest.raises(MalformedError, match="cut off"):
        stage.client().get("/x")
    assert len(stage.upstream.visits) == 1


def _goes_stale(ready: threading.Event) -> Script:
    """Serves one request, then closes the kept connection at the moment when the next one comes."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.answer()
        visit.head()
        ready.set()

    return script


def test_stale_connection_costs_a_get_nothing_even_without_retries(stages: Stages) -> None:
    stage = stages.set(_in_turn(_goes_stale(threading.Event()), _serve), service={"retries": 0})
    client = stage.client()
    assert [client.get("/1").status, client.get("/2").status, client.get("/3").status] == [200] * 3
    assert [request.target for request in stage.upstream.requests()] == ["/1", "/2", "/2", "/3"]


def test_stale_connection_costs_a_post_a_502_since_it_may_have_been_acted_on(stages: Stages) -> None:
    stage = stages.set(_in_turn(_goes_stale(threading.Event()), _serve))
    client = stage.client()
    assert client.get("/1").status == 200
    client.send(_POST)
    assert client.response().status == 502
    assert client.get("/2").status == 200


def test_connection_that_the_upstream_closed_while_it_was_idle_costs_a_post_nothing(stages: Stages) -> None:
    def once(visit: Visit) -> None:
        visit.request()
        visit.answer()

    stage = stages.set(_in_turn(once, _serve))
    client = stage.client()
    assert client.get("/1").status == 200
    assert stage.upstream.visits[0].finished.wait(5)
    _until(lambda: not stage.node.ask(lambda: len(stage.node.worker._pools.connections)))
    client.send(_POST)
    assert client.response().status == 200


def test_many_requests_while_an_upstream_comes_and_goes(stages: Stages) -> None:
    def fickle(visit: Visit) -> None:
        for _ in range(3):
            visit.request()
            visit.answer()

    client = stages.set(fickle).client()
    assert {client.get("/x").status for _ in range(100)} == {200}


def test_service_that_another_configuration_takes_away_finishes_what_it_began(stages: Stages) -> None:
    go_on = threading.Event()

    def slow(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nol")
        go_on.wait(10)
        visit.send(b"d!")
        visit.wait_for_end()

    stage = stages.set(slow)
    client = stage.client()
    client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    client.until(b"\r\n\r\nol")

    def new(visit: Visit) -> None:
        while True:
            visit.request()
            visit.answer(b"new")

    fresh = stages.upstream(new)
    stage.node.configure(configuration({"name": "n", "url": fresh.url, "routes": [{"paths": ["/"]}]}))
    assert stage.client().get("/x").body == b"new"
    go_on.set()
    assert client.until(b"d!") == b"d!"
    assert stage.upstream.visits[0].finished.wait(5), "a connection of a service that is gone was kept"
    assert client.get("/x").body == b"new"


def _until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)
