"""Bodies on their way: framing in both directions, trailers, answers without a body, early answers, limits, cuts."""

import hashlib
import threading
import time

import pytest

from harness.client import RawClient
from harness.messages import MalformedError, parse_requests
from harness.stage import Stages
from harness.upstream import GoneError, Script, Visit

_POST = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\n"
_GET = b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def _sends(*parts: bytes, close: bool = True, delay: float = 0.02) -> Script:
    """A script that answers the first request with these bytes, and closes (or waits for the gateway to do so)."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(*parts, delay=delay)
        if not close:
            visit.wait_for_end()

    return script


def test_counted_request_body_goes_upstream_counted(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(_POST + b"Content-Length: 10\r\n\r\n", b"hello", b"world", delay=0.02)
    assert client.response().status == 200
    request = stage.upstream.request
    assert (request.body, request.chunked, request.headers["content-length"]) == (b"helloworld", False, "10")


def test_chunked_request_body_goes_upstream_chunked(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(
        _POST + b"Transfer-Encoding: chunked\r\n\r\n", b"5;x=y\r\nhello\r\n", b"5\r\nworld\r\n0\r\n\r\n", delay=0.02
    )
    assert client.response().status == 200
    request = stage.upstream.request
    assert (request.body, request.chunked, request.headers.all("transfer-encoding")) == (
        b"helloworld",
        True,
        ["chunked"],
    )
    assert b"x=y" not in stage.upstream.received[0]


def test_request_trailers_reach_the_upstream(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(
        _POST + b"Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n"
    )
    assert client.response().status == 200
    assert stage.upstream.request.trailers.lines == [("X-Sum", "1"), ("X-B", "2")]


def test_empty_chunked_body_is_still_a_chunked_body(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(_POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert client.response().status == 200
    assert stage.upstream.request.chunked


def test_length_of_zero_is_passed_on(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(_POST + b"Content-Length: 0\r\n\r\n")
    assert client.response().status == 200
    assert stage.upstream.request.headers["content-length"] == "0"


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_large_bodies_arrive_as_they_were_sent(stages: Stages, framing: str) -> None:
    body = bytes(range(256)) * 16384  # 4 MiB
    digest = hashlib.sha256(body).digest()

    def back(visit: Visit) -> None:
        request = visit.request()
        assert hashlib.sha256(request.body).digest() == digest
        if framing == "counted":
            visit.answer(request.body)
        else:
            visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 100_000):
                piece = request.body[at : at + 100_000]
                visit.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            visit.send(b"0\r\n\r\n")

    stage = stages.set(back)
    client = stage.client()
    if framing == "counted":
        message = _POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        message = _POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    sender = threading.Thread(target=client.send, args=(message,))
    sender.start()
    try:
        response = client.response()
    finally:
        sender.join()
    assert hashlib.sha256(response.body).digest() == digest
    assert response.chunked == (framing == "chunked")


def test_chunked_answer_stays_chunked_whatever_its_chunks(stages: Stages) -> None:
    client = stages.set(
        _sends(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhel", b"lo\r\n5\r", b"\nworld\r\n0\r\n\r\n"
        )
    ).client()
    response = client.get("/x")
    assert (response.body, response.chunked, response.keeps_alive) == (b"helloworld", True, True)
    assert "content-length" not in response.headers


def test_chunked_answer_that_comes_at_once_is_well_formed(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")

    stage = stages.set(script)
    client = stage.client()
    assert [client.get("/x").body for _ in range(3)] == [b"hello"] * 3
    assert len(stage.upstream.visits) == 1


def test_response_trailers_reach_a_client_that_asks_for_them(stages: Stages) -> None:
    parts = (
        b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    stage = stages.set(_sends(parts))
    response = stage.client().get("/x", "TE: trailers", "Connection: TE")
    assert response.trailers.lines == [("X-Sum", "1")]
    assert response.headers["trailer"] == "X-Sum"
    assert stage.upstream.request.headers["te"] == "trailers"


def test_response_trailers_end_at_a_client_that_does_not_ask(stages: Stages) -> None:
    parts = (
        b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    stage = stages.set(_sends(parts))
    response = stage.client().get("/x")
    assert response.body == b"hello"
    assert response.trailers.lines == []
    assert "trailer" not in response.headers
    assert "te" not in stage.upstream.request.headers


@pytest.mark.parametrize("value", ["gzip, trailers", "trailers;q=0.5", "gzip", "trailers, trailers"])
def test_other_te_values_end_at_the_gateway(stages: Stages, value: str) -> None:
    stage = stages.set()
    assert stage.client().get("/x", f"TE: {value}", "Connection: TE").status == 200
    assert "te" not in stage.upstream.request.headers


@pytest.mark.parametrize("framing", [b"Content-Length: 1000", b"Transfer-Encoding: chunked", b"X: y"])
def test_answer_to_head_has_no_body_and_the_connection_goes_on(stages: Stages, framing: bytes) -> None:
    def script(visit: Visit) -> None:
        while True:
            if visit.request().method == "HEAD":
                visit.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
            else:
                visit.answer()

    client = stages.set(script).client()
    response = client.get("/x", method="HEAD")
    assert response.keeps_alive
    assert response.headers.get("content-length") == ("1000" if b"Length" in framing else None)
    assert client.get("/x").body == b"ok"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("framing", [b"", b"Content-Length: 1000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_answers_without_a_body_by_their_status(stages: Stages, status: int, framing: bytes) -> None:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.send(b"HTTP/1.1 %d X\r\nETag: y\r\n%b\r\n" % (status, framing))

    stage = stages.set(script)
    client = stage.client()
    for _ in range(2):
        response = client.get("/x")
        assert (response.status, response.body, response.headers["etag"]) == (status, b"", "y")
        assert "transfer-encoding" not in response.headers
    assert client.get("/x").status == status
    if status == 204:
        assert "content-length" not in response.headers


def test_body_after_a_head_answer_is_not_taken_for_the_next_answer(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
            delay=0.05,
        )
        visit.wait_for_end()

    def proper(visit: Visit) -> None:
        while True:
            visit.request()
            visit.answer(b"proper")

    stage = stages.set(script)
    client = stage.client()
    client.get("/x", method="HEAD")
    first = stage.upstream.visits[0]
    stage.upstream.script = proper
    assert first.finished.wait(5), "the connection that sent too much is still in use"
    assert client.get("/x").body == b"proper"


def test_bytes_beyond_an_answer_are_not_taken_for_the_next_one(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        visit.wait_for_end()

    stage = stages.set(script)
    client = stage.client()
    assert [client.get("/x").body for _ in range(3)] == [b"ok"] * 3
    assert len(stage.upstream.visits) == 3


def test_answer_that_the_close_delimits_becomes_chunked(stages: Stages) -> None:
    client = stages.set(_sends(b"HTTP/1.1 200 OK\r\n\r\nhello", b"world")).client()
    response = client.get("/x")
    assert (response.body, response.chunked, response.keeps_alive) == (b"helloworld", True, True)


def test_answer_of_http_1_0_is_taken(stages: Stages) -> None:
    stage = stages.set(_sends(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", close=False))
    client = stage.client()
    assert [client.get("/x").body for _ in range(2)] == [b"ok", b"ok"]
    assert len(stage.upstream.visits) == 2, "a connection was kept that HTTP/1.0 does not keep"


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"0\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhelloooo\r\n"),
    ],
)
def test_client_notices_that_an_answer_was_cut(stages: Stages, parts: tuple[bytes, ...]) -> None:
    client = stages.set(_sends(*parts)).client()
    with pytest.raises(MalformedError, match="cut off"):
        client.get("/x")


def test_http_1_0_client_notices_that_an_answer_was_cut(stages: Stages) -> None:
    parts = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n")
    client = stages.set(_sends(*parts, delay=0.1)).client()
    client.send(b"GET /x HTTP/1.0\r\n\r\n")
    client.everything()
    assert client.reset, "the answer's end looks like a good one"


def test_reset_in_an_answer_is_a_cut(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        time.sleep(0.05)
        visit.reset()

    client = stages.set(script).client()
    with pytest.raises(MalformedError, match="cut off"):
        client.get("/x")


def test_early_answer_reaches_the_client_which_is_then_closed(stages: Stages) -> None:
    def refuse(visit: Visit) -> None:
        visit.head()
        visit.answer(b"no", status=403)
        visit.wait_for_end()

    client = stages.set(refuse).client()
    client.send(_POST + b"Content-Length: 1000\r\n\r\n", b"hello", delay=0.02)
    response = client.response()
    assert (response.status, response.body, response.keeps_alive) == (403, b"no", False)
    assert client.is_closed()


def test_early_answer_of_an_upstream_that_closes_at_once_reaches_a_client_that_sends_on(stages: Stages) -> None:
    def refuse(visit: Visit) -> None:
        visit.head()
        visit.answer(b"no", "Connection: close", status=413)

    client = stages.set(refuse).client()
    client.send(_POST + b"Content-Length: 100000000\r\n\r\n")
    sender = threading.Thread(target=client.try_send, args=(b"x" * 3_000_000, 3))
    sender.start()
    try:
        response = client.response()
    finally:
        client.socket.settimeout(3)
        sender.join()
    assert (response.status, response.body) == (413, b"no")


def test_connection_of_an_early_answer_is_not_used_again(stages: Stages) -> None:
    def refuse(visit: Visit) -> None:
        visit.head()
        visit.answer(b"no", status=403)
        visit.wait_for_end()

    stage = stages.set(refuse)
    for _ in range(2):
        with RawClient(stage.node.port) as client:
            client.send(_POST + b"Content-Length: 1000\r\n\r\n", b"hello", delay=0.02)
            assert client.response().status == 403
    assert len(stage.upstream.visits) == 2


def test_answer_may_stream_while_the_request_does(stages: Stages) -> None:
    def echo(visit: Visit) -> None:
        visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(3):
            visit.send(visit.take(10))

    client = stages.set(echo).client()
    client.send(_POST + b"Content-Length: 30\r\n\r\n")
    client.until(b"\r\n\r\n")
    for piece in (b"0" * 10, b"1" * 10, b"2" * 10):
        client.send(piece)
        assert client.until(piece) == piece


def test_announced_body_over_the_limit_is_refused_before_it_comes(stages: Stages) -> None:
    stage = stages.set(settings={"nginx_http_client_max_body_size": "1k"})
    client = stage.client()
    client.send(_POST + b"Content-Length: 1025\r\n\r\n")
    response = client.response()
    assert (response.status, response.keeps_alive) == (413, False)
    assert response.body.startswith(b"Payload too large\nrequest_id: ")
    assert stage.upstream.received == []


def test_chunked_body_is_refused_when_it_passes_the_limit(stages: Stages) -> None:
    stage = stages.set(settings={"nginx_http_client_max_body_size": "1k"})
    client = stage.client()
    client.send(_POST + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n", delay=0.02)
    client.send(b"1\r\nx\r\n")
    assert client.response().status == 413
    assert client.is_closed()
    visit = stage.upstream.wait_for_visits(1)[0]
    assert visit.finished.wait(5)
    assert parse_requests(visit.received)[0] == [], "the upstream got a whole request"


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_body_of_exactly_the_limit_passes(stages: Stages, framing: str) -> None:
    client = stages.set(settings={"nginx_http_client_max_body_size": "1k"}).client()
    body = b"x" * 1024
    if framing == "counted":
        client.send(_POST + b"Content-Length: 1024\r\n\r\n" + body)
    else:
        client.send(_POST + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + body + b"\r\n0\r\n\r\n")
    assert client.response().status == 200


def test_upstream_that_hangs_up_in_the_middle_of_a_request_body_is_a_502(stages: Stages) -> None:
    def hang_up(visit: Visit) -> None:
        visit.head()
        visit.take(5)

    client = stages.set(hang_up).client()
    client.send(_POST + b"Content-Length: 1000\r\n\r\nhello")
    response = client.response()
    assert (response.status, response.keeps_alive) == (502, False)


def test_request_that_its_client_cuts_is_cut_for_the_upstream_too(stages: Stages) -> None:
    seen: list[bool] = []

    def read(visit: Visit) -> None:
        visit.head()
        visit.take(5)
        try:
            visit.wait_for_end(5)
            seen.append(True)
        except (GoneError, TimeoutError):
            seen.append(False)

    stage = stages.set(read)
    client = stage.client()
    client.send(_POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    visit = stage.upstream.wait_for_visits(1)[0]
    visit.wait_for(b"hello")
    client.close()
    assert visit.finished.wait(5)
    assert seen == [True]
    assert parse_requests(visit.received)[0] == []
