"""Levels of priority and locality, and subsets."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.groups import Levels, Subsets, loads
from gateline.engine.upstream.round_robin import InTurn
from unit.engine.upstream.compiled_targets import counts, exchange, picked, targets


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(100, 100), (100, 100)], [1.0, 0.0]),
        ([(72, 100), (100, 100)], [1.0, 0.0]),
        ([(50, 100), (100, 100)], [0.7, 0.3]),
        ([(25, 100), (100, 100)], [0.35, 0.65]),
        ([(0, 100), (100, 100)], [0.0, 1.0]),
        ([(25, 100), (25, 100)], [0.5, 0.5]),
        ([(25, 100), (50, 100)], [0.35, 0.65]),
        ([(0, 0), (10, 10)], [0.0, 1.0]),
        ([(0, 100), (0, 100)], [0.0, 0.0]),
    ],
)
def test_loads_are_envoys(levels: list[tuple[int, int]], expected: list[float]) -> None:
    assert loads(levels) == pytest.approx(expected)


@given(
    st.lists(st.integers(0, 100).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))), min_size=1)
)
def test_loads_are_all_of_it_as_long_as_somebody_is_healthy(levels: list[tuple[int, int]]) -> None:
    shares = loads(levels)
    assert all(share >= 0 for share in shares)
    assert sum(shares) == pytest.approx(1.0 if any(healthy for healthy, _ in levels) else 0.0)


def test_levels_have_their_shares() -> None:
    made = targets(1, 1)
    algorithm = Levels([(0.7, InTurn(made[:1])), (0.3, InTurn(made[1:]))])
    assert counts(algorithm, 4000) == pytest.approx([2800, 1200], rel=0.15)


def test_a_hash_says_which_level() -> None:
    made = targets(1, 1)
    algorithm = Levels([(0.7, InTurn(made[:1])), (0.3, InTurn(made[1:]))], lambda exchange: cast(Any, exchange).at)
    found = [algorithm.pick(exchange(at=point)) for point in (0.0, 0.69, 0.71, 1.0)]
    assert found == [made[0], made[0], made[1], made[1]]


def test_another_try_leaves_a_level_that_was_tried_whole() -> None:
    made = targets(1, 1, 1)
    algorithm = Levels([(1.0, InTurn(made[:2])), (0.0, InTurn(made[2:]))])
    assert {picked(algorithm) for _ in range(10)} == {0, 1}
    assert picked(algorithm, made[:1]) == 1
    assert picked(algorithm, made[:2]) == 2
    assert picked(algorithm, made) in (0, 1)


def test_a_subset_takes_the_requests_that_ask_for_it() -> None:
    def asked(value: str | None) -> Any:
        return exchange(request=SimpleNamespace(header=lambda _: value))

    made = targets(1, 1, 1)
    every, none = InTurn(made), InTurn([])
    of_version = {"v1": InTurn(made[:1]), "v2": InTurn(made[1:])}
    with_any = Subsets("X-Version", of_version, every, every)
    with_none = Subsets("X-Version", of_version, every, none)
    assert with_any.pick(asked("v1")) is made[0]
    assert {with_any.pick(asked("v2")) for _ in range(4)} == set(made[1:])
    assert len(Counter(id(with_any.pick(asked("v3"))) for _ in range(6))) == 3
    assert with_none.pick(asked("v3")) is None
    assert len(Counter(id(with_none.pick(asked(None))) for _ in range(6))) == 3
