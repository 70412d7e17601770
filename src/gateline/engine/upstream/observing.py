"""What a worker sees of the tries at targets, told to the control process, which decides for the node.

Failures are told at once, successes a little later: they only matter where failures or trials are counted, and an
upstream whose health is not found out from requests has no observer at all. Nothing is lost or told twice as long as
the worker and the control process live; the order is kept within a worker.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from gateline.engine.errors import CATALOGUE
from gateline.engine.feed import Seen
from gateline.engine.upstream.dns import is_address
from gateline.engine.upstream.outcomes import CircuitOutcome, Fault, Result, Runs, outcome_with
from gateline.engine.upstream.watch import Watch

if TYPE_CHECKING:
    from gateline.engine.errors import Failure
    from gateline.engine.exchange import Exchange
    from gateline.entities import Target, Upstream

__all__ = ["Observer", "Observers", "Reports"]

LATER = 0.05
"""Seconds that successes may wait."""

PAUSE = 0.005
"""Seconds between two reports of failures, at least."""

_GATEWAY = frozenset({502, 503, 504})
_TIMEOUTS = frozenset(
    failure.name
    for failure in (
        CATALOGUE.CONNECT_TIMEOUT,
        CATALOGUE.READ_TIMEOUT,
        CATALOGUE.WRITE_TIMEOUT,
        CATALOGUE.TRY_TIMEOUT,
        CATALOGUE.DEADLINE,
    )
)


class Reports:
    """What is to be told, collected. `tell` sends it."""

    def __init__(self, tell: Callable[[Seen], None]) -> None:
        self._tell = tell
        self._tries: dict[tuple[str, str], Runs] = {}
        self._calls: dict[tuple[str, int], Runs] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last = 0.0

    def tried(self, target: str, address: str, outcome: int, now: float, *, soon: bool) -> None:
        """A try at a target."""
        self._add(self._tries.setdefault((target, address), []), outcome)
        self._plan(now, soon=soon)

    def called(self, circuit: str, epoch: int, outcome: int, now: float) -> None:
        """A call through a circuit."""
        self._add(self._calls.setdefault((circuit, epoch), []), outcome)
        self._plan(now, soon=bool(outcome or epoch))

    @staticmethod
    def _add(runs: Runs, outcome: int) -> None:
        if runs and runs[-1][0] == outcome:
            runs[-1] = outcome, runs[-1][1] + 1
        else:
            runs.append((outcome, 1))

    def _plan(self, now: float, *, soon: bool) -> None:
        due = max(now, self._last + PAUSE) if soon else now + LATER
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = asyncio.get_running_loop().call_later(due - now, self._send, due)

    def _send(self, now: float) -> None:
        self._timer = None
        self._last = now
        tries, self._tries = self._tries, {}
        calls, self._calls = self._calls, {}
        self._tell(Seen([(*one, runs) for one, runs in tries.items()], [(*one, runs) for one, runs in calls.items()]))


class Observer(Watch):
    """Watches one target for passive checks and outlier detection."""

    __slots__ = ("_is_name", "_outcomes", "_reports", "_tcp_failure", "_timeout", "checks", "target")

    def __init__(self, upstream: "Upstream", target: "Target", reports: Reports) -> None:
        checks = upstream.healthchecks.passive
        self.target = target.id
        self._is_name = not is_address(target.target.rpartition(":")[0].strip("[]"))
        self.checks = checks
        self._reports = reports
        self._outcomes = _outcomes(checks.type, checks.healthy.http_statuses, checks.unhealthy.http_statuses)
        self._tcp_failure = outcome_with(Result.TCP_FAILURE, Fault.LOCAL)
        self._timeout = outcome_with(Result.TIMEOUT, Fault.LOCAL)

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:  # noqa: ARG002
        """The head of an answer came."""
        outcome = self._outcomes.get(status, _UNKNOWN)
        if outcome != _UNKNOWN:
            self._reports.tried(self.target, self._address(exchange), outcome, now, soon=outcome != 0)

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:
        """There was no answer, or no whole one."""
        timeout = failure.name in _TIMEOUTS
        outcome = self._timeout if timeout else self._tcp_failure
        self._reports.tried(self.target, self._address(exchange), outcome, now, soon=True)

    def _address(self, exchange: "Exchange") -> str:
        """Which of a name's addresses a try has reached."""
        if not self._is_name:
            return ""
        place = getattr(exchange.upstream, "place", None)
        return "" if place is None else str(place.address)


_UNKNOWN = outcome_with(Result.NOTHING, Fault.NONE)


@lru_cache(maxsize=256)
def _outcomes(kind: str, good: tuple[int, ...], bad: tuple[int, ...]) -> dict[int, int]:
    """The outcomes of all statuses; one table for all targets that are checked alike."""
    return {status: _outcome(kind, good, bad, status) for status in range(100, 1000)}


def _outcome(kind: str, good: tuple[int, ...], bad: tuple[int, ...], status: int) -> int:
    result = Result.NOTHING
    if kind == "tcp":
        result = Result.SUCCESS if status < 500 else Result.NOTHING
    elif status in good:
        result = Result.SUCCESS
    elif status in bad:
        result = Result.HTTP_FAILURE
    fault = Fault.GATEWAY if status in _GATEWAY else Fault.SERVER if 500 <= status < 600 else Fault.NONE
    return outcome_with(result, fault)


class Observers:
    """Makes the observers of an upstream's targets, where what they see is asked for."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def __call__(self, upstream: "Upstream", target: "Target", before: Watch | None) -> Watch | None:
        """As a `WatchMaker`."""
        passive = upstream.healthchecks.passive.unhealthy
        counts = passive.tcp_failures or passive.timeouts or passive.http_failures
        if not counts and upstream.outlier_detection is None:
            return None
        if isinstance(before, Observer) and before.checks == upstream.healthchecks.passive:
            return before
        return Observer(upstream, target, self._reports)


def circuit_outcome(*, failed: bool, slow: bool) -> int:
    """What a call is to a circuit breaker."""
    return CircuitOutcome.FAILED * failed | CircuitOutcome.SLOW * slow
