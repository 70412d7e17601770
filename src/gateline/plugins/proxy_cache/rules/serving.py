"""Whether a stored answer may be given to a request now (RFC 9111, section 4), and as what."""

from enum import Enum

from gateline.plugins.proxy_cache.rules.dates import format_date
from gateline.plugins.proxy_cache.rules.directives import RequestDirectives
from gateline.plugins.proxy_cache.rules.fields import LONGEST
from gateline.plugins.proxy_cache.rules.stored import Stored

__all__ = ["ERRORS", "Verdict", "age_line", "headers_of", "judge", "may_stand_in", "not_modified_headers"]

ERRORS = frozenset((500, 502, 503, 504))
"""Answers of a service in whose place `stale-if-error` lets a stale one be given (RFC 5861, section 4)."""


class Verdict(Enum):
    """What may be done with a stored answer."""

    FRESH = "fresh"
    """Give it."""
    STALE = "stale"
    """Give it: it is stale, and the client takes it so."""
    REVALIDATE_LATER = "stale-while-revalidate"
    """Give it, and validate it meanwhile (RFC 5861, section 3)."""
    REVALIDATE = "stale-revalidate"
    """Validate it first; it is stale."""
    REVALIDATE_ASKED = "request-revalidate"
    """Validate it first; it is fresh, and the client does not take it as it is."""


def judge(stored: Stored, request: RequestDirectives, now: float) -> Verdict:
    """What the client and the service together allow (RFC 9111, sections 4.2 and 5.2).

    To a request with `only-if-cached` the caller answers 504 where this says that the answer is to be validated first.
    """
    if stored.no_cache:
        return Verdict.REVALIDATE
    age = stored.age(now)
    remaining = stored.lifetime - age
    if _is_refused(request, age, remaining):
        return Verdict.REVALIDATE_ASKED if remaining > 0 else Verdict.REVALIDATE
    if remaining > 0:
        return Verdict.FRESH
    staleness = -remaining
    client_decides = not (stored.must_revalidate or stored.implied_revalidate)
    if client_decides and request.max_stale is not None and staleness <= request.max_stale:
        return Verdict.STALE
    if stored.stale_while_revalidate and staleness <= stored.stale_while_revalidate:
        return Verdict.REVALIDATE_LATER
    return Verdict.REVALIDATE


def may_stand_in(stored: Stored, request: RequestDirectives, now: float) -> bool:
    """Whether a stored answer may be given although it is stale, since the service fails (RFC 5861, section 4).

    It fails when it does not answer, or with one of `ERRORS`. A client may ask for `stale-if-error` itself, where the
    answer does not forbid it.
    """
    if stored.must_revalidate:
        return False
    allowed = stored.stale_if_error
    if request.stale_if_error is not None and not stored.implied_revalidate:
        allowed = max(allowed, request.stale_if_error)
    remaining = stored.remaining(now)
    return remaining > 0 or 0 < allowed >= -remaining


def headers_of(stored: Stored, now: float) -> list[tuple[bytes, bytes]]:
    """The header lines of an answer that is given from what is stored: with Age, and always with a Date."""
    headers = [*stored.headers, age_line(stored, now)]
    if all(name.lower() != b"date" for name, _ in stored.headers):
        headers.append((b"Date", format_date(stored.date)))
    return headers


def not_modified_headers(stored: Stored, now: float) -> list[tuple[bytes, bytes]]:
    """The header lines of a 304 in place of a stored answer: without those that tell of its content.

    See RFC 9110, section 15.4.5.
    """
    return [(name, value) for name, value in headers_of(stored, now) if name.lower() not in _OF_CONTENT]


def age_line(stored: Stored, now: float) -> tuple[bytes, bytes]:
    """The Age of an answer that is given from what is stored (RFC 9111, section 5.1)."""
    return b"Age", b"%d" % min(int(stored.age(now)), LONGEST)


def _is_refused(request: RequestDirectives, age: float, remaining: float) -> bool:
    """Whether the client does not take an answer that is so old, and fresh for so long."""
    if request.no_cache:
        return True
    if request.max_age is not None and age > request.max_age:
        return True
    return request.min_fresh is not None and remaining < request.min_fresh


_OF_CONTENT = frozenset(
    (
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-md5",
        b"content-range",
        b"content-type",
        b"repr-digest",
        b"content-digest",
        b"digest",
    )
)
