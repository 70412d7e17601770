"""Numbers that all processes of the node share: each change is atomic, each number ends some time after it began.

Two databases: what each counter is, and which ends when. A new counter takes some away that have ended, so they go
without anything having to look for them; when there are too many, those go that would end first. All windows of a count
in windows lie in one value: to add to them is one look-up and one change, whatever their number, and a new window makes
no new counter. So too with quotas, which keep three numbers each.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from struct import Struct

import lmdb

from gateline.sharedstate.environment import Environment, SharedStateError, Transaction, name_of
from gateline.sharedstate.quotas import NUMBERS, Reading, Rule, taken
from gateline.sharedstate.windows import Window, counted

__all__ = ["SharedCounters"]

MOST = 500_000
"""Counters that there may be."""

SIZE, LIMIT = 8 * 1024 * 1024, 256 * 1024 * 1024
"""Bytes of the map: at first, and at most."""

_AT_ONCE = 4
"""So many ended ones a new one takes away, at most."""

_USED = 0.6
"""The part of the map that may be in use: a change needs room for what it replaces."""
_PAGE = 4096

_SLACK = 2.0
"""Seconds that a count in windows is kept longer, so that its end need not be written with every change."""

_SECOND = 1e9
"""Nanoseconds."""

_VALUE = Struct(">dq")
_END = Struct(">d")


class SharedCounters:
    """See `gateline.pdk.node.Counters`. `clock` gives seconds; it must be the same for all processes."""

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.monotonic, most: int = MOST, limit: int = LIMIT
    ) -> None:
        """Open them. Raises SharedStateError."""
        self._environment = Environment(
            path, size=min(SIZE, limit), limit=limit, databases=("counters", "ends"), reserved=True
        )
        self._counters = self._environment.database("counters")
        self._ends = self._environment.database("ends")
        self._begin = self._environment.lmdb.begin
        self._clock = clock
        self._most = most
        self._pages = int(limit * _USED) // _PAGE

    def increment(self, key: str, by: int = 1, *, ttl: float) -> int:
        """Add to a counter; its new value. Raises SharedStateError when there is no room for a new one."""
        name = name_of(key)
        while True:
            try:
                with self._begin(write=True, db=self._counters) as transaction:
                    stored = transaction.get(name)
                    if stored is not None:
                        end, value = _VALUE.unpack(stored)
                        if end > self._clock():
                            value += by
                            transaction.put(name, _VALUE.pack(end, value))
                            return int(value)
                    self._make(transaction, name, by, ttl, stored)
                    return by
            except lmdb.Error as error:
                self._make_room(error)

    def increment_within(self, key: str, limit: int, by: int = 1, *, ttl: float) -> tuple[int, bool]:
        """Add to a counter unless it would go over the limit; its value now, and whether it was added."""
        name = name_of(key)
        while True:
            try:
                with self._begin(write=True, db=self._counters) as transaction:
                    stored = transaction.get(name)
                    value = 0
                    if stored is not None:
                        end, value = _VALUE.unpack(stored)
                        if end > self._clock():
                            if value + by > limit:
                                return value, False
                            transaction.put(name, _VALUE.pack(end, value + by))
                            return value + by, True
                    if by > limit:
                        return 0, False
                    self._make(transaction, name, by, ttl, stored)
                    return by, True
            except lmdb.Error as error:
                self._make_room(error)

    def count(self, key: str, windows: Sequence[Window], *, ttl: float) -> tuple[list[int], bool]:
        """Add to all windows of a key, or to none; their values now, and whether they were added to."""
        name = b"@" + name_of(key)
        form, nothing = _form(len(windows))
        adds = False
        for window in windows:
            if window[2]:
                adds = True
                break
        while True:
            try:
                with self._begin(write=adds, db=self._counters) as transaction:
                    stored = transaction.get(name)
                    now = self._clock()
                    before = nothing if stored is None or len(stored) != form.size else form.unpack(stored)
                    end = before[0]
                    after, values, added = counted(before, windows)
                    if added and adds:
                        if end < now + ttl:
                            end = now + ttl + _SLACK
                            after[0] = end
                            self._move(transaction, name, end, stored)
                            transaction.put(name, form.pack(*after))
                            self._take_away(transaction, now, self._surplus(transaction))
                        else:
                            transaction.put(name, form.pack(*after))
                    return values, added
            except lmdb.Error as error:
                self._make_room(error)

    def take(
        self, key: str, rules: Sequence[Rule], cost: int, *, now: int, always: bool = False
    ) -> tuple[list[Reading], bool]:
        """Take from all quotas of a key, or from none; how they stand now, and whether it was taken."""
        name = b"~" + name_of(key)
        form, nothing = _quotas_form(len(rules))
        while True:
            try:
                with self._begin(write=cost != 0, db=self._counters) as transaction:
                    stored = transaction.get(name)
                    before = nothing if stored is None or len(stored) != form.size else form.unpack(stored)
                    after, readings, took, kept = taken(before, rules, cost, now, always)
                    if cost and after[1:] != list(before[1:]):
                        least = self._clock() + kept / _SECOND
                        if before[0] < least:
                            after[0] = least + kept / _SECOND + _SLACK
                            self._move(transaction, name, after[0], stored)
                            transaction.put(name, form.pack(*after))
                            self._take_away(transaction, self._clock(), self._surplus(transaction))
                        else:
                            transaction.put(name, form.pack(*after))
                    return readings, took
            except lmdb.Error as error:
                self._make_room(error)

    def get(self, key: str) -> int:
        """A counter's value, 0 where there is none."""
        while True:
            try:
                with self._begin(db=self._counters) as transaction:
                    stored = transaction.get(name_of(key))
                break
            except lmdb.MapResizedError as error:
                self._make_room(error)
        if stored is None:
            return 0
        end, value = _VALUE.unpack(stored)
        return int(value) if end > self._clock() else 0

    def remove(self, key: str) -> None:
        """Take a counter away."""
        name = name_of(key)

        def work(transaction: Transaction) -> None:
            stored = transaction.pop(name, db=self._counters)
            if stored is not None:
                transaction.delete(stored[:8] + name, db=self._ends)

        self._environment.write(work)

    def close(self) -> None:
        """Let go of them."""
        self._environment.close()

    def _make(self, transaction: Transaction, name: bytes, value: int, ttl: float, ended: bytes | None) -> None:
        now = self._clock()
        self._move(transaction, name, now + ttl, ended)
        transaction.put(name, _VALUE.pack(now + ttl, value))
        self._take_away(transaction, now, self._surplus(transaction))

    def _move(self, transaction: Transaction, name: bytes, end: float, stored: bytes | None) -> None:
        """Say when a counter ends; `stored` is its value before, which says when it did."""
        if stored is not None:
            transaction.delete(stored[:8] + name, db=self._ends)
        transaction.put(_END.pack(end) + name, b"", db=self._ends)

    def _surplus(self, transaction: Transaction) -> int:
        """How many are too many: by their number, or by the pages that they take of the map."""
        ends, counters = transaction.stat(self._ends), transaction.stat(self._counters)
        pages = sum(stat["leaf_pages"] + stat["branch_pages"] for stat in (ends, counters))
        if pages > self._pages:
            return _AT_ONCE
        return int(ends["entries"]) - self._most

    def _take_away(self, transaction: Transaction, now: float, over: int) -> None:
        """Take away what has ended, some of it, and what is too many."""
        with transaction.cursor(db=self._ends) as cursor:
            there = cursor.first()
            for place in range(_AT_ONCE):
                if not there or (place >= over and _END.unpack(cursor.key()[:8])[0] > now):
                    return
                transaction.delete(cursor.key()[8:], db=self._counters)
                there = cursor.delete()

    def _make_room(self, error: lmdb.Error) -> None:
        """What to do before another try. Raises SharedStateError when nothing can be done."""
        if isinstance(error, lmdb.MapFullError):
            self._environment.write(lambda _: None)  # takes over the size that another process may have made
            self._environment.grow()
        elif isinstance(error, lmdb.MapResizedError):
            self._environment.lmdb.set_mapsize(0)
        else:
            raise SharedStateError(f"the counters cannot be used: {error}") from error


@cache
def _form(windows: int) -> tuple[Struct, tuple[float, ...]]:
    """How a count in so many windows is kept: its end, then number and value of each; and one that never was."""
    return Struct(">d" + "qq" * windows), (0.0,) + (-1, 0) * windows


@cache
def _quotas_form(quotas: int) -> tuple[Struct, tuple[float, ...]]:
    """As above for so many quotas, three numbers each."""
    return Struct(">d" + "q" * NUMBERS * quotas), (0.0,) + (0,) * NUMBERS * quotas
