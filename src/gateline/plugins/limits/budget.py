"""What a limit is, who keeps count of it, and what they answer: the seam between plugins that limit and strategies.

A plugin gives a `Budget` a key (who is counted), the quotas that hold for it and what the request costs; the budget
looks at all quotas and takes from all or none of them, in one atomic step, and gives a `Verdict`. A budget that is at
hand (the counters of the node) gives it at once; one that has to ask (Redis) gives a coroutine, and may do either from
request to request (one that has borrowed some of a shared quota asks only when that is used up). A hook passes such a
coroutine on as its own:

    verdict = budget.take(key, quotas, cost)
    if not isinstance(verdict, Verdict):
        return self._later(exchange, verdict)

Costs are whole numbers. Lengths of time in quotas are nanoseconds, so that the arithmetic is exact; those in standings
are seconds, as clients are told them.
"""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from zlib import crc32

__all__ = ["SECOND", "Algorithm", "Budget", "BudgetError", "Quota", "Quotas", "Standing", "Verdict"]

SECOND = 1_000_000_000
"""Nanoseconds."""


class BudgetError(Exception):
    """The counts cannot be had, or not in time. The message says why, and names no secret."""


class Algorithm(IntEnum):
    """How a quota is measured. The numbers are part of what is stored.

    - FIXED: so many in each window; windows are aligned to the clock (since 1970, in UTC).
    - SLIDING: as FIXED, but what was taken in the window before counts for the part of it that a window which ends now
      would still cover: `now + before * (1 - passed / window) + cost <= amount`.
    - BUCKET: a bucket of `burst` that is refilled with `amount` in each window, evenly. Written with one number, the
      time until it is full again, it is GCRA: that time never exceeds `burst * window / amount`.
    """

    FIXED = 0
    SLIDING = 1
    BUCKET = 2


@dataclass(frozen=True)
class Quota:
    """So much in so much time.

    `window` is in nanoseconds. `burst` is for BUCKET only: what may be taken at once. With `penalty` (SLIDING only) a
    request that this quota refuses counts in it, so that a client that does not slow down stays refused.
    """

    algorithm: Algorithm
    amount: int
    window: int
    burst: int = 0
    penalty: bool = False

    @cached_property
    def rule(self) -> tuple[int, int, int, bool]:
        """As `Counters.take` of the kit has it: algorithm, size, nanoseconds, penalty.

        Size and nanoseconds are amount and window; of a bucket, what it holds and the time in which it gets one more,
        rounded up: never too soon.
        """
        if self.algorithm is Algorithm.BUCKET:
            return (int(self.algorithm), self.burst, max(1, -(-self.window // self.amount)), False)
        return (int(self.algorithm), self.amount, self.window, self.penalty)

    @cached_property
    def most(self) -> int:
        """The highest cost that can ever be admitted."""
        return self.burst if self.algorithm is Algorithm.BUCKET else self.amount


class Quotas(tuple[Quota, ...]):
    """The quotas that hold together for one key, always in this order; what follows from them is worked out once."""

    @cached_property
    def rules(self) -> tuple[tuple[int, int, int, bool], ...]:
        """As `Counters.take` of the kit has them."""
        return tuple(quota.rule for quota in self)

    @cached_property
    def layout(self) -> str:
        """Part of every key: what is stored for quotas of one layout cannot be read as that of another (`s60,f3600`).

        Amounts are no part of it: who changes a limit, or has another than others, goes on with what was counted.
        """
        return ",".join(f"{'fsb'[quota.algorithm]}{_text(quota)}" for quota in self)

    @cached_property
    def digest(self) -> int:
        """What tells these quotas, amounts included, from others."""
        return crc32(repr(tuple(self)).encode())


def _text(quota: Quota) -> str:
    if quota.algorithm is Algorithm.BUCKET:
        return ""
    seconds, rest = divmod(quota.window, SECOND)
    return f"{seconds}.{rest:09}" if rest else f"{seconds}"


class Standing(NamedTuple):
    """How a key stands with one quota, once the request has been counted (or was not, because it is refused)."""

    remaining: int
    """What could be taken right now, at least 0."""
    reset: float
    """Seconds until the window is over; of a bucket, until it is full."""
    retry: float
    """Seconds until this request would be admitted by this quota if nobody else took anything; 0 for one that is.

    For a cost that can never be admitted (`Quota.most`) the time until all of it is there.
    """


class Verdict(NamedTuple):
    """What becomes of a request: admitted (and taken from all quotas) or not, and a standing for each quota in turn."""

    admitted: bool
    standings: Sequence[Standing]


class Budget(Protocol):
    """Keeps count for the keys of a strategy. Each call is one atomic step over everybody who shares the budget."""

    def take(self, key: str, quotas: Quotas, cost: int) -> Verdict | Coroutine[Any, Any, Verdict]:
        """Take the cost from all quotas when each has that much left, otherwise from none (but see `Quota.penalty`).

        Cost 0 takes nothing: `admitted` then says whether a cost of 1 would be. Raises BudgetError, here or when the
        coroutine is awaited.
        """

    def charge(self, key: str, quotas: Quotas, cost: int) -> Verdict | Coroutine[Any, Any, Verdict]:
        """Take what became known only afterwards, whatever is left: a quota may be overdrawn. `admitted` is True.

        A negative cost gives back (what was taken in advance and not used), at most what was taken in the present
        window. Raises as `take`.
        """
