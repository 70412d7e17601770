"""Windows of time in a real Redis: by its calendar, at once or from time to time."""

import asyncio
import contextlib
from calendar import timegm
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine.local_state import LocalCounters
from gateline.pdk.redis import Redis, RedisClient, RedisError
from gateline.pdk.redis import pipeline as pipelines
from gateline.plugins.limits.redis_windows import PLACES, RedisWindows
from gateline.plugins.limits.synced_windows import SyncedWindows
from gateline.plugins.limits.windows import UNITS, _place
from harness.redis import Redis as Server
from harness.server import free_port
from harness.worker import ending, worker_node

NEVER = 10_000.0
"""Seconds between two exchanges that a test makes itself."""

_PLACE = PLACES + "local n, since, left = place(ARGV[1], tonumber(ARGV[2])) return {n, since, left}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def past(server: Server) -> Iterator[Any]:
    with contextlib.closing(server.client()) as client:
        yield client


days = st.integers(0, timegm((2400, 1, 1, 0, 0, 0)))


@settings(max_examples=300)
@given(second=days, unit=st.sampled_from(list(UNITS)))
def test_redis_finds_the_window_that_a_node_finds(past: Any, second: int, unit: str) -> None:
    assert past.eval(_PLACE, 0, unit, second) == list(_place(unit, second))


@contextlib.asynccontextmanager
async def windows(port: int, *skews: float, limits: list[tuple[str, int]]) -> AsyncIterator[list[SyncedWindows]]:
    """Synced windows of so many nodes with one worker each."""
    redis = Redis(host="127.0.0.1", port=port, password=Server.password, timeout=20_000)
    nodes = [worker_node(LocalCounters(), skew=skew) for skew in skews]
    made = [SyncedWindows(RedisClient(redis, node), node, limits, NEVER) for node in nodes]
    for one in made:
        one.start()
    try:
        yield made
    finally:
        await ending(nodes)


async def test_the_clocks_of_nodes_do_not_matter(server: Server) -> None:
    redis = Redis(host="127.0.0.1", port=server.port, password=Server.password, timeout=20_000)
    nodes = [worker_node(LocalCounters(), skew=skew) for skew in (-86_400.0, 0.0, 86_400.0)]
    try:
        each = [RedisWindows(RedisClient(redis, node), [("year", 4)]) for node in nodes]
        told = [await one.count("clocks", (1,)) for one in each * 2]
    finally:
        await ending(nodes)
    assert [(values, added) for values, _, added in told] == [([n], n < 5) for n in (1, 2, 3, 4)] + [([4], False)] * 2


async def test_nodes_see_each_other_with_the_next_exchange(server: Server) -> None:
    limits = [("month", 5), ("year", 100)]
    async with windows(server.port, 0.0, 2.0, -2.0, limits=limits) as (one, other, third):
        for _ in range(3):
            assert (await one.count("seen", (1, 1)))[2]
        assert (await other.count("seen", (1, 1)))[0] == [1, 1]  # it does not know yet
        await one._sync()
        await other._sync()
        assert (await other.count("seen", (1, 1)))[0] == [5, 5]
        values, resets, added = await other.count("seen", (1, 1))
        assert (values, added) == ([5, 5], False)
        assert all(reset > 0 for reset in resets)
        await other._sync()
        assert (await third.count("seen", (1, 1)))[::2] == ([5, 5], False)  # a key that is new to it is looked up


async def test_what_a_worker_has_not_told_is_told_by_who_takes_its_place(server: Server) -> None:
    redis = Redis(host="127.0.0.1", port=server.port, password=Server.password, timeout=20_000)
    counters = LocalCounters()
    nodes = [worker_node(counters), worker_node(counters), worker_node(LocalCounters())]
    first, second, elsewhere = (SyncedWindows(RedisClient(redis, node), node, [("year", 9)], NEVER) for node in nodes)
    try:
        for one in (first, second, elsewhere):
            one.start()
        for _ in range(4):
            await first.count("place", (1,))
        nodes[0].close()  # the configuration has changed
        await second.count("place", (1,))
        await second._sync()
        assert (await elsewhere.count("place", (1,)))[0] == [6]
        await second._sync()
        assert (await second.count("place", (1,)))[0] == [6], "what it has told itself is no other node's"
    finally:
        await ending(nodes)


async def test_a_window_is_kept_no_longer_than_it_lasts(server: Server) -> None:
    async with windows(server.port, 0.0, limits=[("second", 9), ("minute", 9), ("year", 9)]) as (one,):
        await one.count("kept", (1, 1, 1))
        await one._sync()
        with contextlib.closing(server.client()) as client:
            names = {str(key).split(":")[1]: key for key in client.keys("{kept}:*")}
            second, minute, year = (client.ttl(names[unit]) for unit in ("second", "minute", "year"))
    assert second <= 4
    assert minute <= 63
    assert year >= minute


async def test_workers_of_a_node_count_together_at_once(server: Server) -> None:
    redis = Redis(host="127.0.0.1", port=server.port, password=Server.password, timeout=20_000)
    counters = LocalCounters()
    nodes = [worker_node(counters), worker_node(counters)]
    made = [SyncedWindows(RedisClient(redis, node), node, [("year", 4)], NEVER) for node in nodes]
    for one in made:
        one.start()
    try:
        added = [(await one.count("workers", (1,)))[2] for one in made * 3]
        await asyncio.gather(*(one._sync() for one in made))
        assert [(await one.count("workers", (1,)))[::2] for one in made] == [([4], False)] * 2
    finally:
        await ending(nodes)
    assert added == [True] * 4 + [False] * 2


async def test_what_cannot_be_told_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PAUSE", 0.0)
    with Server() as server:
        async with windows(server.port, 0.0, limits=[("year", 5)]) as (one,):
            assert (await one.count("later", (2,)))[2]
            await one._sync()
            server.stop()
            assert (await one.count("later", (1,)))[0] == [3]  # no request waits for it
            await one._sync()
            server.start()
            with contextlib.closing(server.client()) as past:
                for _ in range(100):
                    await one._sync()
                    if keys := past.keys("*later*"):
                        break
                assert past.hget(keys[0], "all") == "3", "with what the server had forgotten"


async def test_a_key_that_nobody_uses_is_forgotten(server: Server) -> None:
    async with windows(server.port, 0.0, limits=[("year", 5)]) as (one,):
        await one.count("idle", (1,))
        await one._sync()
        await one._sync()
        assert one._known == {}
        assert (await one.count("idle", (1,)))[0] == [2]


async def test_without_redis_a_new_key_cannot_be_counted() -> None:
    async with windows(free_port(), 0.0, limits=[("year", 5)]) as (one,):
        with pytest.raises(RedisError):
            await one.count("new", (1,))
