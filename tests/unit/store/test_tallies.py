"""Counters in the database: exact, whoever counts, and gone when their time is over."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateline.sharedstate.windows import counted
from gateline.store import Period, Tally, Total
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options


def minute(limit: int = 10, by: int = 1, began: int = 0) -> Period:
    return Period("minute", began, began + 60, limit, by)


def hour(limit: int = 10, by: int = 1) -> Period:
    return Period("hour", 0, 3600, limit, by)


async def test_what_is_too_much_counts_nowhere(store: SqlStore) -> None:
    asked = [Tally("a", [minute(2), hour(9)])] * 3 + [Tally("b", [minute(2), hour(9)])]
    assert await store.tally(asked) == [
        Total([1, 1], True),
        Total([2, 2], True),
        Total([2, 2], False),
        Total([1, 1], True),
    ]
    assert await store.tally([Tally("a", [minute(2), hour(9)])]) == [Total([2, 2], False)]
    assert await store.tally([Tally("a", [minute(2, began=60), hour(9)])]) == [Total([1, 3], True)]


async def test_to_look_counts_nothing(store: SqlStore) -> None:
    await store.tally([Tally("a", [minute(), hour()])])
    assert await store.tally([Tally("a", [minute(by=0), hour(by=0)]), Tally("new", [hour(by=0)])]) == [
        Total([1, 1], True),
        Total([0], True),
    ]


async def test_a_cost_may_go_over_the_limit_once(store: SqlStore) -> None:
    asked = [Tally("a", [minute(5, by=4)])] * 3
    assert await store.tally(asked) == [Total([4], True), Total([8], True), Total([8], False)]


async def test_those_that_count_at_the_same_time_get_no_more_than_there_is(store: SqlStore) -> None:
    asked = [[Tally(key, [minute(25), hour(1000)]) for key in keys] for keys in ("ab", "ba", "ab", "ba") * 5]
    answers = await asyncio.gather(*(store.tally(batch * 2) for batch in asked))
    admitted = [total for totals in answers for total in totals if total.added]
    assert len(admitted) == 2 * 25
    assert max(total.values[0] for total in admitted) == 25


async def test_periods_that_are_over_go(store: SqlStore) -> None:
    await store.tally([Tally("a", [minute(), hour()])])
    await store.forget_tallies(61.0)
    assert await store.tally([Tally("a", [minute(by=0), hour(by=0)])]) == [Total([0, 1], True)]


async def test_configuration_is_no_newer_for_it(store: SqlStore) -> None:
    before = await store.version()
    await store.tally([Tally("a", [minute()])])
    assert await store.version() == before


numbers = st.integers(0, 3)
batches = st.lists(
    st.lists(st.tuples(st.sampled_from("ab"), numbers, numbers, st.integers(1, 6), st.integers(1, 6)), max_size=6),
    max_size=5,
)
_runs = iter(range(10**9))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=batches)
def test_a_batch_is_one_count_after_the_other(batches: list[list[tuple[str, int, int, int, int]]]) -> None:
    """Against what counters in memory come to."""
    run = next(_runs)
    stored = {key: [0, 0, 0, 0] for key in "ab"}
    expected = []
    for batch in batches:
        for key, one, other, low, high in batch:
            after, values, free = counted(stored[key], [(0, low, one), (0, high, other)])
            if free:
                stored[key] = after
            expected.append(Total(values, free))

    assert asyncio.run(_tallied(run, batches)) == expected


async def _tallied(run: int, batches: list[list[tuple[str, int, int, int, int]]]) -> list[Total]:
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(sqlite_options(Path(folder)))
        await store.open()
        try:
            totals = []
            for batch in filter(None, batches):
                asked = [
                    Tally(f"{run}{key}", [minute(low, one), hour(high, other)]) for key, one, other, low, high in batch
                ]
                totals += await store.tally(asked)
            return totals
        finally:
            await store.close()
