"""Limits that nodes share by leases from a real Redis: never exceeded, whoever asks; and what is when Redis is gone."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from inspect import isawaitable
from typing import Any

import pytest

from gateline.engine.local_state import LocalCounters
from gateline.pdk.redis import Redis, RedisClient
from gateline.pdk.redis import pipeline as pipelines
from gateline.plugins.limits.budget import SECOND, Algorithm, BudgetError, Quota, Quotas, Verdict
from gateline.plugins.limits.leases import LeasedBudget
from harness.redis import Redis as Server
from harness.server import free_port
from harness.worker import ending, worker_node

_keys = itertools.count()
YEAR = 10 * 365 * 86400 * SECOND
"""A window that does not end while the tests run."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def key() -> str:
    return f"key-{next(_keys)}"


@contextlib.asynccontextmanager
async def budgets(port: int, *skews: float, workers: int = 1, **options: Any) -> AsyncIterator[list[LeasedBudget]]:
    """Budgets of so many nodes, each with so many workers."""
    redis = Redis(host="127.0.0.1", port=port, password=Server.password, timeout=20_000)
    nodes = []
    made = []
    for skew in skews:
        counters = LocalCounters()
        for _ in range(workers):
            node = worker_node(counters, skew=skew)
            budget = LeasedBudget(RedisClient(redis, node), node, **{"part": 0.3, **options})
            budget.start()
            nodes.append(node)
            made.append(budget)
    for _ in range(2):  # so that each knows of all
        await asyncio.gather(*(budget.nodes.beat(budget._client) for budget in made))
    try:
        yield made
    finally:
        await ending(nodes)


async def take(budget: LeasedBudget, key: str, quotas: Quotas, cost: int = 1) -> Verdict:
    verdict = budget.take(key, quotas, cost)
    if isawaitable(verdict):
        verdict = await verdict
    assert isinstance(verdict, Verdict)
    return verdict


async def admitted(budget: LeasedBudget, key: str, quotas: Quotas, requests: int) -> int:
    return sum([(await take(budget, key, quotas)).admitted for _ in range(requests)])


def fixed(amount: int, window: int = YEAR) -> Quota:
    return Quota(Algorithm.FIXED, amount, window)


async def test_nodes_and_workers_admit_what_the_limit_allows_and_no_more(server: Server, key: str) -> None:
    quotas = Quotas([fixed(500)])
    async with budgets(server.port, 0.0, 2.0, -2.0, workers=2) as all_of_them:
        counts = await asyncio.gather(*(admitted(budget, key, quotas, 150) for budget in all_of_them))
    assert sum(counts) <= 500
    assert sum(counts) >= 300  # what a node holds when it is done is not lost, but not here


async def test_what_nobody_else_wants_one_node_gets(server: Server, key: str) -> None:
    quotas = Quotas([fixed(300)])
    async with budgets(server.port, 0.0, 0.0) as (one, _):
        got = 0
        for _ in range(2000):
            got += (await take(one, key, quotas)).admitted
            if got == 300:
                break
            await asyncio.sleep(0.001)
    assert got == 300


async def test_few_questions_serve_many_requests(server: Server, key: str) -> None:
    asked: list[None] = []
    quotas = Quotas([fixed(10_000)])
    async with budgets(server.port, 0.0, asked=lambda: asked.append(None)) as (one,):
        got = await admitted(one, key, quotas, 5000)
    assert got == 5000
    assert len(asked) <= 0.02 * 5000


async def test_all_quotas_hold_and_none_is_taken_from_in_vain(server: Server, key: str) -> None:
    quotas = Quotas([fixed(20, 5 * YEAR), fixed(100)])
    async with budgets(server.port, 0.0) as (one,):
        assert await admitted(one, key, quotas, 60) == 20
        refused = await take(one, key, quotas)
    assert [standing.remaining for standing in refused.standings] == [0, 80]
    assert refused.standings[0].retry > 0


@pytest.mark.parametrize("quota", [fixed(12), Quota(Algorithm.SLIDING, 12, YEAR), Quota(Algorithm.BUCKET, 1, YEAR, 12)])
async def test_all_workers_tell_what_is_left(server: Server, key: str, quota: Quota) -> None:
    quotas = Quotas([quota])
    async with budgets(server.port, 0.0, workers=3, part=0.5) as workers:
        left = []
        for number in range(12):
            await asyncio.sleep(0.02)  # so that it looks again at what others were told
            left.append((await take(workers[number % 3], key, quotas)).standings[0].remaining)
    assert left == list(range(11, -1, -1))


async def test_exactly_means_nothing_in_advance(server: Server, key: str) -> None:
    quotas = Quotas([fixed(30)])
    async with budgets(server.port, 0.0, 0.0, exact=True) as (one, other):
        statuses = [(await take(budget, key, quotas)).admitted for budget in (one, other) * 20]
    assert statuses == [True] * 30 + [False] * 10


async def test_a_bucket_is_exceeded_by_its_part_at_most(server: Server, key: str) -> None:
    quotas = Quotas([Quota(Algorithm.BUCKET, 1, YEAR, burst=200)])
    async with budgets(server.port, 0.0, 0.0, 0.0) as each:
        counts = await asyncio.gather(*(admitted(budget, key, quotas, 150) for budget in each))
    assert 100 <= sum(counts) <= 200


