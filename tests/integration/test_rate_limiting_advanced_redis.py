"""rate-limiting-advanced with the strategy `redis`, as clients and operators see it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.plugins.rate_limiting_advanced import RateLimitingAdvanced
from gateline.testing import Harness, ServiceAnswer
from harness.redis import Redis
from harness.server import free_port

ID = "5f1d7fbc-0000-4000-8000-00000000000b"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def node(port: int, **config: Any) -> Harness:
    given = {
        "limit": [3],
        "window_size": [10**9],
        "window_type": "fixed",
        "identifier": "ip",
        "strategy": "redis",
        "redis": {"host": "127.0.0.1", "port": port, "password": Redis.password, "timeout": 20_000},
        **config,
    }
    return Harness((RateLimitingAdvanced, given), entities={"rate-limiting-advanced": {"id": ID}})


@pytest.mark.parametrize(("sync_rate", "namespace"), [(0, "exact"), (None, "leases"), (10, "leases, too")])
def test_nodes_admit_together_what_the_limit_allows(redis: Redis, sync_rate: int | None, namespace: str) -> None:
    options: dict[str, Any] = {"sync_rate": sync_rate, "namespace": namespace}
    with node(redis.port, **options) as one, node(redis.port, **options) as other:
        answers = [harness.request() for harness in (one, other) * 4]
    assert sum(answer.status == 200 for answer in answers) <= 3
    assert answers[0].status == 200
    assert answers[-1].status == 429
    assert answers[-1].header("Retry-After") is not None
    assert answers[-1].header("RateLimit-Remaining") == "0"


def test_by_how_much_a_limit_may_be_exceeded_is_told(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bucket = {"name": "pace", "algorithm": "gcra", "limit": 100, "window_size": 60, "burst": 50}
    with node(redis.port, limits=[bucket], max_overshoot=0.2, namespace="told") as harness:
        assert harness.request().status == 200
        metrics = harness._node.metrics.metrics
        found = metrics["gateline_rate_limit_max_overshoot"].values()
        (asked,) = metrics["gateline_rate_limit_lease_requests_total"].values().values()
    assert found == {f'limit="pace",plugin="{ID}"': 10, f'limit="1000000000",plugin="{ID}"': 0}
    assert asked == 1
    assert f"{ID}: nodes may exceed pace by 10 at most" in caplog.text


@pytest.mark.parametrize(("tolerant", "statuses"), [(True, [200] * 3 + [429]), (False, [500] * 4)])
def test_without_redis_a_node_goes_on_with_its_share_or_fails(tolerant: bool, statuses: list[int]) -> None:
    with node(free_port(), fault_tolerant=tolerant) as harness:
        assert [harness.request().status for _ in range(4)] == statuses


def test_a_cost_that_the_response_says_is_owed_to_everybody(redis: Redis) -> None:
    cost = {"source": "response_header", "header_name": "X-Cost"}
    options: dict[str, Any] = {"limit": [10], "cost": cost, "sync_rate": 0, "namespace": "owed"}
    with node(redis.port, **options) as one, node(redis.port, **options) as other:
        dear = ServiceAnswer(headers={"X-Cost": "10"})
        assert one.request(service=dear).status == 200
        assert one.request().status == 429
        assert other.request().status == 429
