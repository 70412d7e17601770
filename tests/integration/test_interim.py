"""Informational answers and expectations."""

import pytest

from harness.stage import Stages
from harness.upstream import Visit

_EXPECTING = b"POST /x HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\nX: y\r\n\r\n"


def test_early_hints_pass(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(_HINTS, _HINTS, delay=0.02)
        visit.answer()

    response = stages.set(script).client().get("/x")
    assert [hints.status for hints in response.interim] == [103, 103]
    assert response.interim[0].headers["link"] == "</a.css>; rel=preload"
    assert "connection" not in response.interim[0].headers
    assert (response.status, response.body) == (200, b"ok")


def test_early_hints_and_answer_in_one_segment_pass(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        while True:
            visit.request()
            visit.send(_HINTS + _HINTS + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    stage = stages.set(script)
    client = stage.client()
    for _ in range(3):
        response = client.get("/x")
        assert ([hints.status for hints in response.interim], response.body) == ([103, 103], b"ok")
    assert len(stage.upstream.visits) == 1


def test_continue_of_the_upstream_is_swallowed(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(_CONTINUE, _CONTINUE)
        visit.answer()

    assert stages.set(script).client().get("/x").interim == []


def test_http_1_0_client_gets_no_informational_answer(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(_HINTS)
        visit.answer()

    client = stages.set(script).client()
    client.send(b"GET /x HTTP/1.0\r\n\r\n")
    assert client.everything().startswith(b"HTTP/1.1 200 ")


def test_endless_informational_answers_are_a_502(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(_HINTS * 1000)
        visit.wait_for_end()

    assert stages.set(script).client().get("/x").status == 502


def test_switch_of_protocols_that_nobody_asked_for_is_a_502(stages: Stages) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        visit.wait_for_end()

    assert stages.set(script).client().get("/x").status == 502


def test_expectation_is_met_by_the_gateway_and_does_not_go_upstream(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(_EXPECTING)
    assert client.until(b"\r\n\r\n") == _CONTINUE
    client.send(b"hello")
    assert client.response().status == 200
    request = stage.upstream.request
    assert request.body == b"hello"
    assert "expect" not in request.headers


def test_expectation_of_a_chunked_body_is_met(stages: Stages) -> None:
    stage = stages.set()
    client = stage.client()
    client.send(_EXPECTING.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
    assert client.until(b"\r\n\r\n") == _CONTINUE
    client.send(b"5\r\nhello\r\n0\r\n\r\n")
    assert client.response().status == 200
    assert stage.upstream.request.body == b"hello"


def test_expectation_of_a_body_that_is_already_there_needs_no_answer(stages: Stages) -> None:
    client = stages.set().client()
    client.send(_EXPECTING + b"hello")
    response = client.response()
    assert (response.status, response.interim) == (200, [])


def test_expectation_of_a_request_that_is_refused_is_not_met(stages: Stages) -> None:
    client = stages.set(route={"paths": ["/other"]}).client()
    client.send(_EXPECTING)
    response = client.response()
    assert (response.status, response.interim, response.keeps_alive) == (404, [], False)
    assert client.is_closed()


def test_expectation_of_an_http_1_0_client_is_passed_over(stages: Stages) -> None:
    client = stages.set().client()
    client.send(_EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0") + b"hello")
    assert client.everything().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("value", [b"100-Continue", b"100-CONTINUE"])
def test_expectation_is_read_without_regard_to_case(stages: Stages, value: bytes) -> None:
    client = stages.set().client()
    client.send(_EXPECTING.replace(b"100-continue", value))
    assert client.until(b"\r\n\r\n") == _CONTINUE


def test_other_expectations_fail(stages: Stages) -> None:
    stage = stages.set()
    response = stage.client().get("/x", "Expect: tea")
    assert response.status == 417
    assert response.body.startswith(b"Expectation failed\n")
    assert stage.upstream.received == []
