"""What is tried again, after what wait, and how many requests may be in a retry at once.

A route's `retry_policy` is compiled into `RetryRules`; the requests that follow rules with a budget are counted in the
`Load` of their service. Nothing here waits or reads a clock: `engine.retrying` does that for one request.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from random import random
from typing import TYPE_CHECKING

from gateline.engine.errors import CATALOGUE, Failure

if TYPE_CHECKING:
    from gateline.entities.retry_policy import RetryPolicy

__all__ = ["IDEMPOTENT", "REPLAY_LIMIT", "Load", "RetryRules"]

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"})
"""Methods that may be sent twice (RFC 9110, section 9.2.2)."""

REPLAY_LIMIT = 64 * 1024
"""Bytes of a request body that are kept for another try, or until there is a connection; a longer one is sent once."""

_NOT_CONNECTED = frozenset({CATALOGUE.NAME_RESOLUTION, CATALOGUE.CONNECT, CATALOGUE.CONNECT_TIMEOUT, CATALOGUE.TLS})
_TIMED_OUT = frozenset({CATALOGUE.READ_TIMEOUT, CATALOGUE.WRITE_TIMEOUT, CATALOGUE.TRY_TIMEOUT})
_NO_ANSWER = _NOT_CONNECTED | _TIMED_OUT | {CATALOGUE.RESET, CATALOGUE.BAD_RESPONSE}
_FAILURES: dict[str, frozenset[Failure]] = {
    "connect-failure": _NOT_CONNECTED,
    "reset": frozenset({CATALOGUE.RESET}),
    "timeout": _TIMED_OUT,
    "gateway-error": _NO_ANSWER,
    "5xx": _NO_ANSWER,
}
_STATUSES: dict[str, frozenset[int]] = {
    "gateway-error": frozenset({502, 503, 504}),
    "5xx": frozenset(range(500, 600)),
    "retriable-4xx": frozenset({409}),
}


class Load:
    """How much of a service's work is under way in this worker, as far as it follows rules with a budget."""

    __slots__ = ("live", "retrying")

    def __init__(self) -> None:
        self.live = 0
        """Requests."""
        self.retrying = 0
        """Those of them that are in a retry, or wait for one."""


class RetryRules:
    """A retry policy as a request needs it; times in seconds, 0.0 for none."""

    __slots__ = (
        "_backoff_base",
        "_backoff_max",
        "_failures",
        "_least",
        "_random",
        "_retry_after_max",
        "_share",
        "attempts",
        "budgeted",
        "deadline",
        "methods",
        "per_try_timeout",
        "replay_limit",
        "response_deadline",
        "statuses",
    )

    def __init__(self, policy: "RetryPolicy", retries: int, random: Callable[[], float] = random) -> None:
        """`retries`: those of the service, for a policy that names no number; `random` gives 0 to below 1."""
        self.attempts = retries if policy.attempts is None else policy.attempts
        self.statuses = frozenset(policy.statuses or ()).union(*(_STATUSES.get(word, ()) for word in policy.retry_on))
        self.methods = IDEMPOTENT if policy.methods is None else frozenset(name.encode() for name in policy.methods)
        self.per_try_timeout = _seconds(policy.per_try_timeout)
        self.deadline = _seconds(policy.deadline)
        self.response_deadline = _seconds(policy.response_deadline)
        self.replay_limit = policy.replay_limit
        self.budgeted = policy.budget is not None
        self._failures = frozenset[Failure]().union(*(_FAILURES.get(word, ()) for word in policy.retry_on))
        self._backoff_base = _seconds(policy.backoff.base if policy.backoff else None)
        self._backoff_max = _seconds(policy.backoff.max if policy.backoff else None)
        self._retry_after_max = _seconds(policy.retry_after_max)
        self._share = policy.budget.percent / 100 if policy.budget else 0.0
        self._least = policy.budget.min_concurrent if policy.budget else 0
        self._random = random

    def covers(self, failure: Failure) -> bool:
        """Whether a try that failed so is followed by another one."""
        return failure in self._failures

    def admits(self, load: Load) -> bool:
        """Whether the budget lets one more request begin to retry."""
        return not self.budgeted or load.retrying < max(self._least, int(self._share * load.live))

    def wait(self, number: int) -> float:
        """Seconds to wait before the retry with this number (from 1): by chance, from none to the step's longest."""
        if not self._backoff_base:
            return 0.0
        longest = min(self._backoff_base * 2.0 ** min(number - 1, 31), self._backoff_max)
        return longest * self._random()

    def asked_wait(self, retry_after: bytes | None, now: float) -> float | None:
        """Seconds that an answer's `Retry-After` asks for, 0.0 if it asks for none; None when that is too long.

        `now` in seconds since 1970.
        """
        if not self._retry_after_max or retry_after is None:
            return 0.0
        seconds = _retry_after(retry_after.decode("latin-1"), now)
        return seconds if seconds <= self._retry_after_max else None


def _seconds(milliseconds: int | None) -> float:
    return (milliseconds or 0) / 1000


def _retry_after(text: str, now: float) -> float:
    """Seconds from now (RFC 9110, section 10.2.3); what is neither seconds nor a date asks for nothing."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return 0.0
