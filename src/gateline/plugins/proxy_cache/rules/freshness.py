"""How long an answer is fresh, and how old it is (RFC 9111, section 4.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateline.plugins.proxy_cache.rules.dates import parse_date
from gateline.plugins.proxy_cache.rules.directives import ResponseDirectives
from gateline.plugins.proxy_cache.rules.fields import LONGEST, Headers, line_of, lines_of, members_of, seconds_of
from gateline.plugins.proxy_cache.rules.targeted import TARGETED

__all__ = ["HEURISTIC_STATUSES", "Lifetime", "Policy", "age_field", "date_of", "initial_age", "lifetime_of"]

HEURISTIC_STATUSES = frozenset((200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))
"""Statuses whose answers may be kept when nothing says how long (RFC 9110, section 15.1); 206 is never kept."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the rules leave to the configuration. Times are seconds."""

    lifetimes: Mapping[int, int] = field(default_factory=dict)
    """By status: how long an answer is fresh that does not say so itself (negative caching)."""
    heuristic_fraction: float = 0.1
    """Of its age when it was sent: how long an answer is fresh that says only when it was modified."""
    heuristic_limit: int = 86_400
    """The longest such time; 0 for no guessing."""
    lifetime_limit: int = LONGEST
    """The longest that any answer is fresh."""
    stale_while_revalidate: int = 0
    """For answers that do not say it themselves, so too the next."""
    stale_if_error: int = 0
    targeted: tuple[bytes, ...] = TARGETED
    device: bytes = b"gateline"
    """The name by which Surrogate-Control and Cache-Status mean this cache."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How many seconds an answer is fresh from when it was made, and where that is from."""

    seconds: int
    source: Literal["s-maxage", "max-age", "expires", "policy", "heuristic", "none"]

    @property
    def explicit(self) -> bool:
        """Whether the answer says it itself."""
        return self.source in ("s-maxage", "max-age", "expires")


def lifetime_of(
    directives: ResponseDirectives, status: int, headers: Headers, *, received: float, policy: Policy
) -> Lifetime:
    """The freshness lifetime of an answer (RFC 9111, sections 4.2.1 and 4.2.2).

    `received` is when it came, in seconds since 1970. An Expires that is no date, and one of several that differ, is
    one in the past.
    """
    lifetime = _lifetime(directives, status, headers, received, policy)
    if lifetime.seconds > policy.lifetime_limit:
        return Lifetime(policy.lifetime_limit, lifetime.source)
    return lifetime


def _lifetime(
    directives: ResponseDirectives, status: int, headers: Headers, received: float, policy: Policy
) -> Lifetime:
    if directives.s_maxage is not None:
        return Lifetime(directives.s_maxage, "s-maxage")
    if directives.max_age is not None:
        return Lifetime(directives.max_age, "max-age")
    made = date_of(headers, received)
    expires = lines_of(headers, b"expires")
    if expires and not directives.targeted:
        ends = parse_date(expires[0], received) if len(set(expires)) == 1 else None
        return Lifetime(0 if ends is None else min(max(0, ends - int(made)), LONGEST), "expires")
    if status in policy.lifetimes:
        return Lifetime(policy.lifetimes[status], "policy")
    modified = line_of(headers, b"last-modified")
    if modified is not None and (status in HEURISTIC_STATUSES or directives.public):
        when = parse_date(modified, received)
        if when is not None:
            guess = int((made - when) * policy.heuristic_fraction)
            return Lifetime(min(max(0, guess), policy.heuristic_limit), "heuristic")
    return Lifetime(0, "none")


def date_of(headers: Headers, received: float) -> float:
    """When an answer was made: its Date; where that is absent or no date, when it came."""
    line = line_of(headers, b"date")
    date = None if line is None else parse_date(line, received)
    return received if date is None else date


def initial_age(headers: Headers, *, requested: float, received: float) -> float:
    """How many seconds old an answer was when it came (RFC 9111, section 4.2.3: `corrected_initial_age`).

    `requested` and `received` are seconds since 1970.
    """
    apparent = max(0.0, received - date_of(headers, received))
    return max(apparent, age_field(headers) + max(0.0, received - requested))


def age_field(headers: Headers) -> int:
    """The seconds that Age tells (RFC 9111, section 5.1); `LONGEST` where it cannot be trusted.

    Of a list the first member counts. The RFC would have a cache ignore an Age that is no number, which makes an answer
    of unknown age fresh; here that is stale, and so is one with several Age fields, or with several equal values, which
    is what becomes of several fields when something joins them.
    """
    lines = lines_of(headers, b"age")
    if not lines:
        return 0
    members = members_of(lines[0])
    if len(lines) > 1 or not members or len(set(members)) < len(members):
        return LONGEST
    seconds = seconds_of(members[0])
    return LONGEST if seconds is None else seconds
