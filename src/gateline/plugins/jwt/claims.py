"""What is verified of a token's claims. Words of refusals that Kong has are Kong's (jwt_parser.lua)."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from gateline.plugins.jwt.config import ClaimRule, Config
from gateline.plugins.jwt.refusals import Rejected

__all__ = ["Claims", "claim_at", "words_of"]

_NUMBERS = (int, float)
_AN_HOUR = 3600.0
_FAR = 1e12
"""A time that is far enough: what a token names later is this."""


class Claims:
    """The rules of one configuration."""

    __slots__ = (
        "_audience",
        "_expires",
        "_lacking",
        "_longest",
        "_only_times",
        "_rules",
        "_scopes",
        "_scopes_claim",
        "_scopes_name",
        "_skew",
        "_times",
    )

    def __init__(self, config: Config) -> None:
        self._times = tuple(config.claims_to_verify or ())
        self._expires = "exp" in self._times
        self._longest = config.maximum_expiration
        self._skew = config.clock_skew
        self._audience = frozenset(config.audience_required or ())
        self._scopes = [frozenset(words.split()) for words in config.scopes_required or ()]
        self._scopes_claim = config.scopes_claim
        self._scopes_name = config.scopes_claim[0] if len(config.scopes_claim) == 1 else ""
        self._rules = config.claims_required
        self._only_times = not (self._longest or self._audience or self._scopes or self._rules)
        scope = " ".join(sorted(set().union(*self._scopes))).replace('"', "")
        self._lacking = f'error="insufficient_scope", scope="{scope}"'

    def end(self, claims: dict[str, Any], now: float, strictly: bool) -> float:
        """When a token that is right now is right no more: seconds since 1970.

        `strictly`: its end counts whether the configuration says so or not.
        """
        if not strictly and not self._expires:
            return now + _AN_HOUR
        end = _seconds(claims["exp"])
        return (min(end, _FAR)) + self._skew

    def problem(self, claims: dict[str, Any], now: float, strictly: bool) -> Rejected | None:
        """Why a token is refused for what it says; None when it is not."""
        times = self._times
        if strictly:
            times = ("exp", "nbf") if "nbf" in times or "nbf" in claims else ("exp",)
        if times and (errors := self._untimely(claims, now, times)):
            return Rejected(401, errors)
        return None if self._only_times else self._other_problem(claims, now)

    def _other_problem(self, claims: dict[str, Any], now: float) -> Rejected | None:
        if self._longest and self._lives_long(claims.get("exp"), now):
            return Rejected(401, {"exp": "exceeds maximum allowed expiration"})
        if self._audience and self._audience.isdisjoint(_texts(claims.get("aud"))):
            return Rejected.saying("Invalid audience")
        if self._scopes:
            granted = self.scopes(claims)
            if not any(words.issubset(granted) for words in self._scopes):
                return Rejected.saying("Insufficient scope", 403, self._lacking)
        for rule in self._rules:
            if not _holds(rule, claims):
                return Rejected.saying(f"The claim '{'.'.join(rule.claim)}' is not as required", 403)
        return None

    def _lives_long(self, end: Any, now: float) -> bool:
        return type(end) not in _NUMBERS or end > now + self._longest

    def scopes(self, claims: dict[str, Any]) -> Collection[str]:
        """What a token grants."""
        value = claims.get(self._scopes_name) if self._scopes_name else claim_at(claims, self._scopes_claim)
        return () if value is None else words_of(value)

    def _untimely(self, claims: dict[str, Any], now: float, times: tuple[str, ...]) -> dict[str, str] | None:
        errors: dict[str, str] | None = None
        for name in times:
            value: Any = claims.get(name)
            if type(value) is not int and type(value) is not float:  # a boolean is no number
                fault = "must be a number"
            elif name == "exp" and _seconds(value) <= now - self._skew:
                fault = "token expired"
            elif name == "nbf" and _seconds(value) > now + self._skew:
                fault = "token not valid yet"
            else:
                continue
            if errors is None:
                errors = {}
            errors[name] = fault
        return errors


def _seconds(value: Any) -> float:
    """A time that a token names; an infinite one for a number that is too large for a float."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def claim_at(claims: Mapping[str, Any], path: Collection[str]) -> Any:
    """The claim at a path; None where there is none."""
    value: Any = claims
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def words_of(value: Any) -> list[str]:
    """The words of a claim that is a text, or the texts of one that is an array."""
    return value.split() if isinstance(value, str) else _texts(value)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _holds(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    value = claim_at(claims, rule.claim)
    if rule.values is None:
        return value is not None
    found = value if isinstance(value, list) else [value]
    return any(_written(one) in rule.values for one in found)


def _written(value: Any) -> str | None:
    """A claim as a configuration writes it."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
