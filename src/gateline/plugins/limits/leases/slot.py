"""What one worker knows of one quota of a key: how much to ask for, and how it stood when it was last told.

How much a node would like to have follows from demand, until the window ends, but for no longer than `HORIZON`. Of a
bucket it is a part of what the bucket holds, as that is how far it may be exceeded: one half lies ready, the other half
may come together of a flow. While there is nothing to be had, Redis is not asked again before that may have changed.
"""

from math import ceil

from gateline.plugins.limits.budget import SECOND, Algorithm, Quota
from gateline.plugins.limits.leases.flow import Flow

__all__ = ["HORIZON", "Slot"]

HORIZON = 1.0
"""Seconds for which a slice should last."""

_FIRST = 4
"""The first slice of a key is this part of a node's share at least."""

_MORE = 1.1
"""So much more than is expected is asked for: a second question costs more than what is left over."""

_ENOUGH = 75
"""A slice that is worth asking for, where there is little to be had."""
_SOME = 5
"""The same, where more comes anyway."""
_PAUSES = (0.01, 0.4)
"""Seconds until Redis is asked again, at least and at most, where some may come back before the window is over."""
_LESS = 0.9
"""The part of the time in which a bucket gets what a node may hold in advance, after which it is asked again."""
_LONGEST = 1.0
"""Seconds until it is asked again in any case: another node may have given something back."""
_ALONE = 0.05
"""Seconds until a bucket's share is looked at again while Redis is gone, at least."""

_UNBOUNDED = 2.0**62
_LEAST = 0.001

_GATHERS = 2
"""How much of a bucket's flow has to be allowed to come together."""


