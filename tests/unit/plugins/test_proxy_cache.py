"""proxy-cache without `cache_control`: as Kong's."""

import time
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


def test_who_sends_an_authorization_has_its_own_hits(plain: Harness) -> None:
    for who in ("ann", "bob"):
        made = ServiceAnswer(headers={"Content-Type": "application/json"}, body=who.encode())
        assert status(plain.request("GET", "/a", headers={"Authorization": who}, service=made)) == "Miss"
    for who in ("ann", "bob") * 3:
        answer = plain.request("GET", "/a", headers={"Authorization": who})
        assert (status(answer), answer.body) == ("Hit", who.encode())
    assert status(plain.request("GET", "/a")) == "Miss"


def later(made: Harness, seconds: float) -> None:
    """Let time pass for the plugin."""
    (plugin,) = [one for one in made._plugins if isinstance(one, ProxyCache)]
    plugin._hits.time = lambda: time.time() + seconds


def test_a_hit_tells_its_age_and_is_over_when_its_time_is(plain: Harness) -> None:
    key = plain.request("GET", "/a").header("x-cache-key")
    ages = []
    for seconds in (0, 0, 5, 5, 299):
        later(plain, seconds)
        answer = plain.request("GET", "/a")
        assert (status(answer), answer.header("x-cache-key"), answer.body) == ("Hit", key, b'{"n": 1}')
        ages.append(int(answer.header("age") or -1))
    assert all(age - expected in (0, 1) for age, expected in zip(ages, (0, 0, 5, 5, 299), strict=True))
    later(plain, 301)
    assert [status(plain.request("GET", "/a")) for _ in range(2)] == ["Refresh", "Refresh"]


def test_a_clock_that_is_set_back_makes_no_age_below_zero(plain: Harness) -> None:
    plain.request("GET", "/a")
    later(plain, -50)
    assert [plain.request("GET", "/a").header("age") for _ in range(2)] == ["0", "0"]


def test_every_hit_has_its_own_request_id_and_the_latencies(plain: Harness) -> None:
    plain.request("GET", "/a")
    hits = [plain.request("GET", "/a") for _ in range(3)]
    assert len({hit.header("x-kong-request-id") for hit in hits}) == 3
    assert {hit.header("x-kong-upstream-latency") for hit in hits} == {"0"}
    assert {hit.header("connection") for hit in hits} == {"keep-alive"}


def test_what_is_hidden_is_told_to_who_debugs_and_to_nobody_else() -> None:
    hidden = {"age": False, "X-Cache-Status": False, "X-Cache-Key": False}
    with gateway({"response_headers": hidden}) as made:
        made.request("GET", "/a")
        for _ in range(2):
            plain, debugging = made.request("GET", "/a"), made.request("GET", "/a", headers={"Kong-Debug": "1"})
            assert (status(plain), plain.header("age"), plain.header("x-cache-key")) == (None, None, None)
            assert (status(debugging), debugging.header("age")) == ("Hit", "0")
            assert plain.sent is None
            assert plain.body == debugging.body == b'{"n": 1}'


def test_a_head_that_is_kept_is_given_as_a_head(plain: Harness) -> None:
    assert plain.request("HEAD", "/a").header("content-length") == "8"
    for _ in range(2):
        answer = plain.request("HEAD", "/a")
        assert (status(answer), answer.header("content-length"), answer.body) == ("Hit", "8", b"")


def test_what_was_put_in_place_of_an_entry_is_given_from_then_on(plain: Harness) -> None:
    assert [status(plain.request("GET", "/a")) for _ in range(3)] == ["Miss", "Hit", "Hit"]
    (plugin,) = [one for one in plain._plugins if isinstance(one, ProxyCache)]
    shelf = plugin._store.shelf
    assert shelf is not None
    assert shelf.clear() == 1
    other = ServiceAnswer(headers={"Content-Type": "text/plain"}, body=b"other")
    assert status(plain.request("GET", "/a", service=other)) == "Miss"
    assert [plain.request("GET", "/a").body for _ in range(2)] == [b"other", b"other"]
