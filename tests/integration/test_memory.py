"""What a request leaves behind: nothing. An exchange that is part of a cycle would wait for the garbage collector."""

import gc
import time
from collections.abc import Iterator

import pytest

from gateline.engine.exchange import Exchange
from gateline.engine.retrying import Retrying
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from harness.client import RawClient
from harness.stage import Stage, Stages
from harness.upstream import Visit

KINDS = (ClientConnection, UpstreamConnection, Exchange)


@pytest.fixture
def before() -> Iterator[list[object]]:
    """Nothing is collected in this test but what nobody refers to any more; what an earlier test left behind, which is
    still there, is told."""
    gc.collect()
    gc.disable()
    yield [one for one in gc.get_objects() if type(one) in KINDS]
    gc.enable()


def _left(before: list[object], *kinds: type) -> dict[str, int]:
    known = {id(one) for one in before}
    alive = [type(one).__name__ for one in gc.get_objects() if type(one) in kinds and id(one) not in known]
    return {name: alive.count(name) for name in sorted(set(alive))}


def _until_nothing_is_left(stage: Stage, before: list[object], *kinds: type) -> None:
    deadline = time.monotonic() + 20
    while left := stage.node.ask(lambda: _left(before, *kinds)):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.02)


def test_exchanges_are_gone_with_their_answers(stages: Stages, before: list[object]) -> None:
    def script(visit: Visit) -> None:
        while True:
            request = visit.request()
            if request.target == "/gone":
                return
            if request.target == "/stream":
                visit.send(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n", b"0\r\n\r\n", delay=0.01
                )
            else:
                visit.answer()

    stage = stages.set(script, route={"methods": ["GET", "POST"]}, service={"retries": 1})
    client = stage.client()
    post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    for _ in range(3):
        assert client.get("/x").status == 200
        assert client.get("/stream").body == b"ok"
        assert client.get("/gone").status == 502
        assert client.get("/x", method="PUT").status == 404
        client.send(post, b"hello", delay=0.01)
        assert client.response().status == 200
        client.send(post + b"hello" + post + b"hello")
        assert [client.response().status for _ in range(2)] == [200, 200]
    _until_nothing_is_left(stage, before, Exchange)


def test_exchanges_under_a_retry_policy_are_gone_with_their_answers(stages: Stages, before: list[object]) -> None:
    def script(visit: Visit) -> None:
        while True:
            request = visit.request()
            if request.target == "/silent":
                visit.wait_for_end()
            if request.target == "/gone":
                return
            visit.answer(status=503 if request.target == "/bad" else 200)

    times = {"deadline": 300, "response_deadline": 60_000, "per_try_timeout": 100, "backoff": {}}
    policy = {"statuses": [503], "attempts": 1, "budget": {}, **times}
    stage = stages.set(script, service={"retry_policy": policy})
    client = stage.client()
    answers = [client.get(path).status for path in ("/x", "/bad", "/gone", "/silent", "/x")]
    assert answers == [200, 503, 502, 504, 200]
    _until_nothing_is_left(stage, before, Exchange, Retrying)


def test_exchanges_of_clients_that_left_are_gone(stages: Stages, before: list[object]) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.wait_for_end()

    stage = stages.set(script)
    for number in range(1, 4):
        with RawClient(stage.node.port) as client:
            client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            stage.upstream.wait_for_requests(number)
            client.abort()
    _until_nothing_is_left(stage, before, Exchange)


def test_connections_are_gone_when_they_are_closed(stages: Stages, before: list[object]) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.answer(b"ok", "Connection: close")

    stage = stages.set(script)
    for path in ("/x", "/y"):
        with RawClient(stage.node.port) as client:
            assert client.get(path).status == 200
        with RawClient(stage.node.port) as client:
            client.send(b"garbage\r\n\r\n")
            client.everything()
    _until_nothing_is_left(stage, before, *KINDS)


def test_many_connections_that_come_and_go_leave_nothing(stages: Stages) -> None:
    stage = stages.set()
    for _ in range(200):
        with RawClient(stage.node.port) as client:
            assert client.get("/x").status == 200
    deadline = time.monotonic() + 20
    while stage.node.ask(lambda: len(stage.node.worker._crowd.connections)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert stage.node.ask(lambda: len(stage.node.worker._pools.connections)) == 1