class Slot:
    """One quota of a key. `part`: how much of a bucket all nodes together may hold in advance."""

    __slots__ = (
        "_part",
        "_window",
        "at_hand",
        "barred",
        "bucket",
        "empty_until",
        "flow",
        "flow_most",
        "flow_number",
        "flowed",
        "left",
        "lost",
        "low",
        "number",
        "quota",
        "reset_at",
        "retry_at",
        "seconds",
        "workers",
    )

    def __init__(self, quota: Quota, part: float) -> None:
        self.quota = quota
        self.seconds = quota.window / SECOND
        self._window = max(quota.window // 1000, 1)
        self.bucket = quota.algorithm is Algorithm.BUCKET
        self._part = part
        self.number = -1
        """The window that is known of."""
        self.at_hand = 0
        """What the node had when it was last looked at."""
        self.left = 0
        """What Redis had when it was last asked."""
        self.barred = False
        """Whether the node has had its share, and shall not have more now."""
        self.lost = 0
        """What it has refused and counts all the same, and Redis was not told yet."""
        self.low = 0
        """With less than this at hand, more is asked for."""
        self.empty_until = 0.0
        """Until when (monotonic) it makes no sense to ask for more."""
        self.reset_at = self.retry_at = 0.0
        """When (monotonic) a bucket is full, and when something may be there again."""
        self.flow = Flow()
        self.flow_most = _UNBOUNDED
        """How much of a flow may come together."""
        self.flow_number = -1
        """The window in which the flow was given."""
        self.flowed = 0
        """What it brought, and the node has not counted as given yet."""
        self.workers = 1
        """How many workers of the node wish for a flow."""

    def number_at(self, now: float) -> int:
        """The window of a time in seconds since 1970, in whole microseconds as Redis counts them."""
        microseconds = int(now * 1e6)
        return microseconds // self._window

    def pool_at(self, now: float) -> int:
        """The window in which something that was leased may be used; what is of a bucket stays."""
        return 0 if self.bucket else self.number_at(now)

    def over(self, now: float) -> float:
        """Seconds until that window is over."""
        return (self.number_at(now) + 1) * self._window / 1e6 - now

    def ready(self, now: float) -> int:
        """What the flow has brought: usable in its window, of a bucket at any time."""
        if self.bucket or self.flow_number == self.number_at(now):
            return self.flow.ready(now, self.flow_most)
        return 0

    def is_short(self, at_hand: int, rate: float, now: float) -> bool:
        """Whether so much, and what flows, will not last until the window ends; of a bucket, until the flow does."""
        lasts = self.flow.until - now if self.bucket else self.over(now)
        return lasts <= 0 or not rate or at_hand + self.flow.to_come(now) < rate * lasts

    # -- asking ----------------------------------------------------------------------------------------------------
    def wanted(self, rate: float, now: float, nodes: int) -> int:
        """How much to have at once: what is asked of the worker in a second is `rate`."""
        if self.bucket:
            advance = self._in_advance(nodes)
            return max(1, min(ceil(rate * HORIZON), advance - advance // 2))
        wanted = ceil(rate * min(self.over(now), HORIZON) * _MORE) + 1
        if self.number < 0:  # how much is asked of it is not known yet
            wanted = max(wanted, self.quota.amount // (_FIRST * nodes))
        return min(wanted, self.quota.amount)

    def wish(self, rate: float, now: float, at_hand: int, nodes: int) -> float:
        """How much to have in each second of the time to come, beside what is at hand. A flow of
        which too little may come together would mostly be forgone."""
        if self.quota.algorithm is Algorithm.FIXED or (self.bucket and self.flow_of(nodes) < _GATHERS):
            return 0.0
        return max(rate - self.pace_of(at_hand, now), 0.0)

    def pace_of(self, amount: int, now: float) -> float:
        """How fast so much flows (units for each second) in the time for which a slice should last."""
        return amount / (HORIZON if self.bucket else max(min(self.over(now), HORIZON), _LEAST))

    def flow_of(self, nodes: int) -> int:
        """How much of a bucket's flow may come together in one worker."""
        return self._in_advance(nodes) // (2 * max(self.workers, 1))

    def _in_advance(self, nodes: int) -> int:
        return max(1, int(self.quota.most * self._part / nodes))

    # -- when there is nothing -------------------------------------------------------------------------------------
    def is_dry(self, got: int, left: int) -> bool:
        """Whether there was so little that it is better to wait for more: what is left of a quota that becomes free bit
        by bit is no slice."""
        return not left or (self.quota.algorithm is not Algorithm.FIXED and left < got)

    def pause(self, retry: float, reset: float, nodes: int) -> float:
        """Seconds until it makes sense to ask again, where nothing is left and nothing flows; a new window is always
        worth it."""
        if self.quota.algorithm is Algorithm.FIXED:
            return min(reset, _LONGEST)
        shortest, longest = _PAUSES
        share = self.quota.amount / self.seconds / nodes
        if self.bucket:  # not so long that more becomes free than a node may hold in advance
            longest = min(longest, _LESS * self._in_advance(nodes) / share)
        enough = max(retry, shortest, min(_ENOUGH / share, self.seconds / (2 if self.bucket else 4), longest))
        return enough if self.bucket else min(enough, max(reset, shortest))

    def pause_beside_flow(self, got: int, ends: float, pace: float, free: float, nodes: int) -> float:
        """As above, beside what it got and a flow of a pace, which ends in so many seconds; `free` is what becomes free
        in a second and flows to nobody."""
        used = max(_ENOUGH - got, 0) / pace
        return max(min(ends, max(used, _SOME * nodes / max(free, _LEAST))), _PAUSES[0])

    # -- without Redis ---------------------------------------------------------------------------------------------
    def share(self, now: float, nodes: int, *, alone: bool) -> tuple[int, int]:
        """A node's share of the present window, and how much of it can be of use at once; of a bucket what has become
        free in the window, and what a full one holds where the node was not `alone` before."""
        share = max(1, self.quota.amount // nodes)
        if not self.bucket:
            return share, share
        most = max(1, self.quota.burst // nodes)
        return ceil(share * (1.0 - self.over(now) / self.seconds)) + (0 if alone else most), most

    def pause_alone(self, now: float, nodes: int) -> float:
        """Seconds until a share that was used up is looked at again."""
        if not self.bucket:
            return min(self.over(now), _LONGEST)
        return min(max(_ALONE, self.seconds / max(1, self.quota.amount // nodes)), _LONGEST)
