"""When results make a target healthy or unhealthy: Kong's thresholds, which active and passive checks share.

Pure: results in, changes out. A success forgets the failures counted so far, and a failure the successes; failures of
several kinds are counted each on its own. What says what is known already counts nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from gateline.engine.upstream.outcomes import Result

if TYPE_CHECKING:
    from gateline.entities.upstream import ActiveChecks, PassiveChecks

__all__ = ["WORDS", "Counts", "Result", "Thresholds"]


WORDS = {
    Result.SUCCESS: "successes",
    Result.HTTP_FAILURE: "HTTP failures",
    Result.TCP_FAILURE: "TCP failures",
    Result.TIMEOUT: "timeouts",
}
"""Of results in messages."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """So many results in a row change a target's health; 0: such results never do."""

    successes: int = 0
    http_failures: int = 0
    tcp_failures: int = 0
    timeouts: int = 0
    good: frozenset[int] = frozenset()
    """Statuses that are a success."""
    bad: frozenset[int] = frozenset()
    """Statuses that are a failure."""

    @classmethod
    def of(cls, checks: "ActiveChecks | PassiveChecks") -> "Thresholds":
        """Those of a record of checks."""
        healthy, unhealthy = checks.healthy, checks.unhealthy
        return cls(
            healthy.successes,
            unhealthy.http_failures,
            unhealthy.tcp_failures,
            unhealthy.timeouts,
            _shared(healthy.http_statuses),
            _shared(unhealthy.http_statuses),
        )

    def result(self, status: int) -> Result:
        """What a status counts as."""
        if status in self.good:
            return Result.SUCCESS
        return Result.HTTP_FAILURE if status in self.bad else Result.NOTHING

    def limit(self, result: Result) -> int:
        """So many of a result in a row."""
        return (self.successes, self.http_failures, self.tcp_failures, self.timeouts, 0)[result]


@lru_cache(maxsize=256)
def _shared(statuses: tuple[int, ...]) -> frozenset[int]:
    """One set for all upstreams that say the same."""
    return frozenset(statuses)


_SUCCESS, _NOTHING = Result.SUCCESS, Result.NOTHING


class Counts:
    """The results of one address of a target since they last were others.

    `quiet`: it is healthy and no failure is counted, so that a success says nothing new.
    """

    __slots__ = ("_counts", "healthy", "quiet")

    def __init__(self, healthy: bool = True) -> None:
        self.healthy = healthy
        self.quiet = healthy
        self._counts = [0, 0, 0, 0]

    def count(self, result: Result, limit: int, times: int = 1) -> bool | None:
        """Take in a result that came some times in a row; the new health when that changes it, else None."""
        if result is _NOTHING:
            return None
        success = result is _SUCCESS
        counts = self._counts
        if success:
            self.forget_failures()
        else:
            counts[0] = 0
        if success == self.healthy or not limit:
            return None
        counts[result] += times
        self.quiet = False
        if counts[result] < limit:
            return None
        self.set(healthy=success)
        return success

    def forget_failures(self) -> None:
        """Something was good."""
        self._counts[1:] = [0, 0, 0]
        self.quiet = self.healthy

    def set(self, *, healthy: bool) -> None:
        """Begin again from this health."""
        self.healthy = self.quiet = healthy
        self._counts = [0, 0, 0, 0]
