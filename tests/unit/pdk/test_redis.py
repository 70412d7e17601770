"""Redis' fields, what they mean, and its clock; nothing here connects."""

from typing import Any

import pytest

from gateline.entities import EntityError
from gateline.pdk.redis import Redis, RedisAnywhere
from gateline.pdk.redis.clock import RedisClock
from gateline.pdk.redis.endpoint import endpoint_of
from gateline.pdk.redis.fields import ClusterNode, SentinelNode


def test_an_endpoint_says_where_it_is_and_no_secret() -> None:
    one = endpoint_of(Redis(host="r.test", port=1, password="secret", timeout=500))
    assert (str(one), one.timeout, one.connect_timeout) == ("Redis at r.test:1", 0.5, 0.5)
    named = RedisAnywhere(
        sentinel_master="m", sentinel_role="any", sentinel_nodes=(SentinelNode(host="s.test", port=2),)
    )
    assert str(endpoint_of(named)) == "the Redis that the Sentinels at s.test:2 call m"
    many = endpoint_of(
        RedisAnywhere(cluster_nodes=(ClusterNode(ip="a.test", port=3), ClusterNode()), read_timeout=10, send_timeout=20)
    )
    assert (str(many), many.timeout) == ("the Redis Cluster at a.test:3, 127.0.0.1:6379", 0.02)
    assert all("secret" not in repr(endpoint) for endpoint in (one, many))


def test_one_timeout_stood_for_three() -> None:
    redis = RedisAnywhere.model_validate({"timeout": 7})
    assert (redis.connect_timeout, redis.send_timeout, redis.read_timeout) == (7, 7, 7)
    assert redis.to_wire()["timeout"] == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"sentinel_master": "m"},
        {"sentinel_nodes": [{}], "sentinel_master": "m"},
        {"sentinel_nodes": [{}], "sentinel_master": "m", "sentinel_role": "master", "cluster_nodes": [{}]},
        {"sentinel_nodes": [], "sentinel_master": "m", "sentinel_role": "master"},
        {"sentinel_role": "king", "sentinel_master": "m", "sentinel_nodes": [{}]},
        {"host": None},
        {"connect_timeout": None},
    ],
)
def test_what_makes_no_sense_together_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises((EntityError, ValueError)):
        RedisAnywhere(**fields)


class Clocks:
    """A node's clock and Redis', and questions that take time."""

    def __init__(self, wrong: float) -> None:
        self.real = 1000.0
        self.wrong = wrong
        self.redis = RedisClock(lambda: self.real + self.wrong)

    def ask(self, there: float, back: float) -> None:
        begun = self.redis.begin()
        self.real += there
        told = self.real
        self.real += back
        self.redis.measured(told, begun)


def test_the_quickest_answer_tells_best_how_wrong_the_own_clock_is() -> None:
    clocks = Clocks(wrong=2.0)
    assert not clocks.redis.known
    assert clocks.redis.now() == clocks.real + 2
    clocks.ask(0.3, 0.1)
    assert clocks.redis.now() == pytest.approx(clocks.real + 0.1)
    clocks.ask(0.001, 0.001)
    assert clocks.redis.now() == pytest.approx(clocks.real)
    clocks.ask(0.5, 0.1)  # tells less
    assert clocks.redis.now() == pytest.approx(clocks.real)
    assert clocks.redis.not_before() <= clocks.real


@pytest.mark.parametrize(("there", "back"), [(0.0, 0.4), (0.4, 0.0), (0.1, 0.2)])
def test_it_is_never_later_there_than_it_is(there: float, back: float) -> None:
    clocks = Clocks(wrong=-5.0)
    clocks.ask(there, back)
    assert clocks.redis.not_before() <= clocks.real + 1e-9
    assert clocks.redis.not_before() >= clocks.real - 0.4 - 1e-9


def test_a_clock_that_was_set_is_noticed() -> None:
    clocks = Clocks(wrong=0.0)
    clocks.ask(0.001, 0.001)
    clocks.wrong = 60.0
    clocks.ask(0.05, 0.05)
    assert clocks.redis.now() == pytest.approx(clocks.real)
