"""How long answers are fresh and how old they are (RFC 9111, section 4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import Policy, policy_of
from gateline.plugins.proxy_cache.rules.fields import LONGEST
from gateline.plugins.proxy_cache.rules.freshness import age_field, initial_age, lifetime_of
from unit.plugins.proxy_cache.rules.scene import NOW, lines, stored


def lifetime(headers: str, status: int = 200, policy: Policy | None = None) -> tuple[int, str]:
    found = lifetime_of(policy_of(lines(headers)), status, lines(headers), received=NOW, policy=policy or Policy())
    return found.seconds, found.source


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Cache-Control: max-age=60, s-maxage=30", (30, "s-maxage")),
        ("Cache-Control: max-age=60\nCache-Control: s-maxage=90", (90, "s-maxage")),
        ("Cache-Control: max-age=60\nExpires: {-10}", (60, "max-age")),
        ("Cache-Control: max-age=0\nExpires: {3600}", (0, "max-age")),
        ("Expires: {60}\nDate: {0}", (60, "expires")),
        ("Expires: {60}\nDate: {20}", (40, "expires")),
        ("Expires: {300}\nDate: {400}", (0, "expires")),
        ("Expires: {60}", (60, "expires")),
        ("Expires: {60}\nDate: foo", (60, "expires")),
        ("Expires: 0\nDate: {0}", (0, "expires")),
        ("Expires: {60}\nExpires: {60}", (60, "expires")),
        ("Expires: {60}\nExpires: {90}", (0, "expires")),
        ("CDN-Cache-Control: max-age=5\nExpires: {60}", (5, "max-age")),
        ("CDN-Cache-Control: public\nExpires: {60}", (0, "none")),
        ("", (0, "none")),
    ],
)
def test_explicit_lifetimes(headers: str, expected: tuple[int, str]) -> None:
    """RFC 9111, sections 4.2.1 and 5.3."""
    assert lifetime(headers) == expected


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ("Last-Modified: {-1000}\nDate: {0}", 200, (100, "heuristic")),
        ("Last-Modified: {-1000}", 404, (100, "heuristic")),
        ("Last-Modified: {-100000000}", 200, (86_400, "heuristic")),
        ("Last-Modified: {1000}", 200, (0, "heuristic")),
        ("Last-Modified: yesterday", 200, (0, "none")),
        ("Last-Modified: {-1000}", 201, (0, "none")),
        ("Last-Modified: {-1000}", 403, (0, "none")),
        ("Last-Modified: {-1000}", 503, (0, "none")),
        ("Last-Modified: {-1000}\nCache-Control: public", 599, (100, "heuristic")),
    ],
)
def test_guessed_lifetimes(headers: str, status: int, expected: tuple[int, str]) -> None:
    """RFC 9111, section 4.2.2."""
    assert lifetime(headers, status) == expected


def test_the_configuration_may_know_lifetimes_of_statuses_and_limits() -> None:
    policy = Policy(lifetimes={404: 10, 503: 2}, lifetime_limit=50, heuristic_limit=0)
    assert lifetime("", 404, policy) == (10, "policy")
    assert lifetime("Cache-Control: max-age=20", 404, policy) == (20, "max-age")
    assert lifetime("Cache-Control: max-age=60", 200, policy) == (50, "max-age")
    assert lifetime("Last-Modified: {-1000}", 200, policy) == (0, "heuristic")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("", 0),
        ("Age: 30", 30),
        ("Age: 030", 30),
        ("Age: 99999999999", LONGEST),
        ("Age: 0,7200", 0),
        ("Age: 7200, 0", 7200),
        ("Age: 0, 0", LONGEST),
        ("Age: 0\nAge: 7200", LONGEST),
        ("Age: 0\nAge: 0", LONGEST),
        ("Age:", LONGEST),
        ("Age: abc", LONGEST),
        ("Age: -7200", LONGEST),
        ("Age: 7200.0", LONGEST),
        ("Age: 7200;foo=bar", LONGEST),
    ],
)
def test_the_age_that_others_tell(headers: str, seconds: int) -> None:
    """RFC 9111, section 5.1; what cannot be trusted is as old as can be."""
    assert age_field(lines(headers)) == seconds


def test_the_age_at_first_is_the_older_of_what_date_and_age_tell() -> None:
    """RFC 9111, section 4.2.3."""

    def age(headers: str, delay: float = 0) -> float:
        return initial_age(lines(headers), requested=NOW - delay, received=NOW)

    assert age("") == 0
    assert age("Date: {-20}") == 20
    assert age("Date: {20}") == 0
    assert age("Date: {-20}\nAge: 30") == 30
    assert age("Date: {-20}\nAge: 10", delay=15) == 25
    assert age("", delay=-5) == 0


def test_an_answer_grows_older() -> None:
    answer = stored("Cache-Control: max-age=60\nAge: 10\nDate: {0}")
    assert answer.age(NOW + 5) == 15
    assert answer.remaining(NOW + 5) == 45
    assert answer.remaining(NOW + 55) == -5
    assert answer.age(NOW - 100) == 10, "a clock that goes back makes nothing younger"


@given(
    st.integers(0, 10**12),
    st.integers(-(10**6), 10**6),
    st.integers(0, 10**6),
    st.floats(0, 10**6),
)
def test_an_answer_never_grows_younger(max_age: int, date: int, age: int, later: float) -> None:
    answer = stored(f'Cache-Control: max-age={max_age}\nDate: {{{date}}}\nAge: {age}\nETag: "a"')
    assert answer.age(NOW) >= age
    assert answer.age(NOW + later) >= answer.age(NOW)
    assert answer.lifetime <= LONGEST
