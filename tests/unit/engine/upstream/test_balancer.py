"""Whose turn it is among several targets."""

from collections import Counter
from typing import Any, cast

import pytest

from gateline.engine.upstream.balancer import Balancer, CompiledTarget
from gateline.engine.upstream.round_robin import LONGEST_ORDER, RoundRobin
from unit.engine.router.routing import make_request

REQUEST = cast(Any, make_request())


def _targets(*weights: int) -> list[tuple[CompiledTarget, int]]:
    return [(CompiledTarget(cast(Any, None), b"%d" % number), weight) for number, weight in enumerate(weights)]


def _turns(balancer: Balancer, count: int) -> list[bytes]:
    turns = []
    for _ in range(count):
        target = balancer.pick(REQUEST)
        assert target is not None
        turns.append(target.host_line)
    return turns


def test_nobody_has_a_turn_where_nobody_has_a_weight() -> None:
    assert Balancer(RoundRobin([])).pick(REQUEST) is None
    assert Balancer(RoundRobin(_targets(0, 0))).pick(REQUEST) is None


def test_one_target_has_every_turn() -> None:
    assert set(_turns(Balancer(RoundRobin(_targets(100))), 10)) == {b"0"}


@pytest.mark.parametrize("weights", [(1, 1), (2, 1), (5, 1, 1), (100, 100, 50), (3, 0, 1), (1000, 1)])
def test_turns_are_as_many_as_the_weights_say(weights: tuple[int, ...]) -> None:
    counts = Counter(_turns(Balancer(RoundRobin(_targets(*weights))), sum(weights) * 2))
    assert [counts[b"%d" % number] for number in range(len(weights))] == [weight * 2 for weight in weights]


def test_turns_are_spread() -> None:
    turns = b"".join(_turns(Balancer(RoundRobin(_targets(2, 1))), 30))
    assert b"000" not in turns
    assert b"11" not in turns


def test_balancer_takes_over_the_targets_of_another() -> None:
    balancer = Balancer(RoundRobin(_targets(1, 1, 1)))
    _turns(balancer, 2)
    balancer.take_over(Balancer(RoundRobin(_targets(0, 1))))
    assert set(_turns(balancer, 5)) == {b"1"}
    balancer.take_over(Balancer(RoundRobin([])))
    assert balancer.pick(REQUEST) is None


def test_weights_without_a_common_divisor_do_not_make_an_endless_order() -> None:
    balancer = Balancer(RoundRobin(_targets(65521, 65519, 1)))
    counts = Counter(_turns(balancer, LONGEST_ORDER * 2))
    assert counts[b"2"] >= 1
    assert abs(counts[b"0"] - counts[b"1"]) <= 4


def test_workers_do_not_march_in_step() -> None:
    assert len({tuple(_turns(Balancer(RoundRobin(_targets(*[1] * 50))), 1)) for _ in range(50)}) > 1
