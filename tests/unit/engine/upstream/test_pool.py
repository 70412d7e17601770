"""Pools: which connections are kept, given out again, and let go."""

import asyncio
from typing import cast

import pytest

from gateline.engine.streams import PooledStream
from gateline.engine.upstream.pool import KeepAlive, Pool, Pools, Target


class _Connection(PooledStream):
    """A pooled connection without a socket."""

    def __init__(self, pool: Pool, requests: int = 1) -> None:
        place = pool._places.sole
        assert place is not None
        self.place = place
        self.requests = requests
        self.deadline = float("inf")
        self.open = True
        self.events: list[str] = []

    def usable(self) -> bool:
        return self.open

    def close(self) -> None:
        self.open = False
        self.events.append("close")

    def stop(self) -> None:
        self.open = False
        self.events.append("stop")

    def timed_out(self, now: float) -> None:
        self.events.append("timed out")


def _pools(**limits: float) -> Pools:
    return Pools(lambda pool: asyncio.Protocol(), KeepAlive(**limits))  # type: ignore[arg-type]


TARGET = Target("192.0.2.1", 80)


def _acquire(pool: Pool) -> _Connection | None:
    return cast(_Connection | None, pool.acquire())


def test_empty_pool_has_nothing_to_give() -> None:
    assert _pools().get(TARGET).acquire() is None


def test_connection_used_last_is_given_first() -> None:
    pool = _pools().get(TARGET)
    first, second = _Connection(pool), _Connection(pool)
    pool.release(first, 0.0)
    pool.release(second, 0.0)
    assert [_acquire(pool), _acquire(pool), _acquire(pool)] == [second, first, None]


def test_connection_that_has_closed_is_passed_over() -> None:
    pool = _pools().get(TARGET)
    good, gone = _Connection(pool), _Connection(pool)
    pool.release(good, 0.0)
    pool.release(gone, 0.0)
    gone.open = False
    assert _acquire(pool) is good
    assert _acquire(pool) is None


def test_pool_is_no_larger_than_its_size() -> None:
    pool = _pools(pool_size=2).get(TARGET)
    connections = [_Connection(pool) for _ in range(3)]
    for connection in connections:
        pool.release(connection, 0.0)
    assert [connection.events for connection in connections] == [[], [], ["close"]]


@pytest.mark.parametrize(("requests", "kept"), [(1, True), (9, True), (10, False), (11, False)])
def test_connection_is_kept_until_it_has_served_enough(requests: int, kept: bool) -> None:
    pool = _pools(max_requests=10).get(TARGET)
    connection = _Connection(pool, requests)
    pool.release(connection, 0.0)
    assert _acquire(pool) is (connection if kept else None)


def test_zero_is_no_limit() -> None:
    pool = _pools(max_requests=0, idle_timeout=0).get(TARGET)
    connection = _Connection(pool, 10**9)
    pool.release(connection, 5.0)
    assert connection.deadline == float("inf")
    assert _acquire(pool) is connection


def test_idle_connection_has_a_deadline() -> None:
    pools = _pools(idle_timeout=60)
    pool = pools.get(TARGET)
    connection = _Connection(pool)
    pool.opened(connection)
    pool.release(connection, 100.0)
    assert connection.deadline == 160.0
    pools.check_deadlines(159.9)
    assert connection.events == []
    pools.check_deadlines(160.0)
    assert connection.events == ["timed out"]


def test_connection_that_is_lost_is_forgotten() -> None:
    pools = _pools()
    pool = pools.get(TARGET)
    connection = _Connection(pool)
    pool.opened(connection)
    pool.release(connection, 0.0)
    pool.lost(connection)
    assert _acquire(pool) is None
    assert not pools.connections


def test_target_has_one_pool() -> None:
    pools = _pools()
    assert pools.get(Target("192.0.2.1", 80)) is pools.get(TARGET)
    assert pools.get(Target("192.0.2.1", 81)) is not pools.get(TARGET)
    assert pools.get(Target("192.0.2.1", 80, tls=True)) is not pools.get(TARGET)


def test_pool_of_a_target_that_is_gone_closes_what_is_idle_and_what_comes_back() -> None:
    pools = _pools()
    pool = pools.get(TARGET)
    idle, busy = _Connection(pool), _Connection(pool)
    pool.release(idle, 0.0)
    pools.keep_only(set())
    assert idle.events == ["close"]
    pool.release(busy, 0.0)
    assert busy.events == ["close"]
    assert pools.get(TARGET) is not pool


def test_pool_of_a_target_that_stays_is_left_alone() -> None:
    pools = _pools()
    pool = pools.get(TARGET)
    connection = _Connection(pool)
    pool.release(connection, 0.0)
    pools.keep_only({TARGET})
    assert pools.get(TARGET) is pool
    assert _acquire(pool) is connection


def test_stop_closes_busy_connections_too() -> None:
    pools = _pools()
    pool = pools.get(TARGET)
    busy, idle = _Connection(pool), _Connection(pool)
    pool.opened(busy)
    pool.opened(idle)
    pool.release(idle, 0.0)
    pools.stop()
    assert busy.events == ["stop"]
    assert "close" in idle.events
