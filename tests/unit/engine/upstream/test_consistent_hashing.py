"""Consistent hashing: who gets which key, and how few keys move."""

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.consistent_hashing import ConsistentHashing
from gateline.engine.upstream.round_robin import InTurn
from unit.engine.upstream.compiled_targets import exchange, targets

KEYS = [b"user-%d" % number for number in range(5000)]
NAMES = [f"10.0.0.{number}" for number in range(10)]


class Inputs:
    """The exchange's own `value`."""

    def of(self, exchange: Any) -> bytes | None:
        value: bytes | None = exchange.value
        return value


def ring(*weights: int, names: list[str] = NAMES, slots: int = 10000) -> ConsistentHashing:
    made = targets(*weights, names=names)
    return ConsistentHashing(made, slots, cast(Any, Inputs()), InTurn(made))


def owner(algorithm: ConsistentHashing, key: bytes | None, *tried: Any) -> Any:
    target = algorithm.pick(exchange(*tried, value=key))
    assert target is not None
    return target


def owners(algorithm: ConsistentHashing) -> list[str]:
    return [owner(algorithm, key).pool.target.host for key in KEYS]


def test_a_ring_is_the_same_wherever_it_is_made() -> None:
    assert owners(ring(*[1] * 10))[:8] == owners(ring(*[1] * 10))[:8]
    backwards = owners(ring(*[1] * 10, names=NAMES[::-1]))
    assert backwards == owners(ring(*[1] * 10))


def test_a_ring_is_the_same_in_every_release() -> None:
    assert [NAMES.index(host) for host in owners(ring(*[1] * 10))[:12]] == [7, 5, 0, 0, 0, 1, 3, 5, 7, 5, 0, 1]


@pytest.mark.parametrize("gone", range(10))
def test_a_target_that_goes_moves_its_keys_only(gone: int) -> None:
    before = owners(ring(*[1] * 10))
    after = owners(ring(*[1] * 9, names=NAMES[:gone] + NAMES[gone + 1 :]))
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {NAMES[gone]}
    assert len(moved) <= 0.12 * len(KEYS)


def test_a_weight_that_changes_moves_keys_of_that_target_only() -> None:
    before = owners(ring(*[100] * 10))
    after = owners(ring(*[100] * 9, 50))
    moved = {old for old, new in zip(before, after, strict=True) if old != new}
    assert moved == {NAMES[9]}


def test_keys_are_shared_by_the_weights() -> None:
    shares = Counter(owners(ring(100, 50, 10, names=NAMES[:3])))
    assert [shares[host] / len(KEYS) for host in NAMES[:3]] == pytest.approx([100 / 160, 50 / 160, 10 / 160], abs=0.03)


def test_another_try_is_made_at_who_would_own_the_key_next() -> None:
    algorithm = ring(*[1] * 10)
    for key in KEYS[:50]:
        first = owner(algorithm, key)
        second = owner(algorithm, key, first)
        left = [name for name in NAMES if name != first.pool.target.host]
        assert second.pool.target.host == owner(ring(*[1] * 9, names=left), key).pool.target.host
    assert owner(algorithm, KEYS[0], *algorithm_targets(algorithm)) is owner(algorithm, KEYS[0])


def algorithm_targets(algorithm: ConsistentHashing) -> list[Any]:
    found = {owner(algorithm, key).host_line: owner(algorithm, key) for key in KEYS}
    return list(found.values())


def test_where_there_is_nothing_to_hash_targets_take_turns() -> None:
    algorithm = ring(1, 1, names=NAMES[:2])
    assert len({owner(algorithm, None).host_line for _ in range(2)}) == 2
    assert algorithm.fraction(exchange(value=None)) is None


def test_nobody_owns_anything_where_there_is_nobody() -> None:
    assert ring(names=[]).pick(exchange(value=b"a")) is None


@given(st.binary(max_size=40), st.lists(st.integers(1, 65535), min_size=1, max_size=10), st.integers(10, 65536))
def test_any_key_has_one_owner(key: bytes, weights: list[int], slots: int) -> None:
    algorithm = ring(*weights, names=NAMES[: len(weights)], slots=slots)
    assert owner(algorithm, key) is owner(algorithm, key)
    fraction = algorithm.fraction(exchange(value=key))
    assert fraction is not None
    assert 0 <= fraction < 1
