"""Quotas against what they mean: a log of everything that was taken, looked at anew each time."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from gateline.sharedstate.quotas import BUCKET, FIXED, NUMBERS, SLIDING, Reading, Rule, taken

START = 1_700_000_000_000_000_000

rules = st.one_of(
    st.tuples(st.sampled_from((FIXED, SLIDING)), st.integers(1, 9), st.integers(1, 50), st.booleans()).map(
        lambda rule: rule if rule[0] == SLIDING else (*rule[:3], False)
    ),
    st.tuples(st.just(BUCKET), st.integers(1, 9), st.integers(1, 20), st.just(False)),
)
steps = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=40)


class Log:
    """Everything that was taken from a quota, and when."""

    def __init__(self, rule: Rule) -> None:
        self.kind, self.size, self.length, self.penalty = rule
        self.taken: list[tuple[int, int]] = []

    def left(self, now: int) -> Fraction:
        """What the definition leaves at a time."""
        if self.kind == BUCKET:
            level, at = Fraction(self.size), 0
            for then, cost in self.taken:
                level = min(level + Fraction(then - at, self.length), Fraction(self.size)) - cost
                at = then
            return min(level + Fraction(now - at, self.length), Fraction(self.size))
        begin = now - now % self.length
        count = Fraction(sum(cost for then, cost in self.taken if then >= begin))
        if self.kind == SLIDING:
            before = sum(cost for then, cost in self.taken if begin - self.length <= then < begin)
            count += before * Fraction(begin + self.length - now, self.length)
        return self.size - count


@given(many=st.lists(rules, min_size=1, max_size=3), steps=steps)
def test_what_is_taken_is_what_the_definition_allows(many: list[Rule], steps: list[tuple[int, int]]) -> None:
    logs = [Log(rule) for rule in many]
    state: list[int] = [0] * (NUMBERS * len(many))
    now = START
    for passed, cost in steps:
        now += passed
        allowed = all(log.left(now) >= cost for log in logs)
        state, readings, took, kept = taken(state, many, cost, now, False)
        assert took == allowed
        for log, (remaining, reset, retry) in zip(logs, readings, strict=True):
            if took or (log.penalty and log.left(now) < cost):
                log.taken.append((now, cost))
            assert remaining == max(log.left(now) // 1, 0)
            assert 0 <= reset <= kept
            assert retry == 0 or not took


@given(many=st.lists(rules, min_size=1, max_size=3), steps=steps)
def test_who_waits_as_long_as_told_is_admitted_and_not_a_moment_before(
    many: list[Rule], steps: list[tuple[int, int]]
) -> None:
    state: list[int] = [0] * (NUMBERS * len(many))
    now = START
    for passed, cost in steps:
        now += passed
        state, readings, took, _ = taken(state, many, cost, now, False)
        if took or cost > min(rule[1] for rule in many):
            continue
        wait = max(retry for _, _, retry in readings)
        assert wait > 0
        assert taken(state, many, cost, now + wait, False)[2]
        assert not taken(state, many, cost, now + wait - 1, False)[2]


@given(rule=rules, steps=steps, later=st.integers(0, 200))
def test_what_is_not_kept_any_longer_would_not_count(rule: Rule, steps: list[tuple[int, int]], later: int) -> None:
    state: list[int] = [0] * NUMBERS
    now, kept = START, 0
    for passed, cost in steps:
        now += passed
        state, _, _, kept = taken(state, [rule], cost, now, False)
    forgotten = taken([0] * NUMBERS, [rule], 0, now + kept + later, False)
    assert taken(state, [rule], 0, now + kept + later, False)[1:3] == forgotten[1:3]


@given(rule=rules, steps=st.lists(st.tuples(st.integers(0, 40), st.integers(-5, 20)), max_size=20))
def test_what_is_charged_afterwards_overdraws_and_what_is_given_back_never_adds(
    rule: Rule, steps: list[tuple[int, int]]
) -> None:
    state: list[int] = [0] * NUMBERS
    now = START
    readings: list[Reading] = []
    for passed, cost in steps:
        now += passed
        state, readings, took, _ = taken(state, [rule], cost, now, True)
        assert took
        assert min(state) >= 0
        assert 0 <= readings[0][0] <= rule[1]


@given(rule=rules, back=st.integers(1, 10), cost=st.integers(1, 9))
def test_a_clock_that_was_read_a_little_earlier_forgets_nothing(rule: Rule, back: int, cost: int) -> None:
    rule = (rule[0], rule[1], max(rule[2], back), rule[3])
    state, before, took, _ = taken([0] * NUMBERS, [rule], cost, START, False)
    _, after, _, _ = taken(state, [rule], 0, START - back, False)
    if took:
        assert after[0][0] <= before[0][0]


@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    lengths=st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)),
    cost=st.integers(1, 9),
    passed=st.integers(0, 10**9),
)
def test_what_was_taken_of_a_bucket_stays_taken_when_it_is_refilled_at_another_pace(
    sizes: tuple[int, int], lengths: tuple[int, int], cost: int, passed: int
) -> None:
    (size, other), (length, longer) = sizes, lengths
    assume(length != longer)
    state, _, took, _ = taken([0] * NUMBERS, [(BUCKET, size, length, False)], cost, START, False)
    missing = max(Fraction(cost * took) - Fraction(passed, length), Fraction(0))
    _, [(left, reset, _)], _, _ = taken(state, [(BUCKET, other, longer, False)], 0, START + passed, False)
    assert reset == min(-(-missing * longer // 1), other * longer)
    assert left == max((other - Fraction(reset, longer)) // 1, 0)


def test_a_clock_that_was_set_back_does_not_hold_anybody_up() -> None:
    rule: Rule = (BUCKET, 1, 1_000_000_000, False)
    day = 86_400_000_000_000
    state, _, took, _ = taken([0] * NUMBERS, [rule], 1, START, False)
    assert took
    state, readings, took, _ = taken(state, [rule], 1, START - day, False)
    assert (took, readings[0][2]) == (False, 1_000_000_000)
    assert taken(state, [rule], 1, START - day + 1_000_000_000, False)[2]
