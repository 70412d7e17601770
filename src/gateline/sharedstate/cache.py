"""Values that all processes of the node share, until their time is over or there is no room.

What is kept is counted in the pages that it takes, so that there is always room left to take something away: those go
first that would end first.
"""

import time
from collections.abc import Callable
from pathlib import Path
from struct import Struct

from gateline.sharedstate.environment import Environment, SharedStateError, Transaction, name_of

__all__ = ["SharedCache"]

LIMIT = 128 * 1024 * 1024
"""Bytes of all values together."""

_SIZE = 8 * 1024 * 1024
_END = Struct(">d")
_TOTAL = Struct(">q")
_TOTAL_KEY = b"total"
_PAGE = 4096
_IN_PAGE = 2000
"""A longer value has pages of its own."""
_OVERHEAD = 200
"""Of an entry, in both databases."""
_ENDED_AT_ONCE = 8


class SharedCache:
    """See `gateline.pdk.node.Cache`. `clock` gives seconds; it must be the same for all processes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic, limit: int = LIMIT) -> None:
        """Open it. Raises SharedStateError."""
        self._limit = limit
        # Twice the room: pages are half full at worst, and those of the transaction before are not free yet.
        self._environment = Environment(
            path, size=min(limit, _SIZE), limit=limit * 3, databases=("values", "ends", "meta"), reserved=True
        )
        self._values = self._environment.database("values")
        self._ends = self._environment.database("ends")
        self._meta = self._environment.database("meta")
        self._clock = clock

    def get(self, key: str) -> bytes | None:
        """A value, None when there is none or its time is over."""
        name = name_of(key)
        stored = self._environment.read(lambda transaction: transaction.get(name, db=self._values))
        if stored is None or _END.unpack_from(stored)[0] <= self._clock():
            return None
        return bytes(stored[8:])

    def put(self, key: str, value: bytes, *, ttl: float) -> None:
        """Keep a value for some seconds. One that is longer than all that may be kept is not."""
        name = name_of(key)
        size = _size(name, len(value))
        now = self._clock()
        end = _END.pack(now + ttl)

        def work(transaction: Transaction) -> None:
            total = self._total(transaction) - self._take(transaction, name)
            if ttl > 0 and size <= self._limit:
                total -= self._take_ended(transaction, now, total + size - self._limit)
                transaction.put(name, end + value, db=self._values)
                transaction.put(end + name, b"", db=self._ends)
                total += size
            transaction.put(_TOTAL_KEY, _TOTAL.pack(total), db=self._meta)

        try:
            self._environment.write(work)
        except SharedStateError:  # it may always be lost
            self.remove(key)

    def remove(self, key: str) -> None:
        """Take a value away."""
        name = name_of(key)

        def work(transaction: Transaction) -> None:
            if taken := self._take(transaction, name):
                total = self._total(transaction) - taken
                transaction.put(_TOTAL_KEY, _TOTAL.pack(total), db=self._meta)

        self._environment.write(work)

    def close(self) -> None:
        """Let go of it."""
        self._environment.close()

    def _total(self, transaction: Transaction) -> int:
        stored = transaction.get(_TOTAL_KEY, db=self._meta)
        return 0 if stored is None else int(_TOTAL.unpack(stored)[0])

    def _take(self, transaction: Transaction, name: bytes) -> int:
        """Take an entry away; the bytes that it had."""
        stored = transaction.pop(name, db=self._values)
        if stored is None:
            return 0
        transaction.delete(stored[:8] + name, db=self._ends)
        return _size(name, len(stored) - 8)

    def _take_ended(self, transaction: Transaction, now: float, over: int) -> int:
        """Take away some of what has ended, and what is too much; the bytes that it had."""
        taken = count = 0
        with transaction.cursor(db=self._ends) as cursor:
            while cursor.first():
                key = bytes(cursor.key())
                ended = _END.unpack_from(key)[0] <= now and count < _ENDED_AT_ONCE
                if not ended and taken >= over:
                    break
                taken += self._take(transaction, key[8:])
                count += 1
        return taken


def _size(name: bytes, length: int) -> int:
    size = length + 2 * len(name) + _OVERHEAD
    return size if length <= _IN_PAGE else -(-size // _PAGE) * _PAGE
