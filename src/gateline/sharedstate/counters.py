"""Numbers that all processes of the node share: each change is atomic, each number ends some time after it began.

All windows of a count in windows lie in one value: to add to them is one look-up and one change, whatever their number,
and a new window makes no new counter. So too with quotas, which keep three numbers each.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from struct import Struct

from gateline.sharedstate.quotas import NUMBERS, Reading, Rule, taken
from gateline.sharedstate.table import LIMIT, open_table
from gateline.sharedstate.windows import Window

__all__ = ["SharedCounters"]

_PLAIN, _WINDOWS, _QUOTAS = range(3)
"""Kinds of values in the table."""

_SLACK = 2.0
"""Seconds that what was taken from quotas is kept longer: not all read the clock at one time."""

_SECOND = 1e9
"""Nanoseconds."""

_NO_LIMIT = 2**63
_VALUE = Struct("q")


class SharedCounters:
    """See `gateline.pdk.node.Counters`. `clock` gives seconds; it must be the same for all processes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic, limit: int = LIMIT) -> None:
        """Open them; they take at most `limit` bytes. Raises SharedStateError."""
        self._table = open_table(path, clock=None if clock is time.monotonic else clock, limit=limit)
        self._clock = clock
        self._count = self._table.count

    def increment(self, key: str, by: int = 1, *, ttl: float) -> int:
        """Add to a counter; its new value."""
        return self.increment_within(key, _NO_LIMIT, by, ttl=ttl)[0]

    def increment_within(self, key: str, limit: int, by: int = 1, *, ttl: float) -> tuple[int, bool]:
        """Add to a counter unless it would go over the limit; its value now, and whether it was added."""
        table = self._table
        name = table.name(_PLAIN, key)
        while True:
            stored, end = table.load(name) or (None, 0.0)
            now = self._clock()
            value: int = 0 if stored is None or end <= now else _VALUE.unpack(stored)[0]
            if value + by > limit:
                return value, False
            if table.swap(name, stored, _VALUE.pack(value + by), end if end > now else now + ttl):
                return value + by, True

    def count(self, key: str, windows: Sequence[Window], ttl: float) -> tuple[list[int], bool]:
        """Add to all windows of a key, or to none; their values now, and whether they were added to."""
        return self._count(_WINDOWS, key, windows, ttl)

    def take(
        self, key: str, rules: Sequence[Rule], cost: int, *, now: int, always: bool = False
    ) -> tuple[list[Reading], bool]:
        """Take from all quotas of a key, or from none; how they stand now, and whether it was taken."""
        table = self._table
        name = table.name(_QUOTAS, key)
        form, nothing = _form(len(rules))
        while True:
            found = table.load(name)
            stored = None if found is None else found[0]
            before = nothing if stored is None or len(stored) != form.size else form.unpack(stored)
            after, readings, took, kept = taken(before, rules, cost, now, always)
            if not cost or after == list(before):
                return readings, took
            if table.swap(name, stored, form.pack(*after), self._clock() + kept / _SECOND + _SLACK):
                return readings, took

    def get(self, key: str) -> int:
        """A counter's value, 0 where there is none."""
        found = self._table.load(self._table.name(_PLAIN, key))
        return int(_VALUE.unpack(found[0])[0]) if found is not None and found[1] > self._clock() else 0

    def remove(self, key: str) -> None:
        """Take a counter away."""
        name = self._table.name(_PLAIN, key)
        while True:
            found = self._table.load(name)
            if found is None or self._table.swap(name, found[0], None, 0.0):
                return

    @property
    def entries(self) -> int:
        """How many there are, those included that have ended and are not taken away yet."""
        return self._table.entries

    @property
    def size(self) -> int:
        """Bytes of memory that they take."""
        return self._table.size

    def close(self) -> None:
        """Let go of them."""
        self._table.close()


@cache
def _form(quotas: int) -> tuple[Struct, tuple[int, ...]]:
    """How so many quotas are kept, three numbers each; and some of which nothing was taken."""
    return Struct("q" * NUMBERS * quotas), (0,) * NUMBERS * quotas
