"""What a worker knows of a target's load: tries in flight, how long answers take, how far its slow start has come.

It stays with the target while other targets, or its weight, change.
"""

from math import exp
from typing import TYPE_CHECKING

from gateline.engine.upstream.watch import Watch

if TYPE_CHECKING:
    from gateline.engine.errors import Failure
    from gateline.engine.exchange import Exchange

__all__ = ["Load"]

DECAY = 10.0
"""Seconds after which a latency counts for a third of what it did."""
FAILED = 1.0
"""The latency, in seconds, that a failed try counts as at least: a target that fails fast is not a fast one."""
FIRST_SHARE = 0.1
"""What a slow start begins with, of the target's whole share."""


class Load(Watch):
    """A target's load. `since` is when it began its slow start (seconds, monotonic; 0: it has none).

    `active` are the tries in flight, `turn` is where round robin has come to with the target (see `Turns`). Latency is
    a peak EWMA: a higher one counts at once, a lower one little by little, and nothing new lets it sink.
    """

    __slots__ = ("_measured", "active", "latency", "since", "turn")

    def __init__(self, since: float = 0.0) -> None:
        self.since = since
        self.active = 0
        self.turn = -1.0
        self.latency = 0.0
        self._measured = 0.0

    def began(self, exchange: "Exchange", now: float) -> None:  # noqa: ARG002 - a watch
        """One more."""
        self.active += 1

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:  # noqa: ARG002
        """Take a latency in."""
        self.measure(latency, now)

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:  # noqa: ARG002
        """Take a failure in."""
        self.measure(max(FAILED, self.latency), now)

    def ended(self, now: float) -> None:  # noqa: ARG002
        """One less."""
        self.active -= 1

    def measure(self, latency: float, now: float) -> None:
        """Take a latency in, in seconds."""
        known = self.latency
        if latency < known:
            weight = exp((self._measured - now) / DECAY)
            latency = known * weight + latency * (1.0 - weight)
        self.latency = latency
        self._measured = now

    def latency_now(self, now: float) -> float:
        """The latency as it counts now, in seconds. Where none is known: none for a first try, much for a second."""
        if not self._measured:
            return FAILED if self.active else 0.0
        return self.latency * exp((self._measured - now) / DECAY)

    def share(self, now: float, slow_start: float) -> float:
        """What the target takes of its whole share, 1.0 when its slow start of so many seconds is over."""
        since = self.since
        if not since:
            return 1.0
        passed = (now - since) / slow_start
        if passed >= 1.0:
            self.since = 0.0
            return 1.0
        return max(passed, FIRST_SHARE)
