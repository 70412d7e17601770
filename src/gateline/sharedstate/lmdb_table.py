"""The table of values that end, on LMDB: what stands in for the compiled one where that could not be built.

Two databases: the values, each after its end, and which ends when. A new value takes some away that have ended, so they
go without anything having to look for them; when the map is full, those go that would end first.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from struct import Struct

import lmdb

from gateline.sharedstate.environment import Environment, SharedStateError, Transaction, name_of
from gateline.sharedstate.windows import Window, counted

__all__ = ["LmdbTable"]

SIZE = 8 * 1024 * 1024
"""Bytes of the map at first."""

_AT_ONCE = 4
"""So many ended ones a new one takes away, at most."""

_USED = 0.6
"""The part of the map that may be in use: a change needs room for what it replaces."""
_PAGE = 4096

_SLACK = 2.0
"""Seconds that a count in windows is kept longer: not all read the clock at one time."""

_END = Struct(">d")


class LmdbTable:
    """See `gateline.sharedstate.table.Table`."""

    def __init__(self, path: Path, *, limit: int, clock: Callable[[], float] | None = None) -> None:
        """Open it. Raises SharedStateError."""
        self._environment = Environment(
            path, size=min(SIZE, limit), limit=limit, databases=("values", "ends"), reserved=True
        )
        self._values = self._environment.database("values")
        self._ends = self._environment.database("ends")
        self._begin = self._environment.lmdb.begin
        self._clock = clock or time.monotonic
        self._pages = int(limit * _USED) // _PAGE

    def name(self, kind: int, key: str) -> bytes:
        """The name under which the value of a key is kept."""
        return b"%d" % kind + name_of(key)

    def load(self, name: bytes) -> tuple[bytes, float] | None:
        """The value of a name and when it ends."""
        while True:
            try:
                with self._begin(db=self._values) as transaction:
                    stored = transaction.get(name)
                return None if stored is None else (stored[_END.size :], _END.unpack_from(stored)[0])
            except lmdb.Error as error:
                self._make_room(error)

    def swap(self, name: bytes, before: bytes | None, after: bytes | None, end: float) -> bool:
        """Put a value in place of another one; whether that was there."""
        while True:
            try:
                with self._begin(write=True, db=self._values) as transaction:
                    stored = transaction.get(name)
                    if before != (None if stored is None else stored[_END.size :]):
                        return False
                    if stored is not None:
                        transaction.delete(stored[: _END.size] + name, db=self._ends)
                        transaction.delete(name)
                    if after is not None:
                        transaction.put(_END.pack(end) + name, b"", db=self._ends)
                        transaction.put(name, _END.pack(end) + after)
                        self._take_away(transaction)
                    return True
            except lmdb.Error as error:
                self._make_room(error)

    def count(self, kind: int, key: str, windows: Sequence[Window], ttl: float) -> tuple[list[int], bool]:
        """Add to all windows of a key, or to none; their values now, and whether they were added to."""
        name = self.name(kind, key)
        form, nothing = _form(len(windows))
        adds = any(by for _, _, by in windows)
        while True:
            stored, end = self.load(name) or (None, 0.0)
            before = nothing if stored is None or len(stored) != form.size else form.unpack(stored)
            after, values, added = counted(before, windows)
            if not (added and adds):
                return values, added
            if after[::2] != list(before[::2]):
                end = self._clock() + ttl + _SLACK
            if self.swap(name, stored, form.pack(*after), end):
                return values, True

    @property
    def entries(self) -> int:
        """How many values there are."""
        return int(self._environment.read(lambda transaction: transaction.stat(self._ends))["entries"])

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return self._environment.size

    def close(self) -> None:
        """Let go of it."""
        self._environment.close()

    def _take_away(self, transaction: Transaction) -> None:
        """Take away what has ended, some of it, and what there is no room for."""
        now = self._clock()
        stats = [transaction.stat(database) for database in (self._ends, self._values)]
        full = sum(stat["leaf_pages"] + stat["branch_pages"] for stat in stats) > self._pages
        with transaction.cursor(db=self._ends) as cursor:
            there = cursor.first()
            for _ in range(_AT_ONCE):
                if not there or not (full or _END.unpack_from(cursor.key())[0] <= now):
                    return
                transaction.delete(cursor.key()[_END.size :], db=self._values)
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
def _form(windows: int) -> tuple[Struct, tuple[int, ...]]:
    """How a count in so many windows is kept: number and value of each; and one that never was."""
    return Struct("qq" * windows), (-1, 0) * windows
