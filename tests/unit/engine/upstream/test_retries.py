"""What a retry policy comes to: which failures and answers it covers, how long it waits, what its budget lets pass."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.upstream.retries import Load, RetryRules
from gateline.entities.retry_policy import RetryPolicy

_NOW = 1_700_000_000.0
_IN_TEN_SECONDS = b"Tue, 14 Nov 2023 22:13:30 GMT"


def rules(chance: float = 1.0, *, retries: int = 5, **policy: Any) -> RetryRules:
    return RetryRules(RetryPolicy(**policy), retries, lambda: chance)


@pytest.mark.parametrize(
    ("word", "covered"),
    [
        ("connect-failure", {"name_resolution", "connect", "connect_timeout", "tls"}),
        ("reset", {"reset"}),
        ("timeout", {"read_timeout", "write_timeout", "try_timeout"}),
        ("retriable-4xx", set()),
        (
            "gateway-error",
            {
                *("name_resolution", "connect", "connect_timeout", "tls", "reset", "read_timeout", "write_timeout"),
                *("try_timeout", "bad_response"),
            },
        ),
    ],
)
def test_each_word_covers_its_failures_and_no_others(word: str, covered: set[str]) -> None:
    failures = [value for value in vars(CATALOGUE).values() if isinstance(value, Failure)]
    assert {failure.name for failure in failures if rules(retry_on=(word,)).covers(failure)} == covered


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [
        ({}, set()),
        ({"statuses": (429, 503)}, {429, 503}),
        ({"retry_on": ("gateway-error",)}, {502, 503, 504}),
        ({"retry_on": ("retriable-4xx", "reset"), "statuses": (425,)}, {409, 425}),
        ({"retry_on": ("5xx",)}, set(range(500, 600))),
    ],
)
def test_statuses_are_those_of_the_words_and_those_named(policy: dict[str, Any], statuses: set[int]) -> None:
    assert rules(**policy).statuses == statuses


def test_the_policy_alone_is_what_a_service_does_without_one() -> None:
    plain = rules(retries=3)
    assert plain.attempts == 3
    assert plain.covers(CATALOGUE.CONNECT)
    assert plain.covers(CATALOGUE.RESET)
    assert plain.covers(CATALOGUE.READ_TIMEOUT)
    assert not plain.covers(CATALOGUE.BAD_RESPONSE)
    assert plain.methods == {b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"}
    assert plain.wait(1) == 0
    assert plain.admits(Load())


def test_attempts_and_methods_of_the_policy_hold() -> None:
    own = rules(retries=3, attempts=0, methods=("POST",))
    assert own.attempts == 0
    assert own.methods == {b"POST"}


def test_the_longest_wait_doubles_up_to_its_end() -> None:
    own = rules(backoff={"base": 100, "max": 350})
    assert [own.wait(number) for number in range(1, 5)] == [0.1, 0.2, 0.35, 0.35]
    assert own.wait(100_000) == 0.35


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(1, 64), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_somewhere_below_its_longest(base: int, more: int, number: int, chance: float) -> None:
    most = base + more
    own = rules(chance, backoff={"base": base, "max": most})
    longest = min(base * 2 ** (number - 1), most) / 1000
    assert own.wait(number) == pytest.approx(longest * chance)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, 0),
        (b"3", 3),
        (b"10", 10),
        (b"11", None),
        (b"9" * 400, None),
        (_IN_TEN_SECONDS, 10),
        (b"Tue, 14 Nov 2023 22:13:31 GMT", None),
        (b"Tue, 14 Nov 2023 22:00:00 GMT", 0),
        (b"soon", 0),
        (b"-1", 0),
        (b"\xb2", 0),
        (b"Tue, 99 Nov 2023 22:13:30 GMT", 0),
    ],
)
def test_retry_after_counts_up_to_its_end(header: bytes | None, wait: float | None) -> None:
    assert rules(retry_after_max=10_000).asked_wait(header, _NOW) == wait


def test_retry_after_is_not_looked_at_unless_the_policy_says_so() -> None:
    assert rules().asked_wait(b"3600", _NOW) == 0


@pytest.mark.parametrize(
    ("live", "retrying", "admitted"), [(0, 2, True), (0, 3, False), (15, 3, False), (20, 3, True), (20, 4, False)]
)
def test_a_budget_is_a_share_of_the_live_requests_or_its_least(live: int, retrying: int, admitted: bool) -> None:
    load = Load()
    load.live, load.retrying = live, retrying
    assert rules(budget={"percent": 20, "min_concurrent": 3}).admits(load) is admitted


def test_a_budget_of_nothing_admits_nobody() -> None:
    load = Load()
    load.live = 1000
    assert not rules(budget={"percent": 0, "min_concurrent": 0}).admits(load)
