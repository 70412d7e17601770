"""Windows of time, aligned to the clock in UTC: seconds, minutes, hours, days, months and years.

What follows from the time changes once a second; it is worked out then, and not for each request.
"""

import math
from collections.abc import Iterable, Mapping
from time import gmtime
from typing import Annotated, Any

from gateline.pdk.fields import Field, GreaterThan

__all__ = ["MOST_WINDOWS", "UNITS", "Limit", "Windows", "limits_of", "order_problem", "text_of"]

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 365 * 86400}
"""The units, shorter ones first, and their seconds as clients are told them: each month has 30 days, each year 365."""

Limit = Annotated[Annotated[float, GreaterThan(0)] | None, Field(description="Requests in each window of this length.")]

MOST_WINDOWS = 100
"""Windows that can be counted together."""

_MOST = 2**62


class Windows:
    """The windows of some limits at a time: `at(time)` first, then the attributes.

    `counted` is what to count: a window's number, its limit, and what to add. `resets` are the seconds until each is
    over, `ttl` those until the longest one is. `wholes` are the units and their limits as whole numbers, whatever the
    time.
    """

    __slots__ = ("_limits", "_second", "_spans", "_units", "counted", "resets", "ttl", "wholes")

    def __init__(self, limits: Iterable[tuple[str, float]]) -> None:
        """Units and their limits."""
        pairs = tuple(limits)
        self._units = tuple(unit for unit, _ in pairs)
        self._limits = tuple(min(math.ceil(limit), _MOST) for _, limit in pairs)
        self.wholes = tuple(zip(self._units, self._limits, strict=True))
        self._second = -1.0
        self._spans: list[tuple[int, int]] = []
        self.counted: list[tuple[int, int, int]] = []
        self.resets: list[int] = []
        self.ttl = 0.0

    def at(self, time: float) -> None:
        """Be as of a time, in seconds since 1970."""
        if not self._second <= time < self._second + 1:
            self._second = int(time)
            self._turn(int(time))

    def _turn(self, second: int) -> None:
        places = [_place(unit, second) for unit in self._units]
        pairs = zip(places, self._limits, strict=True)
        self.counted = [(number, limit, 1) for (number, _, _), limit in pairs]
        passed = [(UNITS[unit], since) for unit, (_, since, _) in zip(self._units, places, strict=True)]
        self.resets = [max(1, seconds - since) for seconds, since in passed]
        self.ttl = float(max(left for _, _, left in places))
        self._spans = [(second - since, second + left) for _, since, left in places]

    def spans(self) -> list[tuple[int, int]]:
        """When each window began, and when it is surely over, in seconds since 1970."""
        return self._spans


def _place(unit: str, second: int) -> tuple[int, int, int]:
    """The number of the window that a second is in, the seconds since it began, and at least those until its end."""
    if unit in ("month", "year"):
        now = gmtime(second)
        since = ((now.tm_mday if unit == "month" else now.tm_yday) - 1) * 86400 + second % 86400
        if unit == "month":
            return now.tm_year * 12 + now.tm_mon, since, 31 * 86400 - since
        return now.tm_year, since, 366 * 86400 - since
    length = UNITS[unit]
    return second // length, second % length, length - second % length


def limits_of(config: Any) -> list[tuple[str, float]]:
    """The units that a record has limits for, shorter ones first; whole numbers as such."""
    given = [(unit, getattr(config, unit)) for unit in UNITS]
    return [(unit, int(limit) if limit == int(limit) else limit) for unit, limit in given if limit is not None]


def order_problem(given: Mapping[str, float | None]) -> str | None:
    """What is wrong where a longer window allows less than a shorter one."""
    limits = [(unit, limit) for unit in UNITS if (limit := given.get(unit)) is not None]
    for place, (shorter, low) in enumerate(limits):
        for longer, high in limits[place + 1 :]:
            if high < low:
                return f"The limit for {longer}({high:.1f}) cannot be lower than the limit for {shorter}({low:.1f})"
    return None


def text_of(number: float) -> str:
    """A limit as headers show it; what is less than nothing is nothing."""
    return str(number) if number > 0 else "0"
