"""Who is inside, by key: places that all processes of the node share, each of which one process holds.

A process that dies leaves none of its places taken. Each process has a file, and a lock on it for as long as it lives:
the kernel gives that up with the process, however it ends. What a key has of other processes is counted only while
their locks are held, which is asked again when it was not asked lately.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from secrets import randbits
from struct import Struct

from gateline.sharedstate.environment import Environment, SharedStateError, Transaction, name_of

__all__ = ["SharedSlots"]

SIZE, LIMIT = 1024 * 1024, 64 * 1024 * 1024
"""Bytes of the map: at first, and at most."""

SURE = 0.25
"""Seconds for which a process that was alive is taken to be so."""

_HOLDER = Struct(">qq")
"""A process, and how many places it holds."""


class SharedSlots:
    """See `gateline.pdk.node.Slots`. Open it once in a process, after a fork."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Open them. Raises SharedStateError."""
        self._environment = Environment(path, size=SIZE, limit=LIMIT, databases=("slots",), reserved=True)
        self._slots = self._environment.database("slots")
        self._path = path
        self._clock = clock
        self._alive: dict[int, float] = {}
        self._me = randbits(62)
        try:
            self._lock = os.open(self._file(self._me), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise SharedStateError(f"cannot use {path} as shared memory: {error}") from error

    def enter(self, key: str, limit: int) -> tuple[int, bool]:
        """Take a place where fewer than `limit` are taken; how many are then, and whether one was."""
        name = name_of(key)

        def work(transaction: Transaction) -> tuple[int, bool]:
            holders = self._holders(transaction.get(name, db=self._slots))
            inside = sum(holders.values())
            if inside >= limit:
                return inside, False
            holders[self._me] = holders.get(self._me, 0) + 1
            transaction.put(name, _packed(holders), db=self._slots)
            return inside + 1, True

        return self._environment.write(work)

    def leave(self, key: str) -> None:
        """Give a place back."""
        name = name_of(key)

        def work(transaction: Transaction) -> None:
            holders = self._holders(transaction.get(name, db=self._slots))
            holders[self._me] = holders.get(self._me, 0) - 1
            if holders[self._me] <= 0:
                del holders[self._me]
            if holders:
                transaction.put(name, _packed(holders), db=self._slots)
            else:
                transaction.delete(name, db=self._slots)

        self._environment.write(work)

    def inside(self, key: str) -> int:
        """How many places are taken."""
        stored = self._environment.read(lambda transaction: transaction.get(name_of(key), db=self._slots))
        return sum(self._holders(stored).values())

    def close(self) -> None:
        """Let go of them, and of all places that are still held."""
        os.unlink(self._file(self._me))
        os.close(self._lock)
        self._environment.close()

    def _holders(self, stored: bytes | None) -> dict[int, int]:
        """The processes that hold places, without those that are dead."""
        if stored is None:
            return {}
        found = dict(_HOLDER.iter_unpack(stored))
        for process in [one for one in found if one != self._me and not self._lives(one)]:
            del found[process]
        return found

    def _lives(self, process: int) -> bool:
        now = self._clock()
        seen = self._alive.get(process)
        if seen is not None and now - seen < SURE:
            return True
        file = self._file(process)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._alive[process] = now
            return True
        finally:
            os.close(descriptor)
        self._alive.pop(process, None)
        file.unlink(missing_ok=True)
        return False

    def _file(self, process: int) -> Path:
        return self._path / f"{process:016x}.holder"


def _packed(holders: dict[int, int]) -> bytes:
    return b"".join([_HOLDER.pack(*holder) for holder in holders.items()])
