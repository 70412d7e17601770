"""Thresholds, outlier detection and circuit breakers against naive models that keep everything and count anew."""

import itertools
from statistics import fmean, pstdev

from hypothesis import given
from hypothesis import strategies as st

from gateline.control.health.breakers import Breaker
from gateline.control.health.counting import Counts
from gateline.control.health.outliers import Outliers
from gateline.control.health.rounds import Crew, Rounds, Turn
from gateline.engine.upstream.outcomes import CircuitOutcome, Fault, Result
from gateline.entities.circuit_breaker import CircuitBreaker
from gateline.entities.outlier_detection import OutlierDetection

RESULTS = [Result.SUCCESS, Result.HTTP_FAILURE, Result.TCP_FAILURE, Result.TIMEOUT, Result.NOTHING]


def last_run(results: list[Result], of: Result) -> int:
    """How many of a result came since the last one that forgets them: failures of other kinds do not."""
    count = 0
    for result in reversed(results):
        if result is of:
            count += 1
        elif result is Result.NOTHING:
            continue
        elif (result is Result.SUCCESS) != (of is Result.SUCCESS):
            break
    return count


@given(
    st.lists(st.tuples(st.sampled_from(RESULTS), st.integers(1, 4)), max_size=60),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.booleans(),
)
def test_thresholds_count_as_a_list_would(results: list[tuple[Result, int]], limits: list[int], healthy: bool) -> None:
    counts = Counts(healthy)
    since: list[Result] = []
    for result, times in results:
        changed = counts.count(result, 0 if result is Result.NOTHING else limits[result], times)
        since += [result] * times
        expected = None
        if result is not Result.NOTHING and limits[result] and last_run(since, result) >= limits[result]:
            says = result is Result.SUCCESS
            expected = says if says != healthy else None
        assert changed == expected, f"after {since}"
        if changed is not None:
            healthy, since = changed, []
        assert counts.healthy == healthy


SOME = CircuitBreaker.model_validate(
    {
        "window": 10,
        "minimum_calls": 5,
        "failure_rate": 50,
        "slow_call_duration": 1,
        "slow_call_rate": 60,
        "open_time": 7,
        "trial_calls": 3,
    }
)
FAILED, SLOW = CircuitOutcome.FAILED, CircuitOutcome.SLOW


@given(st.lists(st.tuples(st.floats(0, 4), st.sampled_from([0, FAILED, SLOW, FAILED | SLOW])), max_size=120))
def test_a_breaker_opens_when_the_calls_of_its_window_say_so(calls: list[tuple[float, int]]) -> None:
    breaker = Breaker(SOME)
    part = SOME.window / 20
    now = 1000.0
    kept: list[tuple[int, int]] = []
    for pause, outcome in calls:
        now += pause
        kept.append((int(now / part), outcome))
        window = [one for place, one in kept if place > int(now / part) - 20]
        failed = sum(bool(one & FAILED) for one in window)
        slow = sum(bool(one & SLOW) for one in window)
        opens = len(window) >= 5 and (failed * 100 >= 50 * len(window) or slow * 100 >= 60 * len(window))
        assert breaker.count(outcome, 1, 0, now) == opens, (window, breaker.reason)
        if not opens:
            continue
        opened = breaker.opened
        assert opened is not None
        assert opened.until == now + 7
        assert not breaker.count(FAILED, 100, 0, now), "what was under way when it opened decides nothing"
        now += 8
        assert [breaker.count(0, 1, opened.epoch, now) for _ in range(3)] == [False, False, True]
        assert breaker.opened is None
        kept = []


@given(st.lists(st.sampled_from([0, FAILED]), min_size=3, max_size=3))
def test_trials_decide_together(trials: list[int]) -> None:
    breaker = Breaker(SOME)
    assert breaker.count(FAILED, 5, 0, 50.0)
    first = breaker.opened
    assert first is not None
    for one in trials:
        breaker.count(one, 1, first.epoch, 60.0)
    if trials.count(FAILED) * 100 >= 50 * 3:
        assert breaker.opened is not None
        assert breaker.opened.until == 67.0
        assert breaker.opened.epoch > first.epoch
    else:
        assert breaker.opened is None


def test_trials_that_died_with_a_worker_are_given_anew() -> None:
    breaker = Breaker(SOME)
    breaker.count(FAILED, 5, 0, 50.0)
    first = breaker.opened
    assert first is not None
    assert not breaker.lost(56.0), "it is open: there are no trials yet"
    breaker.count(0, 2, first.epoch, 58.0)
    assert breaker.lost(58.0)
    second = breaker.opened
    assert second is not None
    assert second.epoch > first.epoch
    assert not breaker.count(0, 5, first.epoch, 58.0)
    assert breaker.count(0, 3, second.epoch, 58.0)
    assert breaker.opened is None


