"""Limits and the cache over every kind of Redis: with TLS, behind Sentinels, a Cluster."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.plugins.proxy_cache.advanced import ProxyCacheAdvanced
from gateline.plugins.rate_limiting_advanced import RateLimitingAdvanced
from gateline.testing import Harness, ServiceAnswer
from harness.certificates import self_signed
from harness.redis import Redis, cluster, sentinels

_PATIENCE: dict[str, Any] = dict.fromkeys(("connect_timeout", "send_timeout", "read_timeout"), 20_000)
_LONG = bytes(range(256)) * 8192


@pytest.fixture(scope="module", params=["tls", "sentinels", "cluster"])
def reached(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The `redis` of a configuration."""
    common = {"password": Redis.password, **_PATIENCE}
    if request.param == "tls":
        with Redis(tls=self_signed(tmp_path_factory.mktemp("tls"), "redis.test")) as server:
            yield {"host": "127.0.0.1", "port": server.port, "ssl": True, **common}
    elif request.param == "sentinels":
        with sentinels("kept") as (_, ports):
            nodes = [{"host": "127.0.0.1", "port": port} for port in ports]
            yield {"sentinel_master": "kept", "sentinel_role": "master", "sentinel_nodes": nodes, **common}
    else:
        with cluster() as servers:
            yield {"cluster_nodes": [{"ip": "127.0.0.1", "port": servers[0].port}], **common}


@pytest.mark.parametrize("sync_rate", [0, None], ids=["exact", "leases"])
@pytest.mark.parametrize("algorithm", ["fixed-window", "sliding-window", "gcra"])
def test_nodes_admit_together_what_the_limit_allows(
    reached: dict[str, Any], algorithm: str, sync_rate: int | None
) -> None:
    config = {
        "limit": [40],
        "window_size": [10**6],
        "algorithm": algorithm,
        "identifier": "ip",
        "strategy": "redis",
        "redis": reached,
        "sync_rate": sync_rate,
        "max_overshoot": 0.05,
        "namespace": f"{algorithm} {sync_rate}",
    }
    with Harness((RateLimitingAdvanced, config)) as one, Harness((RateLimitingAdvanced, config)) as other:
        statuses = [harness.request().status for harness in (one, other) * 40]
    assert set(statuses) == {200, 429}
    admitted = statuses.count(200)
    assert admitted == 40 if sync_rate == 0 else 30 <= admitted <= 42


def test_what_one_node_has_fetched_the_other_gives_until_it_is_purged(reached: dict[str, Any]) -> None:
    config = {"strategy": "redis", "redis": reached, "cache_control": True, "content_type": ["*/*"]}
    kept = ServiceAnswer(headers={"Cache-Control": "max-age=600", "Content-Type": "text/plain"}, body=_LONG)
    with Harness((ProxyCacheAdvanced, config)) as one, Harness((ProxyCacheAdvanced, config)) as other:
        one.answers = kept
        assert one.request("GET", "/shared").header("x-cache-status") == "Miss"
        end = time.monotonic() + 30
        while (found := other.request("GET", "/shared", service=kept)).sent is not None:  # it is put there meanwhile
            assert time.monotonic() < end, found
        assert found.body == _LONG
        assert one.request("POST", "/shared", service=ServiceAnswer(204)).status == 204
        while (found := other.request("GET", "/shared", service=kept)).sent is None:
            assert time.monotonic() < end, found
            one.request("GET", "/", service=ServiceAnswer(204))  # what goes on beside requests goes on
