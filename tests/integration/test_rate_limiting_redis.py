"""Limits with a real Redis: counts that nodes share, and what is when it is gone."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.plugins.rate_limiting import RateLimiting
from gateline.plugins.response_ratelimiting import ResponseRateLimiting
from gateline.testing import Harness, ServiceAnswer
from harness.redis import Redis

ID = "5f1d7fbc-0000-4000-8000-00000000000a"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def node(port: int, **config: Any) -> Harness:
    reached = {"host": "127.0.0.1", "port": port, "timeout": 2000, "password": Redis.password}
    given = {"year": 3, "policy": "redis", "redis": reached, **config}
    return Harness((RateLimiting, given), entities={"rate-limiting": {"id": config.pop("id", ID)}})


def test_nodes_count_together_and_never_go_over_the_limit(redis: Redis) -> None:
    with node(redis.port) as one, node(redis.port) as other:
        answers = [harness.request() for harness in (one, other, one, other, one)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.header("X-RateLimit-Remaining-Year") for answer in answers] == ["2", "1", "0", "0", "0"]


def test_what_is_refused_counts_in_no_window(redis: Redis) -> None:
    with node(redis.port, month=2, year=9, limit_by="path", path="/a") as harness:
        answers = [harness.request(target="/a") for _ in range(4)]
    assert [answer.header("X-RateLimit-Remaining-Year") for answer in answers] == ["8", "7", "7", "7"]


@pytest.mark.parametrize("tolerant", [True, False])
def test_without_redis_requests_pass_untold_or_fail(tolerant: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with node(port, fault_tolerant=tolerant) as harness:
        answer = harness.request()
    assert answer.status == (200 if tolerant else 500)
    assert answer.header("X-RateLimit-Limit-Year") is None
    if not tolerant:
        assert answer.json()["message"] == "An unexpected error occurred"


def test_a_redis_that_does_not_answer_is_one_that_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        reached = {"host": "127.0.0.1", "port": port, "timeout": 50}
        with node(port, redis=reached, fault_tolerant=False) as harness:
            assert harness.request().status == 500


def test_a_wrong_password_is_no_redis(redis: Redis) -> None:
    reached = {"host": "127.0.0.1", "port": redis.port, "password": "wrong"}
    with node(redis.port, redis=reached, fault_tolerant=False) as harness:
        assert harness.request().status == 500


def media(port: int, **config: Any) -> Harness:
    reached = {"host": "127.0.0.1", "port": port, "password": Redis.password}
    given = {"limits": {"video": {"year": 3}}, "policy": "redis", "redis": reached, **config}
    return Harness((ResponseRateLimiting, given), entities={"response-ratelimiting": {"id": ID}})


def test_what_answers_cost_is_counted_over_nodes(redis: Redis) -> None:
    cost = ServiceAnswer(headers={"X-Kong-Limit": "video=2"}, body=b"seen")
    with media(redis.port) as one, media(redis.port, block_on_first_violation=True) as other:
        answers = [one.request(service=cost), other.request(service=cost), one.request(service=cost), other.request()]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert [answer.header("X-RateLimit-Remaining-video-year") for answer in answers[:3]] == ["1", "0", "0"]
    assert (answers[2].body, answers[3].sent) == (b"", None)
