"""How many of something are under way in all processes of the node together, with limits that hold for all of them.

Each process has its own part of a number, told by its process id: what one that died had taken is given back by the
next that would be refused. Every change is one transaction, so a limit is exact.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from struct import Struct

import lmdb

from gateline.sharedstate.environment import Environment

__all__ = ["SharedGauges"]

SIZE = 4 * 1024 * 1024
_PART = Struct(">QQ")
_LONGEST_KEY = 400


class SharedGauges:
    """Numbers by name. To be opened after a fork."""

    def __init__(self, path: Path, *, process: int | None = None) -> None:
        """Open them. Raises SharedStateError."""
        self._environment = Environment(path, size=SIZE, limit=SIZE * 16, databases=("gauges",))
        self._gauges = self._environment.database("gauges")
        self._own = os.getpid() if process is None else process

    def take(self, wanted: Sequence[tuple[bytes, int]]) -> int:
        """Add one to each number, if none is at its limit; the place of one that is, else -1.

        Raises SharedStateError when there is no room for a new one.
        """

        def work(transaction: "lmdb.Transaction") -> int:
            parts = [self._parts(transaction, key) for key, _ in wanted]
            for place, (_, limit) in enumerate(wanted):
                if sum(parts[place].values()) >= limit:
                    parts[place] = {one: count for one, count in parts[place].items() if self._lives(one)}
                    if sum(parts[place].values()) >= limit:
                        return place
            for (key, _), part in zip(wanted, parts, strict=True):
                part[self._own] = part.get(self._own, 0) + 1
                self._put(transaction, key, part)
            return -1

        return self._environment.write(work)

    def give_back(self, keys: Sequence[bytes]) -> None:
        """Take one from each number."""

        def work(transaction: "lmdb.Transaction") -> None:
            for key in keys:
                part = self._parts(transaction, key)
                part[self._own] = part.get(self._own, 0) - 1
                self._put(transaction, key, part)

        self._environment.write(work)

    def get(self, key: bytes) -> int:
        """A number."""
        return self._environment.read(lambda transaction: sum(self._parts(transaction, key).values()))

    def close(self) -> None:
        """Let go of them."""
        self._environment.close()

    def _lives(self, process: int) -> bool:
        if process == self._own:
            return True
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _parts(self, transaction: "lmdb.Transaction", key: bytes) -> dict[int, int]:
        stored = transaction.get(key[:_LONGEST_KEY], db=self._gauges)
        return {} if stored is None else dict(_PART.iter_unpack(stored))

    def _put(self, transaction: "lmdb.Transaction", key: bytes, parts: dict[int, int]) -> None:
        data = b"".join(_PART.pack(process, count) for process, count in parts.items() if count > 0)
        if data:
            transaction.put(key[:_LONGEST_KEY], data, db=self._gauges)
        else:
            transaction.delete(key[:_LONGEST_KEY], db=self._gauges)
