"""What becomes free of a quota bit by bit, given in advance: so much in each second, from a moment until another one.

Who has a flow needs not ask for every bit, and nobody gets any of it too early.
"""

from math import inf

__all__ = ["Flow"]


class Flow:
    """A flow to one worker. Times are seconds since 1970, by Redis' clock; `rate` is in units for each second."""

    __slots__ = ("_credit", "_held", "rate", "since", "until")

    def __init__(self) -> None:
        self.rate = self.since = self.until = 0.0
        self._credit = 0.0
        self._held = inf

    def hold(self, now: float) -> None:
        """Give no more than it had brought by now, until another one follows: that may bring less, from a moment on
        that is known only afterwards."""
        self._held = now

    def renew(self, rate: float, since: float, until: float) -> None:
        """Another one follows. What the one before had brought by `since` stays."""
        self._credit += self._brought(since)
        self.rate, self.since, self.until = rate, since, until
        self._held = inf

    def end(self) -> None:
        """There is none any more."""
        self.rate = self._credit = 0.0

    def ready(self, now: float, most: float) -> int:
        """How many whole units are there; what is more than `most` is forgone."""
        if now > self._held:
            now = self._held
        ready = self._credit + self._brought(now)
        if ready > most:
            self._credit -= ready - most
            ready = most
        return int(ready) if ready >= 1.0 else 0

    def take(self, amount: int) -> None:
        """Take some of those that are ready."""
        self._credit -= amount

    def to_come(self, now: float) -> float:
        """How much it will bring after a moment."""
        return self._brought(self.until) - self._brought(now)

    def _brought(self, now: float) -> float:
        if now > self.until:
            now = self.until
        return (now - self.since) * self.rate if now > self.since else 0.0