FAULTS = [Fault.NONE, Fault.SERVER, Fault.GATEWAY, Fault.LOCAL]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(FAULTS)), max_size=80),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_failures_in_a_row_eject(outcomes: list[tuple[str, Fault]], fives: int, gateway: int, local: int) -> None:
    config = OutlierDetection.model_validate(
        {
            "consecutive_5xx": fives,
            "consecutive_gateway_failure": gateway,
            "consecutive_local_origin_failure": local,
            "max_ejection_percent": 100,
        }
    )
    outliers = Outliers(config, "abc")
    rows: dict[str, dict[str, int]] = {one: {"5xx": 0, "gateway": 0, "local": 0} for one in "abc"}
    out: set[str] = set()
    for target, fault in outcomes:
        row = rows[target]
        if fault is Fault.NONE:
            row.update(dict.fromkeys(row, 0))
        elif fault is Fault.LOCAL and local:
            row["local"] += 1
        else:
            row["local"] = 0
            row["5xx"] += 1
            row["gateway"] = 0 if fault is Fault.SERVER else row["gateway"] + 1
        full = [
            name
            for name, limit in (("5xx", fives), ("gateway", gateway), ("local", local))
            if limit and row[name] >= limit
        ]
        for name in full:
            row[name] = 0
        ejection = outliers.count(target, fault, 1, 5.0)
        assert (ejection is not None) == bool(full and target not in out), (target, fault, rows)
        if ejection is not None:
            assert (ejection.target, ejection.seconds) == (target, 30)
            out.add(target)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=8))
def test_rates_eject_as_a_model_says(seen: list[tuple[int, int]]) -> None:
    config = OutlierDetection.model_validate(
        {
            "consecutive_5xx": 0,
            "success_rate_minimum_hosts": 3,
            "success_rate_request_volume": 20,
            "success_rate_stdev_factor": 1.2,
            "failure_percentage_threshold": 80,
            "failure_percentage_minimum_hosts": 2,
            "failure_percentage_request_volume": 30,
            "max_ejection_percent": 100,
        }
    )
    names = [str(place) for place in range(len(seen))]
    outliers = Outliers(config, names)
    for name, (good, bad) in zip(names, seen, strict=True):
        outliers.count(name, Fault.NONE, good, 1.0)
        outliers.count(name, Fault.SERVER, bad, 1.0)
    some = {name: 100 * good / (good + bad) for name, (good, bad) in zip(names, seen, strict=True) if good + bad >= 20}
    expected = set()
    if len(some) >= 3:
        least = fmean(some.values()) - 1.2 * pstdev(some.values())
        expected = {name for name, rate in some.items() if rate < least}
    many = {name: rate for name, rate in some.items() if sum(seen[int(name)]) >= 30}
    if len(many) >= 2:
        expected |= {name for name, rate in many.items() if 100 - rate >= 80}
    assert {one.target for one in outliers.interval(2.0)} == expected
    assert outliers.interval(3.0) == [], "an interval begins with nothing"


def test_ejections_grow_and_shrink_again_and_never_take_too_many() -> None:
    config = OutlierDetection.model_validate(
        {"consecutive_5xx": 1, "base_ejection_time": 10, "max_ejection_time": 25, "max_ejection_percent": 50}
    )
    outliers = Outliers(config, "abcd")
    now = 0.0

    def fails(target: str) -> float | None:
        ejection = outliers.count(target, Fault.SERVER, 1, now)
        return None if ejection is None else ejection.seconds

    lengths = []
    for _ in range(4):
        lengths.append(fails("a"))
        now += 30
    assert lengths == [10, 20, 25, 25]
    outliers.interval(now)
    outliers.interval(now)
    outliers.interval(now)
    assert fails("a") == 20, "three good intervals take three times away"
    assert fails("b") == 10
    assert fails("c") is None, "half of them are out"
    few = Outliers(config.model_copy(update={"max_ejection_percent": 10}), "ab")
    assert few.count("a", Fault.SERVER, 1, 0.0) is None
    few.adopt(few.config.model_copy(update={"always_eject_one_host": True}), "ab")
    assert few.count("a", Fault.SERVER, 1, 0.0) is not None
    assert few.count("b", Fault.SERVER, 1, 0.0) is None


@given(
    st.lists(st.tuples(st.floats(0.5, 20), st.integers(1, 3)), min_size=1, max_size=12),
    st.data(),
)
def test_no_address_is_probed_twice_at_a_time_nor_too_many_of_an_upstream(
    kinds: list[tuple[float, int]], data: st.DataObject
) -> None:
    under_way: set[Turn] = set()
    begun: dict[Turn, list[float]] = {}
    now = 0.0

    def begin(turn: Turn) -> None:
        assert turn not in under_way
        under_way.add(turn)
        assert sum(one.crew is turn.crew for one in under_way) <= turn.crew.limit
        begun.setdefault(turn, []).append(now)

    rounds = Rounds(begin, lambda: 0.5)
    turns = []
    for interval, limit in kinds:
        crew = Crew(limit)
        turns += [Turn(crew, interval, None) for _ in range(3)]
    for turn in turns:
        rounds.add(turn, now)
    for _ in range(60):
        now += 0.5
        rounds.tick(now)
        for turn in sorted(under_way, key=turns.index):
            if data.draw(st.booleans(), label="over"):
                under_way.discard(turn)
                rounds.over(turn, now)
    for turn, times in begun.items():
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert all(pause >= turn.interval * 0.9 for pause in pauses), (turn.interval, times)