@pytest.mark.parametrize("algorithm", [Algorithm.SLIDING, Algorithm.BUCKET])
async def test_what_becomes_free_bit_by_bit_flows_and_is_never_exceeded(
    server: Server, key: str, algorithm: Algorithm
) -> None:
    asked: list[None] = []
    quotas = Quotas([Quota(algorithm, 400, SECOND, burst=400 if algorithm is Algorithm.BUCKET else 0)])

    async def pressed(budget: LeasedBudget, end: float) -> int:
        got = 0
        while time.time() < end:
            got += (await take(budget, key, quotas)).admitted
            await asyncio.sleep(0.001)
        return got

    async with budgets(server.port, 0.0, 2.0, asked=lambda: asked.append(None)) as each:
        began = time.time()
        counts = await asyncio.gather(*(pressed(budget, began + 3.2) for budget in each))
        ended = time.time()
        flows = [budget._at_hand.leases[key].slots[0].flow.until for budget in each]
    windows = int(ended) - int(began) + 1
    most = 400 * windows if algorithm is Algorithm.SLIDING else 400 * (1.3 + ended - began)
    assert 400 < sum(counts) <= most
    assert min(flows) > began  # each had one
    assert len(asked) <= 0.2 * sum(counts)


async def test_what_is_charged_later_is_missing_for_everybody(server: Server, key: str) -> None:
    quotas = Quotas([fixed(50)])
    async with budgets(server.port, 0.0, 0.0, exact=True) as (one, other):
        one.charge(key, quotas, 45)
        asking = one._at_hand.leases[key].asking
        assert asking is not None
        await asking
        assert await admitted(other, key, quotas, 20) == 5


async def test_what_two_workers_owe_is_told_once(server: Server, key: str) -> None:
    quotas = Quotas([fixed(10)])
    async with budgets(server.port, 0.0, workers=2, exact=True) as each:
        for budget in each:
            assert (await take(budget, key, quotas, 0)).admitted
        for budget in each:
            budget.charge(key, quotas, 6)
        asking = [task for budget in each if (task := budget._at_hand.leases[key].asking)]
        assert len(asking) == 2
        await asyncio.gather(*asking)
        with contextlib.closing(server.client()) as client:
            stored: Any = client.hgetall("gateline:" + key)
        assert int(stored["1c"]) == 12
        assert not any([(await take(budget, key, quotas, 0)).admitted for budget in each])


async def test_plans_that_share_a_key_are_not_asked_for_in_turn(server: Server, key: str) -> None:
    questions = []
    plans = Quotas([fixed(1000)]), Quotas([fixed(2000)])
    async with budgets(server.port, 0.0, asked=lambda: questions.append(1)) as (one,):
        for _ in range(100):
            for quotas in plans:
                assert (await take(one, key, quotas)).admitted
    assert len(questions) < 20


@pytest.mark.parametrize("algorithm", [Algorithm.FIXED, Algorithm.SLIDING])
async def test_a_limit_that_was_lowered_holds_for_what_was_leased_before(
    server: Server, key: str, algorithm: Algorithm
) -> None:
    async with budgets(server.port, 0.0) as (one,):
        assert await admitted(one, key, Quotas([Quota(algorithm, 1000, YEAR)]), 5) == 5
        changed = LeasedBudget(one._client, one._node, part=0.3)
        changed.start()
        lowered, got = Quotas([Quota(algorithm, 10, YEAR)]), 0
        for _ in range(100):
            got += await admitted(changed, key, lowered, 1)
            await asyncio.sleep(0.01)
        assert got == 5


async def test_what_is_not_used_goes_back(server: Server, key: str) -> None:
    quotas = Quotas([fixed(40)])
    async with budgets(server.port, 0.0, 0.0) as (one, other):
        for _ in range(30):  # a demand that makes it take much in advance
            one._at_hand.lease(key, quotas).demand(1, 0.0)
        assert (await take(one, key, quotas)).admitted
        await one._give_back_unused()
        await one._give_back_unused()
        got = 0
        for _ in range(2000):
            got += (await take(other, key, quotas)).admitted
            if got == 39:
                break
            await asyncio.sleep(0.001)
    assert got == 39


async def test_without_redis_each_node_has_its_share(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr(pipelines, "PAUSE", 0.01)
    quotas = Quotas([fixed(100)])
    with Server() as server:
        async with budgets(server.port, 0.0, 0.0) as each:
            before = [await admitted(budget, key, quotas, 10) for budget in each]
            assert before == [10, 10]
            server.stop()
            during = [await admitted(budget, key, quotas, 100) for budget in each]
            assert sum(during) + 20 <= 100
            assert sum(during) + 20 >= 90
            server.start()
            assert all([await back(budget) for budget in each])
            for budget in each:
                budget._at_hand.leases[key].slots[0].empty_until = 0.0
            for budget in each:  # it is told what was given, so nothing is given twice
                for _ in range(50):
                    await take(budget, key, quotas)
            with contextlib.closing(server.client()) as past:
                stored: Any = past.hgetall("gateline:" + key)
    assert int(stored["1c"]) <= 100


async def back(budget: LeasedBudget) -> bool:
    for _ in range(400):
        await budget.nodes.beat(budget._client)
        if budget.nodes.up:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_node_that_may_not_go_on_alone_fails(key: str) -> None:
    async with budgets(free_port(), 0.0, tolerant=False) as (one,):
        with pytest.raises(BudgetError, match="Redis at"):
            await take(one, key, Quotas([fixed(10)]))
