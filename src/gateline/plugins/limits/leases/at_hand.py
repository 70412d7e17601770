"""What a node has of the quotas of keys, in its shared memory: its workers take from that exactly.

It is one number for each quota, what was taken less what was given, so that less than nothing is what is at hand. A new
window is empty by itself. What a flow brings is put there when it is needed.
"""

from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import Any

from gateline.pdk.node import Counters
from gateline.pdk.redis.clock import RedisClock
from gateline.plugins.limits.budget import Quotas, Standing, Verdict
from gateline.plugins.limits.leases.lease import Lease

__all__ = ["AtHand"]

_MOST = 2**62
_LOOKS = 0.01
"""Seconds between two looks at what other workers were told."""


class AtHand:
    """`part`: how much of a bucket all nodes together may hold in advance. With `tolerant` requests are refused, not
    asked for again, while Redis is gone and the node's share is used up. `ask` is called when more should be asked for,
    `later` where a request has to wait for that, and gives its verdict."""

    __slots__ = ("_ask", "_clock", "_count", "_later", "_part", "_tolerant", "leases")

    def __init__(
        self,
        counters: Counters,
        clock: RedisClock,
        *,
        part: float,
        tolerant: bool,
        ask: Callable[[Lease], object],
        later: Callable[[Lease, int], Coroutine[Any, Any, Verdict]],
    ) -> None:
        self._count = counters.count
        self._clock = clock
        self._part = part
        self._tolerant = tolerant
        self._ask = ask
        self._later = later
        self.leases: dict[str | tuple[str, int], Lease] = {}

    def take(self, key: str, quotas: Quotas, cost: int) -> Verdict | Coroutine[Any, Any, Verdict]:
        """Take from what the node has; where that is too little, ask for more."""
        now = monotonic()
        lease = self.lease(key, quotas)
        lease.demand(cost, now)
        verdict = self.attempt(lease, cost, now)
        if verdict is not None:
            return verdict
        if self.is_empty(lease, cost, now) and (lease.error is None or self._tolerant):
            return self.refused(lease, cost, now)
        return self._later(lease, cost)

    def lease(self, key: str, quotas: Quotas) -> Lease:
        """What the worker knows of a key."""
        lease = self.leases.get(key)
        if lease is None:
            lease = self.leases[key] = Lease(key, quotas, self._part, key)
            self._begin(lease)
        elif lease.quotas is not quotas:  # those of another group of consumers
            place = (key, id(quotas))
            lease = self.leases.get(place)
            if lease is None:
                lease = self.leases[place] = Lease(key, quotas, self._part, place)
        return lease

    def _begin(self, lease: Lease) -> None:
        """Take out what lies there of other quotas, those of a configuration before: it goes back to Redis."""
        begun = self._count("quotas:" + lease.pool, [(lease.quotas.digest, _MOST, 1)], ttl=lease.ttl)[0][0]
        if begun > 1:
            return
        backs = [max(-value, 0) for value in self.values(lease)]
        if any(backs) and self.take_out(lease, backs):
            lease.back = backs

    def attempt(self, lease: Lease, cost: int, now: float) -> Verdict | None:
        """Take from what is at hand, or give None; have more asked for in time."""
        time = self._clock.not_before()
        wanted = cost or 1
        self._look(lease, now, time)
        if lease.flowing:
            self._pour(lease, wanted, time)
        values = self._taken(lease, cost, wanted, time)
        if values is None and lease.flowing and self._pour(lease, wanted, time):
            values = self._taken(lease, cost, wanted, time)
        if values is None:
            return None
        if lease.asking is None and (now >= lease.renew_at or _is_low(lease, values, now, time)):
            self._ask(lease)
        return Verdict(True, _standings(lease, values, 0, now, time))

    def is_empty(self, lease: Lease, cost: int, now: float) -> bool:
        """Whether too little was there for an attempt, and there is no more of it now."""
        wanted = cost or 1
        for slot in lease.slots:  # noqa: SIM110 - a loop is typed where compiled
            if slot.at_hand < wanted and now < slot.empty_until:
                return True
        return False

    def charge(self, lease: Lease, cost: int, now: float) -> tuple[Verdict, bool]:
        """Take whatever is left; whether the node owes something then."""
        self._look(lease, now, self._clock.not_before())
        values = self.add(lease, [cost] * len(lease.slots))
        return Verdict(True, _standings(lease, values, 0, now, self._clock.now())), max(values) > 0

    def refused(self, lease: Lease, cost: int, now: float) -> Verdict:
        """The verdict for a request for which there is too little."""
        values = self.values(lease)
        for at, slot in enumerate(lease.slots):
            if slot.quota.penalty and -values[at] < cost:
                slot.lost += cost
        return Verdict(False, _standings(lease, values, cost or 1, now, self._clock.now()))

    # -- what is left elsewhere ------------------------------------------------------------------------------------
    def tell_left(self, lease: Lease) -> None:
        """Let all workers know what Redis has left. Where two do so at once it may be wrong until the next one does:
        clients are told it, nothing is decided by it."""
        told = self._count(lease.left, _known(lease, [0] * len(lease.slots)), ttl=lease.ttl)[0]
        changes = [slot.left + 1 - value for slot, value in zip(lease.slots, told, strict=True)]
        self._count(lease.left, _known(lease, changes), ttl=lease.ttl)

    def _look(self, lease: Lease, now: float, time: float) -> None:
        if now < lease.look_at:
            return
        lease.look_at = now + _LOOKS
        windows = [(slot.pool_at(time), _MOST, 0) for slot in lease.slots]
        told = self._count(lease.left, windows, ttl=lease.ttl)[0]
        for at, slot in enumerate(lease.slots):
            if told[at] > 0:  # of this window
                slot.left = told[at] - 1

    # -- the numbers -----------------------------------------------------------------------------------------------
    def values(self, lease: Lease) -> list[int]:
        """What was taken less what was given."""
        return self.add(lease, [0] * len(lease.slots))

    def add(self, lease: Lease, amounts: Sequence[int]) -> list[int]:
        """Add to what was taken, whatever is left."""
        time = self._clock.not_before()
        windows = [(slot.pool_at(time), _MOST, by) for slot, by in zip(lease.slots, amounts, strict=True)]
        return self._count(lease.pool, windows, ttl=lease.ttl)[0]

    def claim(self, lease: Lease) -> list[int]:
        """What was taken less what was given; what is owed is no longer: whoever claims it has to tell Redis."""
        values = self.values(lease)
        owed = [max(value, 0) for value in values]
        if any(owed):
            after = self.add(lease, [-value for value in owed])
            others = [min(max(-value, 0), mine) for value, mine in zip(after, owed, strict=True)]
            if any(others):  # another worker has claimed that
                self.add(lease, others)
            values = [value - other for value, other in zip(values, others, strict=True)]
        return values

    def give(self, lease: Lease, amounts: Sequence[int]) -> None:
        """The node was given so much, for the windows that are known of."""
        if any(amounts):
            self._count(lease.pool, _known(lease, [-amount for amount in amounts]), ttl=lease.ttl)

    def take_out(self, lease: Lease, amounts: Sequence[int]) -> bool:
        """Take so much out, of all quotas or of none; whether it was there."""
        time = self._clock.not_before()
        windows = [(slot.pool_at(time), 1 - by, by) for slot, by in zip(lease.slots, amounts, strict=True)]
        return self._count(lease.pool, windows, ttl=lease.ttl)[1]

    def _taken(self, lease: Lease, cost: int, wanted: int, time: float) -> list[int] | None:
        """The values when the cost was taken, None where it could not be."""
        windows = []
        for slot in lease.slots:
            windows.append((slot.pool_at(time), 1 - wanted, cost))  # noqa: PERF401 - a loop is typed where compiled
        values, took = self._count(lease.pool, windows, ttl=lease.ttl)
        for at, slot in enumerate(lease.slots):
            slot.at_hand = -values[at]
            if slot.at_hand < 1 and not cost:
                took = False
        return values if took else None

    def _pour(self, lease: Lease, wanted: int, time: float) -> bool:
        """Put what flows have brought with the rest, where less than what is wanted was there last; whether that was
        anything."""
        windows = []
        some = False
        for slot in lease.slots:
            ready = slot.ready(time) if slot.at_hand < wanted else 0
            windows.append((slot.pool_at(time), _MOST, -ready))
            if ready:
                slot.flow.take(ready)
                slot.flowed += ready
                some = True
        if some:
            self._count(lease.pool, windows, ttl=lease.ttl)
        return some


def _known(lease: Lease, amounts: Sequence[int]) -> list[tuple[int, int, int]]:
    """Amounts for the windows that are known of."""
    numbers = [0 if slot.bucket else slot.number for slot in lease.slots]
    return [(number, _MOST, amount) for number, amount in zip(numbers, amounts, strict=True)]


def _standings(lease: Lease, values: Sequence[int], wanted: int, now: float, time: float) -> list[Standing]:
    """How things stand, as far as the node knows. `wanted`: what was refused, 0 for nothing; `time` is Redis'."""
    standings = []
    for at, slot in enumerate(lease.slots):
        value = values[at]
        reset = max(slot.reset_at - now, 0.0) if slot.bucket else slot.over(time)
        retry = max(slot.retry_at - now, 0.0) if wanted and -value < wanted else 0.0
        standings.append(Standing(max(slot.left - value, 0), reset, retry))
    return standings


def _is_low(lease: Lease, values: Sequence[int], now: float, time: float) -> bool:
    for at, slot in enumerate(lease.slots):
        if -values[at] < slot.low and now >= slot.empty_until and slot.is_short(-values[at], lease.rate, time):
            return True
    return False
