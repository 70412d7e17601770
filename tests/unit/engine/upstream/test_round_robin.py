"""Whose turn it is among several targets."""

from collections.abc import Sequence

import pytest

from gateline.engine.upstream.balancer import CompiledTarget
from gateline.engine.upstream.load import Load
from gateline.engine.upstream.round_robin import InTurn, RoundRobin
from unit.engine.upstream.compiled_targets import counts, exchange, picked, targets


def test_nobody_has_a_turn_where_there_is_nobody() -> None:
    assert RoundRobin([]).pick(exchange()) is None
    assert InTurn([]).pick(exchange()) is None


@pytest.mark.parametrize("weights", [(1, 1), (2, 1), (5, 1, 1), (100, 100, 50), (1000, 1), (65535, 1, 1)])
def test_turns_are_as_many_as_the_weights_say(weights: tuple[int, ...]) -> None:
    assert counts(RoundRobin(targets(*weights)), sum(weights) * 2) == [weight * 2 for weight in weights]


def test_targets_of_one_weight_follow_one_another() -> None:
    algorithm = InTurn(targets(1, 1, 1))
    turns = [picked(algorithm) for _ in range(6)]
    assert turns[:3] == turns[3:]
    assert sorted(turns[:3]) == [0, 1, 2]


def test_turns_are_spread() -> None:
    algorithm = RoundRobin(targets(2, 1))
    turns = "".join(str(picked(algorithm)) for _ in range(30))
    assert "000" not in turns
    assert "11" not in turns


@pytest.mark.parametrize("weights", [(100, 50, 10), (1, 2, 3, 4, 5), (7, 7)])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_workers_keep_to_the_weights_together(weights: tuple[int, ...], workers: int) -> None:
    requests = 100_000 // workers
    of_workers = [counts(RoundRobin(targets(*weights)), requests) for _ in range(workers)]
    for number, weight in enumerate(weights):
        fair = workers * requests * weight / sum(weights)
        assert abs(sum(one[number] for one in of_workers) - fair) <= 0.01 * fair


def test_workers_do_not_march_in_step() -> None:
    assert len({picked(RoundRobin(targets(*[1] * 50))) for _ in range(50)}) > 1
    assert len({picked(InTurn(targets(*[1] * 50))) for _ in range(50)}) > 1


@pytest.mark.parametrize("kind", [InTurn, RoundRobin])
def test_what_was_tried_is_passed_over_while_there_is_another(kind: type[InTurn] | type[RoundRobin]) -> None:
    three = targets(1, 1, 1)
    algorithm = kind(three)
    assert {picked(algorithm, three[:2]) for _ in range(9)} == {2}
    assert {picked(algorithm, three) for _ in range(9)} <= {0, 1, 2}
    assert sum(counts(algorithm, 30)) == 30


def test_turns_go_on_when_another_target_changes() -> None:
    def of(weights: Sequence[int]) -> RoundRobin:
        parts = zip(made, weights, loads, strict=True)
        return RoundRobin([CompiledTarget(one.pool, one.host_line, weight, load) for one, weight, load in parts])

    made, loads = targets(1, 1, 1), [Load() for _ in range(3)]
    got = [0, 0, 0]
    for change in range(400):
        algorithm = of((100, 50, 10 + change % 2))
        for _ in range(4):
            got[picked(algorithm)] += 1
    assert abs(got[2] - 1600 * 10.5 / 160.5) <= 20, f"changes have cost or given turns: {got}"


def test_a_weight_that_grows_counts_at_once() -> None:
    pool = targets(1, 1)
    loads = [Load(), Load()]
    before = RoundRobin([CompiledTarget(pool[at].pool, b"%d" % at, (1000, 1)[at], loads[at]) for at in (0, 1)])
    counts(before, 1001)
    after = RoundRobin([CompiledTarget(pool[at].pool, b"%d" % at, 1000, loads[at]) for at in (0, 1)])
    assert min(counts(after, 100)) >= 49


def test_a_slow_start_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    two = targets(100, 100)
    load = two[1].load
    assert load is not None
    load.since = now
    shares = []
    for passed in (0.0, 2.5, 5.0, 7.5, 10.0, 20.0):
        monkeypatch.setattr("gateline.engine.upstream.round_robin.monotonic", lambda at=now + passed: at)
        algorithm = RoundRobin(two, slow_start=10.0)
        first, second = counts(algorithm, 1000)
        shares.append(second / first)
    assert shares == pytest.approx([0.1, 0.25, 0.5, 0.75, 1.0, 1.0], abs=0.03)
