"""proxy-cache without `cache_control`: as Kong's."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateline.plugins.proxy_cache import ProxyCache
from gateline.testing import Answer, Harness, ServiceAnswer

JSON = ServiceAnswer(headers={"Content-Type": "application/json", "X-Own": "1"}, body=b'{"n": 1}')


@pytest.fixture(params=["memory", "disk"])
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def gateway(config: dict[str, Any] | None = None, **more: Any) -> Harness:
    made = Harness((ProxyCache, {"strategy": "memory", **(config or {})}), **more)
    made.answers = JSON
    return made


@pytest.fixture
def plain(strategy: str) -> Iterator[Harness]:
    with gateway({"strategy": strategy}) as made:
        yield made


def status(answer: Answer) -> str | None:
    return answer.header("x-cache-status")


def test_the_second_request_is_answered_from_the_cache(plain: Harness) -> None:
    first, second = plain.request("GET", "/a"), plain.request("GET", "/a")
    assert (status(first), status(second)) == ("Miss", "Hit")
    assert second.sent is None
    assert second.body == b'{"n": 1}'
    assert second.header("content-type") == "application/json"
    assert second.header("x-own") == "1"
    assert second.header("age") == "0"
    assert first.header("age") is None
    assert first.header("x-cache-key") == second.header("x-cache-key")


def test_a_long_answer_comes_whole_from_the_cache(plain: Harness) -> None:
    body = bytes(range(256)) * 4096
    service = ServiceAnswer(headers={"Content-Type": "text/plain"}, chunks=(body[:100_000], body[100_000:]))
    first = plain.request("GET", "/long", service=service)
    second = plain.request("GET", "/long")
    assert (status(first), status(second)) == ("Miss", "Hit")
    assert first.body == second.body == body
    assert second.header("content-length") == str(len(body))
    assert second.sent is None
