"""A budget in the database, which nodes share: each request is counted there before it passes. See `Budget`.

Windows only, fixed or sliding. The nodes' clocks say which windows there are; they should agree. Of a sliding window
the count of the one before is needed to know what may be taken. It hardly changes any more, so it is remembered, told
anew with every answer, and asked for alone only when it is not known.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateline.pdk import Node, TalliesError
from gateline.pdk.node import Period
from gateline.plugins.limits.budget import SECOND, Algorithm, BudgetError, Quota, Quotas, Standing, Verdict
from gateline.plugins.limits.stored_windows import stored_name

__all__ = ["StoredBudget"]

_MOST = 2**62
_SLACK = 60
"""Seconds after its end for which a window is kept: another node's clock may be behind."""
_REMEMBERED = 10_000
"""Keys whose windows before are remembered."""


class StoredBudget:
    """Counts in `Node.tallies`."""

    def __init__(self, node: Node) -> None:
        self._tallies = node.tallies
        self._time = node.time
        self._before: dict[str, tuple[tuple[int, ...], Sequence[int]]] = {}

    async def take(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take the cost from all quotas, or from none."""
        name = stored_name(key)
        windows = _windows(quotas, int(self._time() * SECOND))
        wanted = cost or 1
        before = await self._known(name, windows)
        limits = [window.room(count) - wanted + 1 for window, count in zip(windows, before, strict=True)]
        told = await self._count(name, windows, limits, [cost] * len(windows))
        refusing = [count >= limit for count, limit in zip(told.counts, limits, strict=True)]
        admitted = told.added if cost else not any(refusing)
        if not admitted:
            pairs = zip(windows, refusing, strict=True)
            lost = [cost if window.quota.penalty and refuses else 0 for window, refuses in pairs]
            if any(lost):
                told = await self._count(name, windows, None, lost)
        return _verdict(windows, told, 0 if admitted else wanted)

    async def charge(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take what became known only afterwards, or give some back."""
        name = stored_name(key)
        windows = _windows(quotas, int(self._time() * SECOND))
        costs = [cost] * len(windows)
        if cost < 0:  # of the windows before nothing is given back
            there = await self._count(name, windows, None, [0] * len(windows))
            costs = [max(cost, -count) for count in there.counts]
        return _verdict(windows, await self._count(name, windows, None, costs), 0)

    async def _known(self, name: str, windows: "Sequence[_Window]") -> Sequence[int]:
        """What was counted in the windows before, where they slide."""
        if not any(window.slides for window in windows):
            return [0] * len(windows)
        known = self._before.get(name)
        if known is not None and known[0] == _numbers(windows):
            return known[1]
        return (await self._count(name, windows, None, [0] * len(windows))).before

    async def _count(
        self, name: str, windows: "Sequence[_Window]", limits: Sequence[int] | None, costs: Sequence[int]
    ) -> "_Told":
        """Add to all windows that have not reached their limits, or to none. Raises BudgetError."""
        most = limits or [_MOST] * len(windows)
        periods = [window.period(limit, cost) for window, limit, cost in zip(windows, most, costs, strict=True)]
        periods += [window.period_before() for window in windows if window.slides]
        try:
            values, added = await self._tallies.count(name, periods)
        except TalliesError as error:
            raise BudgetError(str(error)) from error
        earlier = iter(values[len(windows) :])
        before = [next(earlier) if window.slides else 0 for window in windows]
        if len(self._before) >= _REMEMBERED:
            self._before.clear()
        self._before[name] = _numbers(windows), before
        return _Told(values[: len(windows)], before, added)


class _Told(NamedTuple):
    """What was counted in the windows and in those before, and whether something was added."""

    counts: Sequence[int]
    before: Sequence[int]
    added: bool


class _Window(NamedTuple):
    """The present window of a quota, the one at a place, `passed` nanoseconds after it began."""

    place: int
    quota: Quota
    number: int
    passed: int

    @property
    def slides(self) -> bool:
        return self.quota.algorithm is Algorithm.SLIDING

    @property
    def left(self) -> int:
        return self.quota.window - self.passed

    def room(self, before: int) -> int:
        """How much may be counted in it."""
        return self.quota.amount - -(-before * self.left // self.quota.window)

    def period(self, limit: int, cost: int) -> Period:
        return self._period(self.number, limit, cost)

    def period_before(self) -> Period:
        return self._period(self.number - 1, _MOST, 0)

    def _period(self, number: int, limit: int, cost: int) -> Period:
        length = self.quota.window
        lives = (number + (2 if self.slides else 1)) * length
        name = f"{self.place}:{length / SECOND:g}"
        return Period(name, number * length // SECOND, -(-lives // SECOND) + _SLACK, limit, cost)

    def standing(self, count: int, before: int, wanted: int) -> Standing:
        """How it stands; `wanted`: what was refused, 0 for nothing."""
        retry = self._retry(count, before, min(wanted, self.quota.amount)) if wanted else 0
        return Standing(max(self.room(before) - count, 0), self.left / SECOND, retry / SECOND)

    def _retry(self, count: int, before: int, wanted: int) -> int:
        """Nanoseconds until so much could be taken if nobody took anything."""
        spare = self.quota.amount - count - wanted
        length = self.quota.window
        if not self.slides:
            return 0 if spare >= 0 else self.left
        if spare >= 0:  # in this window, when enough of the one before has left it
            return max(self.left - (spare * length // before if before else length), 0)
        return self.left + length - (self.quota.amount - wanted) * length // count


def _windows(quotas: Quotas, now: int) -> list[_Window]:
    return [_Window(place, quota, *divmod(now, quota.window)) for place, quota in enumerate(quotas)]


def _numbers(windows: Sequence[_Window]) -> tuple[int, ...]:
    return tuple(window.number for window in windows)


def _verdict(windows: Sequence[_Window], told: _Told, wanted: int) -> Verdict:
    standings = [
        window.standing(count, before, wanted)
        for window, count, before in zip(windows, told.counts, told.before, strict=True)
    ]
    return Verdict(not wanted, standings)
