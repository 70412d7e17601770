"""Streams: nothing waits for what has not come, nobody is sent more than it takes, and who leaves stops the rest."""

import threading
import time

import pytest

from harness.messages import MalformedError
from harness.stage import Stage, Stages
from harness.upstream import Visit

_GET = b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
_BUFFERED = 24 * 1024 * 1024
"""More than what the kernel's buffers of two connections and the gateway's own can hold."""


def test_event_is_seen_before_the_next_one_is_sent(stages: Stages) -> None:
    seen = threading.Event()

    def events(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert seen.wait(10)
        visit.send(b"data: 2\n\n")

    client = stages.set(events).client()
    client.send(_GET)
    client.until(b"data: 1\n\n")
    seen.set()
    client.until(b"data: 2\n\n")
    assert client.until(b"0\r\n\r\n").endswith(b"0\r\n\r\n")


def test_head_is_seen_before_the_body_is_sent(stages: Stages) -> None:
    seen = threading.Event()

    def late(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        assert seen.wait(10)
        visit.send(b"ok")

    client = stages.set(late).client()
    client.send(_GET)
    assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    seen.set()
    assert client.until(b"ok") == b"ok"


def test_chunk_is_seen_before_the_next_one_is_sent(stages: Stages) -> None:
    seen = threading.Event()

    def chunks(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert seen.wait(10)
        visit.send(b"0\r\n\r\n")

    client = stages.set(chunks).client()
    client.send(_GET)
    client.until(b"hello\r\n")
    seen.set()
    assert client.until(b"0\r\n\r\n") == b"0\r\n\r\n"


def test_request_body_is_seen_before_its_end_is_sent(stages: Stages) -> None:
    got = threading.Event()

    def read(visit: Visit) -> None:
        visit.head()
        visit.take(5)
        got.set()
        visit.take(5)
        visit.answer()

    client = stages.set(read).client()
    client.send(b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nhello")
    assert got.wait(5), "the first part of the body was held back"
    client.send(b"world")
    assert client.response().status == 200


def _flood(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    visit.flooded = visit.try_send(b"x" * (4 * _BUFFERED), 0.5)  # type: ignore[attr-defined]


def test_upstream_is_held_back_by_a_client_that_does_not_read(stages: Stages) -> None:
    stage = stages.set(_flood)
    client = stage.client()
    client.send(_GET)
    visit = stage.upstream.wait_for_visits(1)[0]
    assert visit.finished.wait(10)
    assert visit.flooded < _BUFFERED  # type: ignore[attr-defined]


def test_client_is_held_back_by_an_upstream_that_does_not_read(stages: Stages) -> None:
    finished = threading.Event()

    def deaf(visit: Visit) -> None:
        visit.head()
        finished.wait(10)

    stage = stages.set(deaf)
    client = stage.client()
    client.send(b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000000000\r\n\r\n")
    sent = client.try_send(b"x" * (4 * _BUFFERED), 0.5)
    finished.set()
    assert sent < _BUFFERED


def test_client_is_held_back_while_there_is_no_connection_yet(stages: Stages) -> None:
    stage = stages.set(service={"url": "http://192.0.2.1", "connect_timeout": 1500, "retries": 0})  # nobody is there
    client = stage.client()
    client.send(b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000000000\r\n\r\n")
    assert client.try_send(b"x" * (4 * _BUFFERED), 0.3) < _BUFFERED
    assert client.response().status in (502, 504)


def test_slow_reader_gets_everything(stages: Stages) -> None:
    body = b"0123456789abcdef" * 65536 * 8  # 8 MiB

    def script(visit: Visit) -> None:
        visit.request()
        visit.answer(body)

    client = stages.set(script).client()
    client.send(_GET)
    for _ in range(20):
        time.sleep(0.01)
        client.socket.settimeout(5)
        client.received += client.socket.recv(65536)
    assert client.response().body == body


def _leaves(stage: Stage) -> None:
    """A client that asks, waits until its request is upstream, and goes."""
    client = stage.client()
    client.send(_GET)
    stage.upstream.wait_for_requests(1)
    client.close()


def test_client_that_leaves_before_the_answer_ends_the_upstreams_work(stages: Stages) -> None:
    ended: list[float] = []

    def work(visit: Visit) -> None:
        visit.request()
        since = time.monotonic()
        visit.wait_for_end()
        ended.append(time.monotonic() - since)

    stage = stages.set(work, settings={"client_header_timeout": "0.4"})  # looks at deadlines often
    _leaves(stage)
    assert stage.upstream.visits[0].finished.wait(5)
    assert ended, "the upstream works on for nobody"


def test_client_that_resets_before_the_answer_ends_the_upstreams_work(stages: Stages) -> None:
    def work(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    stage = stages.set(work)
    client = stage.client()
    client.send(_GET)
    stage.upstream.wait_for_requests(1)
    client.abort()
    assert stage.upstream.visits[0].finished.wait(3)
    assert stage.upstream.visits[0].ended.is_set()


def test_client_that_leaves_in_the_answer_ends_the_upstreams_work(stages: Stages) -> None:
    def endless(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            visit.send(b"data: x\n\n")
            time.sleep(0.01)

    stage = stages.set(endless)
    client = stage.client()
    client.send(_GET)
    client.until(b"data: x\n\n")
    client.close()
    assert stage.upstream.visits[0].finished.wait(3), "the upstream goes on sending to nobody"


def test_client_that_leaves_in_its_request_ends_the_upstreams_work(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000\r\n\r\nhello")
    visit = stage.upstream.wait_for_visits(1)[0]
    visit.wait_for(b"hello")
    client.close()
    assert visit.finished.wait(3)
    assert visit.ended.is_set()


def test_client_that_leaves_while_connecting_costs_nobody_anything(stages: Stages) -> None:
    stage = stages.set(service={"url": "http://192.0.2.1", "connect_timeout": 300, "retries": 0})
    client = stage.client()
    client.send(_GET)
    client.abort()
    assert stage.client().get("/x").status in (502, 504)


def test_connection_that_a_client_left_in_the_middle_is_not_used_again(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        while True:
            if visit.request().target == "/slow":
                visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nhalf", *[b"x"] * 1000, delay=0.01)
            visit.answer(b"whole")

    stage = stages.set(script)
    client = stage.client()
    client.send(_GET.replace(b"/x", b"/slow"))
    client.until(b"half")
    client.close()
    assert stage.upstream.visits[0].finished.wait(3)
    assert stage.client().get("/x").body == b"whole"


def test_node_that_stops_cuts_what_is_under_way(stages: Stages) -> None:
    def slow(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    stage = stages.set(slow)
    client = stage.client()
    client.send(_GET)
    stage.upstream.wait_for_requests(1)
    stage.node.loop.call_soon_threadsafe(stage.node.worker._stop)
    with pytest.raises(MalformedError, match="cut off"):
        client.response()


def test_node_that_drains_finishes_what_is_under_way(stages: Stages) -> None:
    go_on = threading.Event()

    def slow(visit: Visit) -> None:
        visit.request()
        go_on.wait(10)
        visit.answer(b"late")

    stage = stages.set(slow)
    busy, idle = stage.client(), stage.client()
    busy.send(_GET)
    stage.upstream.wait_for_requests(1)
    stage.node.loop.call_soon_threadsafe(stage.node.worker._drain)
    assert idle.is_closed()
    go_on.set()
    response = busy.response()
    assert (response.body, response.keeps_alive) == (b"late", False)
    assert busy.is_closed()
