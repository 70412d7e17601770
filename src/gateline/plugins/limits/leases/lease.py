"""What one worker knows of the leases of one key: its quotas, and how much is asked of it."""

import asyncio

from gateline.plugins.limits.budget import Quotas
from gateline.plugins.limits.leases.slot import Slot

__all__ = ["Lease"]

_BIN = 0.1
"""Seconds over which demand is measured."""
_WEIGHT = 0.5
_FEW = 3
"""Requests that follow each other at once say nothing of the time to come, if they are no more than that."""


class Lease:
    """A key's. `slots` are those of its quotas, `place` is where it is kept."""

    __slots__ = (
        "_bin",
        "_demand",
        "_last",
        "asking",
        "back",
        "error",
        "flowing",
        "key",
        "left",
        "look_at",
        "place",
        "pool",
        "quotas",
        "rate",
        "renew_at",
        "slots",
        "ttl",
        "used",
        "waiting",
    )

    def __init__(self, key: str, quotas: Quotas, part: float, place: str | tuple[str, int] = "") -> None:
        self.key = key
        self.place = place
        self.pool = "lease:" + key
        """Under which name the node keeps what it has."""
        self.left = "left:" + key
        """Under which name it keeps what Redis had left when a worker asked last."""
        self.look_at = 0.0
        """When (monotonic) that is looked at again."""
        self.quotas = quotas
        self.slots = tuple([Slot(quota, part) for quota in quotas])
        self.ttl = 2 * max([slot.seconds for slot in self.slots]) + 1
        self.asking: asyncio.Task[None] | None = None
        self.back: list[int] = []
        """What was at hand of other quotas, those of a configuration before, and goes back to Redis."""
        self.error: str | None = None
        """Why Redis could not be asked last."""
        self.waiting = 0
        """What requests that wait for an answer want."""
        self.renew_at = 0.0
        """When (monotonic) more is asked for in any case: a flow ends."""
        self.flowing = False
        """Whether some of it comes by a flow."""
        self.used = True
        self.rate = 0.0
        self._bin = 0.0
        self._demand = self._last = 0

    def demand(self, cost: int, now: float) -> None:
        """So much is asked of it at a (monotonic) time."""
        self.used = True
        if not self._bin:
            self._bin = now
        passed = now - self._bin
        if passed >= _BIN:
            rate = self._demand / passed
            self.rate = rate if passed > 1 or not self.rate else self.rate + (rate - self.rate) * _WEIGHT
            self._bin = now
            self._demand = 0
        self._demand += cost
        self._last = cost

    def expected(self, now: float) -> float:
        """What is asked of it in a second, as far as is known; what came just now counts. Before that was measured, as
        much again as has come."""
        if not self.rate:
            return float(self._demand)
        passed = now - self._bin
        if self._demand > _FEW * self._last and passed >= _BIN / 5:
            return max(self.rate, self._demand / passed)
        return self.rate
