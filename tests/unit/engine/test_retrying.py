"""One request under a retry policy, with a clock and timers of the test's own."""

from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.errors import CATALOGUE
from gateline.engine.exchange import Exchange
from gateline.engine.retrying import NO_RETRY, Retrying
from gateline.engine.upstream.retries import Load, RetryRules
from gateline.entities.retry_policy import RetryPolicy


class _Timers:
    """A clock, and what is due when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[_Due] = []

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], Any]) -> "_Due":
        self.due.append(_Due(self.now + delay, call))
        return self.due[-1]

    @property
    def waiting(self) -> list[float]:
        return sorted(round(one.at - self.now, 6) for one in self.due if not one.cancelled)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for one in [one for one in self.due if one.at <= self.now and not one.cancelled]:
            self.due.remove(one)
            one.call()


class _Due:
    def __init__(self, at: float, call: Callable[[], Any]) -> None:
        self.at, self.call, self.cancelled = at, call, False

    def cancel(self) -> None:
        self.cancelled = True


class _Exchange:
    """What the timers do to an exchange."""

    def __init__(self) -> None:
        self.proxy = self
        self.told: list[str] = []

    def deadline_passed(self) -> None:
        self.told.append("deadline")

    def try_timed_out(self) -> None:
        self.told.append("try timed out")

    def try_again(self, exchange: object, stale: bool) -> None:
        assert exchange is self
        assert not stale
        self.told.append("again")


def begun(timers: _Timers, load: Load | None = None, **policy: Any) -> tuple[Retrying, _Exchange]:
    exchange = _Exchange()
    rules = RetryRules(RetryPolicy(**policy), 5, lambda: 0.999)
    retrying = Retrying(
        cast(Exchange, exchange), rules, load or Load(), clock=timers.clock, call_later=timers.call_later
    )
    retrying.begin(timers.now)
    return retrying, exchange


def test_without_times_in_the_policy_there_is_no_timer() -> None:
    timers = _Timers()
    retrying, _ = begun(timers)
    retrying.sent()
    assert retrying.after_failure(CATALOGUE.RESET) == 0
    retrying.answered()
    retrying.end()
    assert not timers.due


def test_tries_end_with_the_attempts() -> None:
    retrying, _ = begun(_Timers(), attempts=2)
    assert [retrying.after_failure(CATALOGUE.RESET) for _ in range(4)] == [0, 0, NO_RETRY, NO_RETRY]


def test_what_the_policy_does_not_cover_is_not_tried_again() -> None:
    retrying, _ = begun(_Timers(), retry_on=["connect-failure"])
    assert retrying.after_failure(CATALOGUE.RESET) == NO_RETRY
    assert retrying.after_failure(CATALOGUE.CONNECT) == 0


def test_a_try_that_takes_too_long_is_told_once() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, per_try_timeout=200)
    assert retrying.connect_timeout(60.0) == 0.2
    assert retrying.connect_timeout(0.1) == 0.1
    retrying.sent()
    timers.advance(0.1)
    assert exchange.told == []
    timers.advance(0.11)
    assert exchange.told == ["try timed out"]
    timers.advance(100)
    assert exchange.told == ["try timed out"]


def test_each_try_has_its_own_time() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, per_try_timeout=200)
    retrying.sent()
    timers.advance(0.15)
    retrying.try_over()
    retrying.sent()
    timers.advance(0.15)
    assert exchange.told == []
    retrying.answered()
    timers.advance(10)
    assert exchange.told == []


def test_the_deadline_ends_a_request_at_any_point_before_its_answer() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, deadline=1000)
    timers.advance(0.5)
    retrying.sent()
    timers.advance(0.5)
    assert exchange.told == ["deadline"]


def test_after_the_head_only_the_deadline_of_the_answer_counts() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, deadline=1000, response_deadline=3000)
    timers.advance(0.5)
    retrying.answered()
    assert timers.waiting == [2.5]
    timers.advance(2.4)
    assert exchange.told == []
    timers.advance(0.2)
    assert exchange.told == ["deadline"]


def test_the_deadline_of_the_answer_holds_alone_too() -> None:
    timers = _Timers()
    retrying, _ = begun(timers, response_deadline=3000)
    assert timers.waiting == [3]
    retrying.answered()
    assert timers.waiting == [3]
    retrying.end()
    assert timers.waiting == []


def test_a_tunnel_has_no_deadline() -> None:
    timers = _Timers()
    retrying, _ = begun(timers, deadline=1000, response_deadline=3000, per_try_timeout=100)
    retrying.sent()
    retrying.switched()
    assert timers.waiting == []


def test_no_wait_goes_beyond_the_deadline() -> None:
    timers = _Timers()
    retrying, _ = begun(timers, deadline=1000, backoff={"base": 800, "max": 800}, attempts=9)
    assert retrying.after_failure(CATALOGUE.CONNECT) > 0.7
    timers.advance(0.5)
    assert retrying.after_failure(CATALOGUE.CONNECT) == NO_RETRY
    assert retrying.retries == 1


def test_an_answer_that_asks_for_patience_gets_it_or_stands() -> None:
    retrying, _ = begun(_Timers(), retry_after_max=5000, statuses=[503])
    assert retrying.after_answer(b"5") == 5
    assert retrying.after_answer(b"6") == NO_RETRY
    assert retrying.after_answer(None) == 0


def test_nothing_happens_after_the_end() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, deadline=1000, backoff={"base": 800, "max": 800})
    retrying.wait(retrying.after_failure(CATALOGUE.CONNECT))
    retrying.end()
    retrying.end()
    timers.advance(10)
    assert exchange.told == []


def test_a_request_waits_and_goes_on() -> None:
    timers = _Timers()
    retrying, exchange = begun(timers, backoff={"base": 100, "max": 100})
    retrying.wait(retrying.after_failure(CATALOGUE.CONNECT))
    timers.advance(0.05)
    assert exchange.told == []
    timers.advance(0.05)
    assert exchange.told == ["again"]


def test_the_place_in_the_budget_is_free_when_the_answer_comes() -> None:
    load = Load()
    policy: dict[str, Any] = {"budget": {"percent": 0, "min_concurrent": 1}}
    first, second = (begun(_Timers(), load, **policy)[0] for _ in range(2))
    assert load.live == 2
    assert first.after_failure(CATALOGUE.RESET) == 0
    assert first.after_failure(CATALOGUE.RESET) == 0, "it has its place already"
    assert second.after_failure(CATALOGUE.RESET) == NO_RETRY
    first.answered()
    assert second.after_failure(CATALOGUE.RESET) == 0
    first.end()
    second.end()
    assert (load.live, load.retrying) == (0, 0)


_EVENTS = st.sampled_from(["begin", "fail", "answer", "answered", "end"])


@given(
    st.lists(st.tuples(_EVENTS, st.integers(0, 20)), max_size=200),
    st.integers(0, 4),
    st.integers(0, 100),
    st.integers(0, 3),
)
def test_no_order_of_events_exceeds_attempts_or_budget(
    events: list[tuple[str, int]], attempts: int, percent: int, least: int
) -> None:
    load = Load()
    timers = _Timers()
    policy = {"attempts": attempts, "budget": {"percent": percent, "min_concurrent": least}, "statuses": [503]}
    under_way: list[Retrying] = []
    for event, place in events:
        if event == "begin":
            under_way.append(begun(timers, load, **policy)[0])
            continue
        if not under_way:
            continue
        one = under_way[place % len(under_way)]
        before = load.retrying
        if event == "fail":
            one.after_failure(CATALOGUE.RESET)
        elif event == "answer":
            one.after_answer(None)
        elif event == "answered":
            one.answered()
        else:
            under_way.remove(one)
            one.end()
        assert one.retries <= attempts
        if load.retrying > before:
            assert load.retrying <= max(least, percent * load.live / 100)
        assert 0 <= load.retrying <= load.live == len(under_way)
    for one in under_way:
        one.end()
    assert (load.live, load.retrying) == (0, 0)
