"""Choosing by what is in flight and how long answers take."""

import random
from collections import Counter
from time import monotonic
from typing import Any, cast

import pytest

from gateline.engine.errors import CATALOGUE
from gateline.engine.upstream.balancer import Algorithm, CompiledTarget
from gateline.engine.upstream.least_connections import LeastConnections
from gateline.engine.upstream.load import DECAY, FAILED, FIRST_SHARE, Load
from gateline.engine.upstream.sampling import Latency, PowerOfTwo, Random
from unit.engine.upstream.compiled_targets import counts, exchange, picked, targets

NO_EXCHANGE = cast(Any, None)
KINDS = (LeastConnections, PowerOfTwo, Latency, Random)


@pytest.fixture(autouse=True)
def seeded() -> None:
    random.seed(1)


def load_of(target: CompiledTarget) -> Load:
    assert target.load is not None
    return target.load


def busy(made: list[CompiledTarget], *active: int) -> None:
    for target, tries in zip(made, active, strict=True):
        load_of(target).active = tries


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_none_where_there_is_none(kind: Any) -> None:
    assert kind([]).pick(exchange()) is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_tried_is_passed_over_while_there_is_another(kind: Any) -> None:
    three = targets(3, 2, 1)
    algorithm = kind(three)
    assert {picked(algorithm, three[:2]) for _ in range(20)} == {2}
    assert {picked(algorithm, three) for _ in range(50)} <= {0, 1, 2}


def test_the_least_connections_are_least() -> None:
    made = targets(1, 1, 1)
    busy(made, 2, 1, 3)
    assert picked(LeastConnections(made)) == 1


def test_connections_count_for_the_weight() -> None:
    made = targets(100, 10)
    busy(made, 9, 1)
    assert picked(LeastConnections(made)) == 0
    busy(made, 11, 1)
    assert picked(LeastConnections(made)) == 1


@pytest.mark.parametrize("weights", [(1, 1, 1), (100, 50, 10)])
def test_with_nothing_in_flight_the_weights_decide(weights: tuple[int, ...]) -> None:
    shares = counts(LeastConnections(targets(*weights)), sum(weights) * 10)
    assert shares == pytest.approx([weight * 10 for weight in weights], abs=1)


def test_connections_in_flight_follow_the_weights() -> None:
    made = targets(100, 50, 10)
    algorithm = LeastConnections(made)
    for _ in range(320):
        load_of(made[picked(algorithm)]).began(NO_EXCHANGE, 0.0)
    assert [load_of(target).active for target in made] == pytest.approx([200, 100, 20], abs=2)


def test_a_target_saves_up_no_turns_while_it_is_busy() -> None:
    made = targets(1, 1)
    algorithm = LeastConnections(made)
    busy(made, 0, 5)
    assert counts(algorithm, 100) == [100]
    busy(made, 0, 0)
    assert counts(algorithm, 10) == pytest.approx([5, 5], abs=1)


@pytest.mark.parametrize("kind", [Random, PowerOfTwo])
def test_chances_are_in_the_ratio_of_the_weights(kind: Any) -> None:
    shares = counts(kind(targets(100, 50, 10)), 16000)
    assert shares == pytest.approx([10000, 5000, 1000], rel=0.15)


def test_of_two_the_less_loaded_is_taken() -> None:
    made = targets(1, 1, 1, 1)
    busy(made, 0, 9, 9, 9)
    first = counts(PowerOfTwo(made), 4000)[0]
    assert first == pytest.approx(2000, rel=0.15), "it is one of the two in half of the cases"


def test_the_faster_target_gets_more() -> None:
    made = targets(1, 1)
    now = monotonic()
    load_of(made[0]).measure(0.1, now)
    load_of(made[1]).measure(0.2, now)
    assert counts(Latency(made), 20) == [20]
    busy(made, 3, 0)
    assert set(Counter(picked(Latency(made)) for _ in range(20))) == {1}


def test_a_high_latency_counts_at_once_and_a_low_one_little_by_little() -> None:
    load = Load()
    load.measure(0.1, 100.0)
    load.measure(0.5, 101.0)
    assert load.latency_now(101.0) == pytest.approx(0.5)
    load.measure(0.1, 102.0)
    assert 0.4 < load.latency_now(102.0) < 0.5
    assert load.latency_now(102.0 + 5 * DECAY) < 0.01
    load.measure(0.1, 102.0 + 10 * DECAY)
    assert load.latency == pytest.approx(0.1, rel=0.01)


def test_failing_fast_is_not_fast() -> None:
    load = Load()
    load.measure(0.001, 100.0)
    load.failed(NO_EXCHANGE, CATALOGUE.CONNECT, 101.0)
    assert load.latency_now(101.0) == FAILED


def test_a_target_that_has_not_answered_yet_gets_one_request_to_show_itself() -> None:
    load = Load()
    assert load.latency_now(5.0) == 0.0
    load.began(NO_EXCHANGE, 5.0)
    assert load.latency_now(5.0) == FAILED


def test_a_slow_start_ends() -> None:
    load = Load(since=100.0)
    assert load.share(100.0, 10.0) == FIRST_SHARE
    assert load.share(105.0, 10.0) == 0.5
    assert load.share(110.0, 10.0) == 1.0
    assert load.since == 0.0


@pytest.mark.parametrize("kind", [LeastConnections, Random, PowerOfTwo])
def test_slow_starts_have_a_growing_share(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = kind.__module__
    made = targets(1, 1, 1, 1)
    shares = []
    for passed in (0.0, 5.0, 10.0):
        load_of(made[3]).since = 1000.0
        monkeypatch.setattr(f"{module}.monotonic", lambda at=1000.0 + passed: at)
        algorithm: Algorithm = kind(made, 10.0)
        shares.append(counts(algorithm, 4000)[3])
    fair = [4000 * share / (3 + share) for share in (0.1, 0.5, 1.0)]
    assert shares == pytest.approx(fair, rel=0.25)
