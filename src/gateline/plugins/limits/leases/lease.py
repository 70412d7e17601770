"""What one worker knows of the leases of one key: how much is asked of it, when to ask Redis again, and how it stood
when it was last told.

How much a node would like to have follows from demand: what was asked of the worker lately, refused or not, until the
window ends, but for no longer than `HORIZON`. Of a bucket it is a part of what the bucket holds, as that is how far it
may be exceeded. While there is nothing to be had, Redis is not asked again before that may have changed.
"""

import asyncio
from math import ceil

from gateline.plugins.limits.budget import SECOND, Algorithm, Quota, Quotas

__all__ = ["Lease", "Slot"]

HORIZON = 1.0
"""Seconds for which a slice should last."""

AHEAD = 0.25
"""The part of a slice that is left when the next one is asked for."""

_FIRST = 4
"""The first slice of a key is this part of a node's share at least."""

_MORE = 1.1
"""So much more than is expected is asked for: a second question costs more than what is left over."""

_BIN = 0.1
"""Seconds over which demand is measured."""
_WEIGHT = 0.5

_ENOUGH = 75
"""A slice that is worth asking for, where there is little to be had."""
_PAUSES = (0.01, 0.4)
"""Seconds until Redis is asked again, at least and at most, where some may come back before the window is over."""
_LESS = 0.9
"""The part of the time in which a bucket gets what a node may hold in advance, after which it is asked again."""
_LONGEST = 1.0
"""Seconds until it is asked again in any case: another node may have given something back."""


class Slot:
    """One quota of a key. `part`: how much of a bucket all nodes together may hold in advance."""

    __slots__ = (
        "_part",
        "_window",
        "barred",
        "bucket",
        "left",
        "lost",
        "low",
        "number",
        "quota",
        "reset_at",
        "retry_at",
        "seconds",
    )

    def __init__(self, quota: Quota, part: float) -> None:
        self.quota = quota
        self.seconds = quota.window / SECOND
        self._window = max(quota.window // 1000, 1)
        self.bucket = quota.algorithm is Algorithm.BUCKET
        self._part = part
        self.number = -1
        """The window that is known of."""
        self.left = 0
        """What Redis had when it was last asked."""
        self.barred = False
        """Whether the node has had its share, and shall not have more now."""
        self.lost = 0
        """What it has refused and counts all the same, and Redis was not told yet."""
        self.low = 0
        """With less than this at hand, more is asked for."""
        self.reset_at = self.retry_at = 0.0
        """When (monotonic) a bucket is full, and when something may be there again."""

    def number_at(self, now: float) -> int:
        """The window of a time in seconds since 1970, in whole microseconds as Redis counts them."""
        return int(now * 1e6) // self._window

    def pool_at(self, now: float) -> int:
        """The window in which something that was leased may be used; what is of a bucket stays."""
        return 0 if self.bucket else self.number_at(now)

    def is_dry(self, got: int, left: int) -> bool:
        """Whether there was so little that it is better to wait for more: what is left of a quota that becomes free bit
        by bit is no slice."""
        return not left or (self.quota.algorithm is not Algorithm.FIXED and left < got)

    def over(self, now: float) -> float:
        """Seconds until that window is over."""
        return (self.number_at(now) + 1) * self._window / 1e6 - now

    def wanted(self, rate: float, now: float, nodes: int) -> int:
        """How much to ask for: what is asked of the worker in a second is `rate`."""
        if self.bucket:
            return max(1, min(ceil(rate * HORIZON), self._in_advance(nodes)))
        wanted = ceil(rate * min(self.over(now), HORIZON) * _MORE) + 1
        if self.number < 0:  # how much is asked of it is not known yet
            wanted = max(wanted, self.quota.amount // (_FIRST * nodes))
        return min(wanted, self.quota.amount)

    def _in_advance(self, nodes: int) -> int:
        return max(1, int(self.quota.most * self._part / nodes))

    def pause(self, retry: float, reset: float, nodes: int) -> float:
        """Seconds until it makes sense to ask again, where nothing is left."""
        if self.quota.algorithm is Algorithm.FIXED:
            return min(reset, _LONGEST)
        shortest, longest = _PAUSES
        share = self.quota.amount / self.seconds / nodes
        if self.bucket:  # not so long that more becomes free than a node may hold in advance
            longest = min(longest, _LESS * self._in_advance(nodes) / share)
        return max(retry, shortest, min(_ENOUGH / share, self.seconds / (2 if self.bucket else 4), longest))


class Lease:
    """A key's. `slots` are those of its quotas."""

    __slots__ = (
        "_bin",
        "_demand",
        "asking",
        "empty_until",
        "error",
        "quotas",
        "rate",
        "slots",
        "ttl",
        "used",
        "waiting",
    )

    def __init__(self, quotas: Quotas, part: float) -> None:
        self.quotas = quotas
        self.slots = tuple(Slot(quota, part) for quota in quotas)
        self.ttl = 2 * max(slot.seconds for slot in self.slots) + 1
        self.asking: asyncio.Task[None] | None = None
        self.error: str | None = None
        """Why Redis could not be asked last."""
        self.waiting = 0
        """What requests that wait for an answer want."""
        self.empty_until = 0.0
        """Until when (monotonic) it makes no sense to ask."""
        self.used = True
        self.rate = 0.0
        self._bin = 0.0
        self._demand = 0

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

    def expected(self, now: float) -> float:
        """What is asked of it in a second, as far as is known; what came just now counts."""
        passed = now - self._bin
        if self._bin and (passed >= _BIN / 5 or not self.rate):
            return max(self.rate, self._demand / max(passed, _BIN / 5))
        return self.rate
