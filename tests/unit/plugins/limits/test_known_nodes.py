"""How many nodes there are is asked once for all plugins and workers of a node."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from gateline.engine.local_state import LocalCounters
from gateline.pdk.redis import Redis, RedisClient, RedisError
from gateline.plugins.limits.leases.nodes import KnownNodes, known_nodes
from harness.worker import worker_node


class Asked:
    """In place of a client: answers with a number of nodes, or fails."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.times = 0

    async def run_script(self, script: object, keys: Sequence[str], arguments: Sequence[Any]) -> tuple[int, int, int]:
        self.times += 1
        if self.count is None:
            raise RedisError("it is gone")
        return self.count, 1000, 0


def beat(nodes: KnownNodes, client: Asked) -> None:
    asyncio.run(nodes.beat_in_time(cast(RedisClient, client)))


def test_plugins_of_a_worker_that_mean_one_redis_know_the_same_nodes() -> None:
    node = worker_node(LocalCounters())
    here, there = (RedisClient(Redis(host="127.0.0.1", port=port), node) for port in (1, 2))
    first = known_nodes(here, node)
    assert known_nodes(RedisClient(Redis(host="127.0.0.1", port=1), node), node) is first
    assert known_nodes(there, node) is not first
    assert known_nodes(here, worker_node(LocalCounters())) is not first


def test_what_one_worker_was_told_the_others_know() -> None:
    counters = LocalCounters()
    one, other = (KnownNodes(worker_node(counters), "Redis") for _ in range(2))
    client = Asked(5)
    beat(one, client)
    beat(other, client)  # it needs the time
    assert client.times == 2
    client.count = 7
    for nodes in (one, other, one, other):
        beat(nodes, client)
    assert client.times == 2
    assert (one.count, other.count) == (5, 5)
    counters.remove("redis:beating:Redis")  # as if it had been a while
    for nodes in (one, other):
        beat(nodes, client)
    assert client.times == 3
    assert (one.count, other.count) == (7, 7)


def test_a_worker_without_redis_asks_itself() -> None:
    nodes = KnownNodes(worker_node(LocalCounters()), "Redis")
    gone = Asked(None)
    for _ in range(2):
        beat(nodes, gone)
    assert gone.times == 2
    assert not nodes.up
    assert nodes.recovering
    beat(nodes, Asked(2))
    assert nodes.up
