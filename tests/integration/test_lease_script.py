"""What Redis gives in advance of what becomes free: flows of all together no faster than that, and shared as wished."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateline.plugins.limits.budget import SECOND, Algorithm, Quota
from gateline.plugins.limits.leases.script import LEASE, Asked, Granted, answers_of, arguments_of
from harness.redis import Redis as Server

_keys = itertools.count()
HOUR = 3600
PACE = 1000
"""What becomes free in each second, of both quotas."""
BUCKET = Quota(Algorithm.BUCKET, PACE, SECOND, burst=5)
SLIDING = Quota(Algorithm.SLIDING, PACE * HOUR, HOUR * SECOND)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with Server() as server, contextlib.closing(server.client()) as client:
        yield client


class Key:
    """A key of which as much was taken as there was."""

    def __init__(self, client: Any, quota: Quota) -> None:
        self._client, self._quota = client, quota
        self.name = f"key-{next(_keys)}"
        seconds, microseconds = client.time()
        if quota is BUCKET:
            client.hset(self.name, mapping={"1l": 0, "1t": seconds * 1_000_000 + microseconds})
        else:
            number, passed = divmod(seconds + microseconds / 1e6, HOUR)
            self.before: dict[str, Any] = {"1n": int(number), "1b": quota.amount, "1c": f"{passed * PACE:.17g}"}
            client.hset(self.name, mapping=self.before)

    def ask(self, node: str, wish: float, *, want: int = 0, worker: str = "0", had: int = 0) -> Granted:
        number = self.before["1n"] if had else -1
        arguments = arguments_of(node, 1, worker, (self._quota,), (Asked(want, number=number, had=had, wish=wish),))
        told = self._client.eval(LEASE.text, 1, self.name, *arguments)
        return answers_of(told)[1][0]

    def taken(self) -> dict[str, str]:
        stored: dict[str, str] = self._client.hgetall(self.name)
        return stored


both = pytest.mark.parametrize("quota", [BUCKET, SLIDING], ids=["bucket", "sliding"])


@both
def test_all_flows_together_are_no_faster_than_what_becomes_free(client: Any, quota: Quota) -> None:
    key = Key(client, quota)
    paces = [key.ask(f"{node:x}", 400.0).pace for node in range(5)]
    assert paces[:2] == pytest.approx([400.0, 400.0], abs=0.01)
    assert sum(paces) == pytest.approx(PACE, abs=0.01)
    assert key.ask("6", 400.0).pace == 0.0


@both
def test_those_who_wish_more_than_an_equal_part_get_what_the_others_leave(client: Any, quota: Quota) -> None:
    key = Key(client, quota)
    wishes = {"a": 100.0, "b": 900.0, "c": 900.0, "d": 100.0}
    for _ in range(2):  # the second time all wishes are known
        for node in wishes:
            key.ask(node, 0.001)
        found = {node: key.ask(node, wish).pace for node, wish in wishes.items()}
    for node, wish in wishes.items():
        found[node] = key.ask(node, wish).pace
    assert found["a"] == found["d"] == pytest.approx(100.0, abs=0.01)
    assert found["b"] + found["c"] == pytest.approx(800.0, abs=0.01)


@both
def test_who_asks_again_has_one_flow(client: Any, quota: Quota) -> None:
    key = Key(client, quota)
    for _ in range(5):
        assert key.ask("a", 700.0).pace == pytest.approx(700.0, abs=0.01)
    assert key.ask("b", 700.0).pace == pytest.approx(300.0, abs=0.01)
    assert key.ask("a", 0.0).pace == 0.0
    assert key.ask("b", 700.0).pace == pytest.approx(700.0, abs=0.01)


@both
def test_what_flows_is_counted_from_the_beginning(client: Any, quota: Quota) -> None:
    key = Key(client, quota)
    granted = key.ask("a", 600.0)
    stored = key.taken()
    seconds, microseconds = client.time()
    lasts = granted.until - (seconds + microseconds / 1e6)
    assert 0 < lasts <= 1.0
    if quota is BUCKET:
        assert float(stored["1l"]) < -0.5 * 600.0 * lasts
    else:
        assert float(stored["1c"]) - float(key.before["1c"]) >= 0.99 * 600.0 * lasts


@both
def test_a_trickle_is_no_flow(client: Any, quota: Quota) -> None:
    assert Key(client, quota).ask("a", 5.0).pace == 0.0


def test_workers_of_a_node_have_a_flow_each(client: Any) -> None:
    key = Key(client, BUCKET)
    one, other = (key.ask("a", 300.0, worker=worker) for worker in ("0", "1"))
    assert (one.pace, other.pace) == pytest.approx((300.0, 300.0), abs=0.01)
    assert (one.workers, other.workers) == (1, 2)
    assert key.ask("b", 900.0).workers == 1


def test_what_is_there_is_given_at_once(client: Any) -> None:
    key = Key(client, SLIDING)
    client.delete(key.name)
    granted = key.ask("a", 200.0, want=220)
    assert (granted.amount, granted.pace) == (220, 0.0)


def test_nothing_is_taken_away_of_one_that_gave_itself_a_share_while_redis_was_gone(client: Any) -> None:
    key = Key(client, SLIDING)
    granted = key.ask("a", 0.0, had=1000)
    assert (granted.amount, granted.pace) == (0, 0.0)
    assert float(key.taken()["1c"]) == pytest.approx(float(key.before["1c"]) + 1000)


@pytest.mark.parametrize("pressure", [1.2, 4.0])
def test_flows_of_those_who_wish_for_more_than_there_is_are_short_and_end_one_after_the_other(
    client: Any, pressure: float
) -> None:
    key = Key(client, SLIDING)
    for node in range(5):  # so that all are known to wish
        key.ask(f"{node:x}", pressure * PACE / 5)
    lengths = []
    for node in range(5):
        began = time.time()
        lengths.append(key.ask(f"{node:x}", pressure * PACE / 5).until - began)
    assert all(0.25 < length < 0.7 for length in lengths), lengths


def test_a_flow_that_is_enough_lasts(client: Any) -> None:
    began = time.time()
    assert Key(client, SLIDING).ask("a", 400.0).until - began > 0.9
