"""Redis' clock, as a node can tell it without asking: its own, and by how much that goes wrong.

How wrong it is follows from any answer that has the time in it; the quicker the answer was, the better it is known. An
old measurement counts less than a new one, as clocks drift and are set.
"""

from collections.abc import Callable

__all__ = ["RedisClock"]

_FORGETTING = 0.001
"""By so much (seconds) a measurement gets worse with each second that has passed since."""


_WORST = 1.0
"""Seconds that a measurement is taken to be wrong, at most."""


class RedisClock:
    """`local` gives seconds since 1970 by the node's clock."""

    __slots__ = ("_error", "_late", "_local", "_measured", "_offset")

    def __init__(self, local: Callable[[], float]) -> None:
        self._local = local
        self._offset = 0.0
        self._error = float("inf")
        self._late = 0.0
        self._measured = 0.0

    @property
    def known(self) -> bool:
        """Whether it was ever measured; until then the node's own time stands for it."""
        return self._error != float("inf")

    def now(self) -> float:
        """Seconds since 1970, as Redis would tell them."""
        return self._local() + self._offset

    def begin(self) -> float:
        """The moment before Redis is asked, for `measured`."""
        return self._local()

    def measured(self, told: float, begun: float) -> None:
        """Redis told its time in an answer to what was asked at `begun`."""
        now = self._local()
        error = max(now - begun, 0.0) / 2
        worse = self._error + _FORGETTING * abs(now - self._measured)
        offset = told - (begun + now) / 2
        # One that contradicts what is known means that a clock was set.
        if error <= worse or abs(offset - self._offset) > error + worse:
            self._offset, self._error, self._measured = offset, error, now
            self._late = min(error, _WORST)

    def not_before(self) -> float:
        """As `now`, less by what the measurement may be wrong: Redis' time is not earlier."""
        return self._local() + self._offset - self._late
