"""Claims on a shelf: a process says that it is about to make a value, so that others wait for it.

A claim ends with its time, with the process, or when it is released. Where it cannot be written, everybody makes the
value.
"""

import contextlib
import logging
import os
from collections.abc import Callable
from struct import Struct

import lmdb

from gateline.sharedstate.environment import Database, Environment, SharedStateError, Transaction

__all__ = ["Claims"]

_log = logging.getLogger(__name__)

_SILENCE = 10.0
"""Seconds between two complaints."""
_CLAIM = Struct(">dI")
"""End and process."""


class Claims:
    """The claims of an environment. `clock` gives seconds since 1970, the same for all processes."""

    def __init__(self, environment: Environment, database: Database, clock: Callable[[], float]) -> None:
        self._environment = environment
        self._claims = database
        self._clock = clock
        self._pid = os.getpid()
        self._complained = float("-inf")

    def claim(self, key: str, seconds: float) -> bool:
        """Say that this process makes a value; False when another one does."""
        name = key.encode("ascii")
        now = self._clock()

        def work(transaction: Transaction) -> bool:
            if self._holds(transaction.get(name, db=self._claims), now):
                return False
            transaction.put(name, _CLAIM.pack(now + seconds, self._pid), db=self._claims)
            return True

        return self._written(work)

    def claimed(self, key: str) -> bool:
        """Whether another process that is alive makes the value."""
        name = key.encode("ascii")
        stored = self._environment.read(lambda transaction: transaction.get(name, db=self._claims))
        return self._holds(stored, self._clock())

    def release(self, key: str) -> None:
        """Take back what this process claimed."""
        name = key.encode("ascii")

        def work(transaction: Transaction) -> bool:
            stored = transaction.get(name, db=self._claims)
            if stored is not None and _CLAIM.unpack(stored)[1] == self._pid:
                transaction.delete(name, db=self._claims)
            return True

        self._written(work)

    def forget_old(self) -> None:
        """Take away those whose time is over."""

        def work(transaction: Transaction) -> bool:
            now = self._clock()
            with transaction.cursor(db=self._claims) as cursor:
                there = cursor.first()
                while there:
                    over = _CLAIM.unpack(cursor.value())[0] <= now
                    there = cursor.delete() if over else cursor.next()
            return True

        self._written(work)

    def _holds(self, stored: bytes | None, now: float) -> bool:
        """Whether a claim keeps this process from making the value: its own does not."""
        if stored is None:
            return False
        end, pid = _CLAIM.unpack(stored)
        return bool(end > now) and pid != self._pid and _alive(pid)

    def _written(self, work: Callable[[Transaction], bool]) -> bool:
        try:
            return self._environment.write(work)
        except (SharedStateError, lmdb.Error) as error:
            now = self._clock()
            if not 0 <= now - self._complained < _SILENCE:
                self._complained = now
                _log.warning("a claim cannot be written: %s", error)
            return True


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
