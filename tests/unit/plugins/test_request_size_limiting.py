"""request-size-limiting: how long a body may be, however it comes."""

from typing import Any

import pytest

from gateline.plugins.request_size_limiting import RequestSizeLimiting
from gateline.testing import Harness

TEN = {"allowed_payload_size": 10, "size_unit": "bytes"}


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        (TEN, 10),
        ({"allowed_payload_size": 2, "size_unit": "kilobytes"}, 2048),
        ({"allowed_payload_size": 1}, 2**20),
        ({"allowed_payload_size": 0, "size_unit": "bytes"}, 0),
    ],
)
def test_a_stated_length_may_be_the_limit_and_no_more(config: dict[str, Any], limit: int) -> None:
    with Harness((RequestSizeLimiting, config)) as gateway:
        assert gateway.request("POST", body=b"x" * limit).status == 200
        answer = gateway.request("POST", body=b"x" * (limit + 1))
    assert (answer.status, answer.json()["message"], answer.sent) == (413, "Request size limit exceeded", None)


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"x"] * 11])
def test_chunks_are_counted_as_they_come(chunks: list[bytes]) -> None:
    with Harness((RequestSizeLimiting, TEN)) as gateway:
        answer = gateway.request("POST", chunks=chunks)
    assert (answer.status, answer.json()["message"], answer.sent) == (413, "Request size limit exceeded", None)


def test_chunks_of_the_allowed_size_pass() -> None:
    with Harness((RequestSizeLimiting, TEN)) as gateway:
        answer = gateway.request("POST", chunks=[b"x" * 4, b"x" * 6])
    assert answer.sent is not None
    assert (answer.status, answer.sent.body) == (200, b"x" * 10)


@pytest.mark.parametrize("body", [{"body": b"x" * 11}, {"chunks": [b"x" * 11]}])
def test_a_client_that_waits_with_its_body_gets_417(body: dict[str, Any]) -> None:
    with Harness((RequestSizeLimiting, TEN)) as gateway:
        assert gateway.request("POST", headers={"Expect": "100-Continue"}, **body).status == 417


def test_a_length_can_be_asked_for() -> None:
    with Harness((RequestSizeLimiting, {**TEN, "require_content_length": True})) as gateway:
        answer = gateway.request("POST")
        assert (answer.status, answer.json()["message"]) == (411, "A valid Content-Length header is required")
        assert gateway.request("POST", body=b"").status == 200
        assert gateway.request("POST", chunks=[b"x"]).status == 200


def test_the_refusal_is_json_whatever_was_sent() -> None:
    with Harness((RequestSizeLimiting, TEN)) as gateway:
        answer = gateway.request("POST", headers={"Content-Type": "text/plain"}, body=b"x" * 11)
        asked = gateway.request("POST", headers={"Accept": "text/plain"}, body=b"x" * 11)
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    assert asked.header("Content-Type") == "text/plain; charset=utf-8"
