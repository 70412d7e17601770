"""request-termination: what is answered, and when."""

from typing import Any

import pytest

from gateline.plugins.request_termination import RequestTermination
from gateline.testing import Harness

JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("config", "status", "body", "content_type"),
    [
        ({}, 503, b'{"message":"Service unavailable"}', JSON),
        ({"status_code": 502}, 502, b'{"message":"Bad Gateway"}', JSON),
        ({"status_code": 418}, 418, b"", None),
        ({"status_code": 418, "message": "tea"}, 418, b'{"message":"tea"}', JSON),
        ({"status_code": 404, "body": "<p>gone</p>", "content_type": "text/html"}, 404, b"<p>gone</p>", "text/html"),
        ({"status_code": 404, "body": "plain"}, 404, b"plain", None),
    ],
)
def test_the_answer(config: dict[str, Any], status: int, body: bytes, content_type: str | None) -> None:
    with Harness((RequestTermination, config)) as gateway:
        answer = gateway.request()
    assert (answer.status, answer.body, answer.header("Content-Type")) == (status, body, content_type)
    assert answer.sent is None


@pytest.mark.parametrize(
    ("target", "headers", "ended"),
    [
        ("/", {}, False),
        ("/", {"STOP": ""}, True),
        ("/?stop=1", {}, True),
        ("/?a=b&stop", {}, True),
        ("/?STOP=1", {}, False),
        ("/?stopped=1", {}, False),
    ],
)
def test_a_trigger_is_a_header_or_an_argument(target: str, headers: dict[str, str], ended: bool) -> None:
    with Harness((RequestTermination, {"trigger": "stop"})) as gateway:
        assert (gateway.request("GET", target, headers=headers).sent is None) is ended


def test_an_echo_tells_what_is_known_of_the_request() -> None:
    plugin = RequestTermination, {"status_code": 200, "echo": True, "message": "seen"}
    with Harness(plugin, route={"paths": ["~/orders/(?<id>[0-9]+)/(.+)"]}) as gateway:
        answer = gateway.request(
            "POST",
            "/orders/17/lines?a=1&a=2&b",
            headers=[("Content-Type", "application/json"), ("X-Many", "1"), ("X-Many", "2")],
            body=b'{"pieces": 3}',
        )
    told = answer.json()
    assert answer.status == 200
    assert told["message"] == "seen"
    assert told["kong"].keys() == {"node_id", "worker_pid", "hostname"}
    assert (told["matched_route"]["name"], told["matched_service"]["name"]) == ("route", "service")
    request = told["request"]
    assert request["headers"] == {
        "host": "gateway.test",
        "content-type": "application/json",
        "x-many": ["1", "2"],
        "content-length": "13",
    }
    del request["headers"]
    assert request == {
        "scheme": "http",
        "host": "gateway.test",
        "port": 8000,
        "query": {"a": ["1", "2"], "b": ""},
        "body": {"pieces": 3},
        "raw_body": '{"pieces": 3}',
        "method": "POST",
        "path": "/orders/17/lines",
        "uri_captures": {"unnamed": ["17", "lines"], "named": {"id": "17"}},
    }


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        ("application/x-www-form-urlencoded", b"a=1&b=x", {"a": "1", "b": "x"}),
        ("application/json", b"{", None),
        ("text/plain", b"a=1", None),
    ],
)
def test_an_echo_reads_the_body_where_it_can(content_type: str, body: bytes, read: Any) -> None:
    with Harness((RequestTermination, {"echo": True})) as gateway:
        request = gateway.request("POST", headers={"Content-Type": content_type}, body=body).json()["request"]
    assert (request["body"], request["raw_body"]) == (read, body.decode())


def test_an_echo_leaves_out_a_body_that_is_too_long() -> None:
    with Harness((RequestTermination, {"echo": True}), body_limit=10) as gateway:
        answer = gateway.request("POST", body=b"x" * 11)
    assert (answer.status, answer.json()["request"]["raw_body"]) == (503, None)
