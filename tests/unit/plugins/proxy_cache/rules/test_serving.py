"""Whether a stored answer may be given (RFC 9111, section 4; RFC 5861)."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import (
    Policy,
    Verdict,
    headers_of,
    judge,
    may_stand_in,
    not_modified_headers,
)
from unit.plugins.proxy_cache.rules.scene import NOW, asks, lines, stored

FRESH, STALE, LATER = Verdict.FRESH, Verdict.STALE, Verdict.REVALIDATE_LATER
REVALIDATE, ASKED = Verdict.REVALIDATE, Verdict.REVALIDATE_ASKED


@pytest.mark.parametrize(
    ("answer", "after", "request_directives", "verdict"),
    [
        ("max-age=60", 0, "", FRESH),
        ("max-age=60", 59.9, "", FRESH),
        ("max-age=60", 60, "", REVALIDATE),
        ("max-age=60, must-revalidate", 30, "", FRESH),
        ("max-age=60, no-cache", 0, "", REVALIDATE),
        ("max-age=60", 0, "no-cache", ASKED),
        ("max-age=60", 90, "no-cache", REVALIDATE),
        ("max-age=60", 10, "max-age=5", ASKED),
        ("max-age=60", 10, "max-age=10", FRESH),
        ("max-age=60", 0, "max-age=0", FRESH),
        ("max-age=60", 1, "max-age=0", ASKED),
        ("max-age=60", 30, "min-fresh=31", ASKED),
        ("max-age=60", 30, "min-fresh=30", FRESH),
        ("max-age=60", 70, "max-stale", STALE),
        ("max-age=60", 70, "max-stale=10", STALE),
        ("max-age=60", 70, "max-stale=9", REVALIDATE),
        ("max-age=60", 70, "max-stale=10, max-age=65", REVALIDATE),
        ("max-age=60, must-revalidate", 70, "max-stale", REVALIDATE),
        ("max-age=60, proxy-revalidate", 70, "max-stale", REVALIDATE),
        ("s-maxage=60", 70, "max-stale", REVALIDATE),
        ("max-age=60, stale-while-revalidate=10", 70, "", LATER),
        ("max-age=60, stale-while-revalidate=10", 71, "", REVALIDATE),
        ("max-age=60, stale-while-revalidate=10", 65, "no-cache", REVALIDATE),
        ("max-age=60, stale-while-revalidate=10", 65, "max-age=60", REVALIDATE),
        ("s-maxage=60, stale-while-revalidate=10", 70, "", LATER),
        ("max-age=60, stale-while-revalidate=10, must-revalidate", 70, "", REVALIDATE),
    ],
)
def test_verdicts(answer: str, after: float, request_directives: str, verdict: Verdict) -> None:
    """RFC 9111, sections 4.2.4, 5.2.1 and 5.2.2; RFC 5861, section 3."""
    kept = stored(f'Cache-Control: {answer}\nETag: "a"\nDate: {{0}}')
    assert (
        judge(kept, asks(f"Cache-Control: {request_directives}" if request_directives else ""), NOW + after) is verdict
    )


@pytest.mark.parametrize(
    ("answer", "after", "request_directives", "may"),
    [
        ("max-age=60", 61, "", False),
        ("max-age=60, stale-if-error=10", 70, "", True),
        ("max-age=60, stale-if-error=10", 71, "", False),
        ("max-age=60", 70, "stale-if-error=10", True),
        ("s-maxage=60", 70, "stale-if-error=10", False),
        ("s-maxage=60, stale-if-error=10", 70, "", True),
        ("max-age=60, stale-if-error=10, must-revalidate", 70, "stale-if-error=10", False),
        ("max-age=60, stale-if-error=10, no-cache", 70, "", False),
        ("max-age=60", 30, "no-cache", True),
    ],
)
def test_what_may_stand_in_for_a_service_that_fails(
    answer: str, after: float, request_directives: str, may: bool
) -> None:
    """RFC 5861, section 4."""
    kept = stored(f'Cache-Control: {answer}\nETag: "a"')
    request = asks(f"Cache-Control: {request_directives}" if request_directives else "")
    assert may_stand_in(kept, request, NOW + after) is may


def test_the_configuration_may_let_stale_answers_stand_in() -> None:
    policy = Policy(stale_if_error=10)
    assert may_stand_in(stored("Cache-Control: max-age=60", policy=policy), asks(), NOW + 70)
    assert not may_stand_in(stored("Cache-Control: s-maxage=60", policy=policy), asks(), NOW + 70)


def test_answers_tell_their_age_and_keep_their_date() -> None:
    """RFC 9111, sections 4 and 5.1."""
    kept = stored("Cache-Control: max-age=60\nAge: 10\nDate: {-5}\nX: 1")
    assert headers_of(kept, NOW + 3.9) == list(lines("Cache-Control: max-age=60\nDate: {-5}\nX: 1\nAge: 13"))
    without = stored("Cache-Control: max-age=60")
    assert headers_of(without, NOW + 1) == list(lines("Cache-Control: max-age=60\nAge: 1\nDate: {0}"))


def test_a_304_has_no_fields_of_the_content() -> None:
    """RFC 9110, section 15.4.5."""
    kept = stored(
        """
        Cache-Control: max-age=60
        Content-Type: text/plain
        Content-Encoding: gzip
        Content-Language: de
        Content-Length: 5
        Content-Location: /a
        Date: {0}
        ETag: "a"
        Expires: {60}
        Vary: Accept
        """
    )
    expected = lines(
        'Cache-Control: max-age=60\nContent-Location: /a\nDate: {0}\nETag: "a"\nExpires: {60}\nVary: Accept\nAge: 0'
    )
    assert not_modified_headers(kept, NOW) == list(expected)


ANSWERS = ["max-age=60", "s-maxage=60", "max-age=0", "stale-while-revalidate=30", "stale-if-error=30", "public"]
PROHIBITIONS = ["must-revalidate", "proxy-revalidate", "no-cache"]
WISHES = ["max-stale", "max-stale=20", "max-age=50", "min-fresh=20", "no-cache", "stale-if-error=30", "only-if-cached"]


@given(
    st.lists(st.sampled_from(ANSWERS), unique=True),
    st.lists(st.sampled_from(PROHIBITIONS), unique=True),
    st.lists(st.sampled_from(WISHES), unique=True),
    st.integers(0, 200),
)
def test_nobody_gets_what_was_forbidden(says: list[str], forbids: list[str], wishes: list[str], after: int) -> None:
    """Whatever else is said, in whatever order it is asked (RFC 9111, sections 4 and 4.2.4)."""
    assume(says or forbids)
    kept = stored(f'Cache-Control: {", ".join(says + forbids)}\nETag: "a"\nDate: {{0}}')
    request = asks(f"Cache-Control: {', '.join(wishes)}") if wishes else asks()
    now = NOW + after
    verdict = judge(kept, request, now)
    stale = kept.age(now) >= kept.lifetime
    if verdict is FRESH:
        assert not stale
    if verdict in (FRESH, STALE, LATER):
        assert "no-cache" not in forbids
        assert "no-cache" not in wishes
        assert "max-age=50" not in wishes or after <= 50
        assert not (stale and forbids)
    if verdict is STALE:
        assert stale
        assert "s-maxage=60" not in says
        assert "max-stale" in wishes or "max-stale=20" in wishes
    if verdict is LATER:
        assert stale
        assert "stale-while-revalidate=30" in says
    if stale and may_stand_in(kept, request, now):
        assert not forbids
        assert "stale-if-error=30" in says or "stale-if-error=30" in wishes


@given(
    st.lists(st.sampled_from(ANSWERS + PROHIBITIONS), unique=True, min_size=1), st.integers(0, 200), st.integers(0, 99)
)
def test_an_answer_that_may_not_be_given_may_not_be_given_later(says: list[str], after: int, more: int) -> None:
    kept = stored(f'Cache-Control: {", ".join(says)}\nETag: "a"')
    if judge(kept, asks(), NOW + after) is REVALIDATE:
        assert judge(kept, asks(), NOW + after + more) is REVALIDATE
