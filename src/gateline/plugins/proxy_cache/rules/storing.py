"""What a shared cache keeps (RFC 9111, sections 3 to 3.5): which answers, and which of their header fields."""

from dataclasses import dataclass
from typing import Literal

from gateline.plugins.proxy_cache.rules.dates import parse_date
from gateline.plugins.proxy_cache.rules.directives import RequestDirectives, ResponseDirectives
from gateline.plugins.proxy_cache.rules.fields import Headers, has, line_of, lines_of, members_of
from gateline.plugins.proxy_cache.rules.freshness import (
    HEURISTIC_STATUSES,
    Lifetime,
    Policy,
    date_of,
    initial_age,
    lifetime_of,
)
from gateline.plugins.proxy_cache.rules.stored import Stored
from gateline.plugins.proxy_cache.rules.tags import tags_of
from gateline.plugins.proxy_cache.rules.targeted import policy_of
from gateline.plugins.proxy_cache.rules.validators import entity_tag
from gateline.plugins.proxy_cache.rules.vary import vary_names

__all__ = ["NOT_KEPT", "OF_CONDITIONS", "UNDERSTOOD", "Answer", "Refusal", "store", "stored_headers"]

Refusal = Literal[
    "method", "status", "no-store", "private", "authorization", "vary", "set-cookie", "no-freshness", "must-understand"
]
"""Why an answer is not kept."""

UNDERSTOOD = frozenset(
    (200, 203, 204, 300, 301, 302, 303, 307, 308, *range(400, 418), 421, 422, 426, 428, 429, 431, 451, *range(500, 506))
)
"""Statuses that this cache knows, for `must-understand` (RFC 9111, section 5.2.2.3)."""

NOT_KEPT = frozenset(
    (
        b"age",
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Fields that are not kept, besides those that Connection names (RFC 9111, section 3.1)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service as it came, its body aside. Moments are seconds since 1970."""

    status: int
    headers: Headers
    requested: float
    """When the request for it was sent."""
    received: float
    """When its head was there."""
    length: int = -1
    """Bytes of its body, -1 while that is not known."""


def store(
    method: str,
    request_headers: Headers,
    request: RequestDirectives,
    answer: Answer,
    policy: Policy,
) -> Stored | Refusal:
    """What is kept of an answer, or why it is not (RFC 9111, section 3).

    Answers to GET are kept, also such as are stale when they come, if they can be validated. The caller asks for none
    where the request was never to be answered from a cache.
    """
    directives = policy_of(answer.headers, policy.targeted, policy.device)
    lifetime = lifetime_of(directives, answer.status, answer.headers, received=answer.received, policy=policy)
    refusal = _refusal(method, request_headers, request, answer, directives, lifetime)
    if refusal is not None:
        return refusal
    vary = vary_names(answer.headers)
    if vary is None:
        return "vary"
    stored = _stored(answer, directives, lifetime, vary, policy)
    useful = not stored.no_cache and stored.useful_until() > answer.received
    return stored if useful or stored.can_be_validated else "no-freshness"


def stored_headers(headers: Headers, directives: ResponseDirectives) -> tuple[tuple[bytes, bytes], ...]:
    """The header lines that are kept (RFC 9111, section 3.1).

    Fields that `private` or `no-cache` name are not: the first are one client's, the others would have to be validated
    each time.
    """
    connection = {member.lower() for line in lines_of(headers, b"connection") for member in members_of(line)}
    left_out = NOT_KEPT | connection | directives.private_fields | directives.no_cache_fields
    return tuple((name, value) for name, value in headers if name.lower() not in left_out)


def _refusal(
    method: str,
    request_headers: Headers,
    request: RequestDirectives,
    answer: Answer,
    directives: ResponseDirectives,
    lifetime: Lifetime,
) -> Refusal | None:
    headers, status = answer.headers, answer.status
    if method != "GET":
        return "method"
    if status < 200 or status in OF_CONDITIONS:
        return "status"
    if directives.must_understand and status not in UNDERSTOOD:
        return "must-understand"
    if request.no_store or (directives.no_store and not directives.must_understand):
        return "no-store"
    if directives.private:
        return "private"
    if has(request_headers, b"authorization") and not _may_share_authorized(directives):
        return "authorization"
    if not (lifetime.source in _STATED or directives.public or status in HEURISTIC_STATUSES):
        return "no-freshness"
    if not lifetime.explicit and has(headers, b"set-cookie"):
        return "set-cookie"
    return None


OF_CONDITIONS = frozenset((206, 304, 412, 416))
"""Statuses that answer the conditions or the range of one request."""

_STATED = ("s-maxage", "max-age", "expires", "policy")


def _may_share_authorized(directives: ResponseDirectives) -> bool:
    """Whether the answer to a request with Authorization may go to others (RFC 9111, section 3.5)."""
    return directives.public or directives.must_revalidate or directives.s_maxage is not None


def _stored(
    answer: Answer, directives: ResponseDirectives, lifetime: Lifetime, vary: tuple[bytes, ...], policy: Policy
) -> Stored:
    headers = answer.headers
    modified = line_of(headers, b"last-modified")
    said_if_error, said_meanwhile = directives.stale_if_error, directives.stale_while_revalidate
    never_stale = directives.must_revalidate or directives.proxy_revalidate or directives.no_cache
    implied = lifetime.source == "s-maxage"
    no_default = never_stale or implied
    return Stored(
        status=answer.status,
        headers=stored_headers(headers, directives),
        length=answer.length,
        received=answer.received,
        initial_age=initial_age(headers, requested=answer.requested, received=answer.received),
        lifetime=lifetime.seconds,
        heuristic=lifetime.source == "heuristic",
        no_cache=directives.no_cache,
        must_revalidate=never_stale,
        implied_revalidate=implied,
        stale_while_revalidate=_grace(said_meanwhile, policy.stale_while_revalidate, never_stale, no_default),
        stale_if_error=_grace(said_if_error, policy.stale_if_error, never_stale, no_default),
        etag=entity_tag(line_of(headers, b"etag") or b""),
        last_modified=None if modified is None else parse_date(modified, answer.received),
        date=int(date_of(headers, answer.received)),
        vary=vary,
        tags=tags_of(headers),
    )


def _grace(said: int | None, default: int, never_stale: bool, no_default: bool) -> int:
    if never_stale:
        return 0
    if said is not None:
        return said
    return 0 if no_default else default
