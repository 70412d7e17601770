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
from gateline.engine.upstream.health import place_key
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

    __slots__ = ("_calls", "_due", "_last", "_observers", "_tell", "_timer")

    def __init__(self, tell: Callable[[Seen], None]) -> None:
        self._tell = tell
        self._observers: list[Observer] = []
        """Those that have something to tell."""
        self._calls: dict[tuple[str, int], Runs] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last = 0.0

    def tried(self, observer: "Observer", now: float, *, soon: bool) -> None:
        """An observer that had nothing to tell has seen a try."""
        self._observers.append(observer)
        self.plan(now, soon=soon)

    def called(self, circuit: str, epoch: int, outcome: int, now: float) -> None:
        """A call through a circuit."""
        _add(self._calls.setdefault((circuit, epoch), []), outcome, 1)
        self.plan(now, soon=bool(outcome or epoch))

    def plan(self, now: float, *, soon: bool) -> None:
        """Tell what there is, `soon` or a little later."""
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
        observers, self._observers = self._observers, []
        calls, self._calls = self._calls, {}
        tries = [
            (observer.target, address, runs) for observer in observers for address, runs in observer.taken().items()
        ]
        self._tell(Seen(tries, [(*one, runs) for one, runs in calls.items()]))


def _add(runs: Runs, outcome: int, times: int) -> None:
    if runs and runs[-1][0] == outcome:
        runs[-1] = outcome, runs[-1][1] + times
    else:
        runs.append((outcome, times))


class Observer(Watch):
    """Watches one target for passive checks and outlier detection, and keeps what it sees until that is told.

    The outcome seen last is counted apart: while nothing changes, a try costs a look-up and an addition.
    """

    __slots__ = (
        "_address",
        "_is_name",
        "_outcome",
        "_outcomes",
        "_port",
        "_reports",
        "_runs",
        "_tcp_failure",
        "_timeout",
        "_times",
        "checks",
        "target",
    )

    def __init__(self, upstream: "Upstream", target: "Target", reports: Reports) -> None:
        checks = upstream.healthchecks.passive
        self.target = target.id
        host, _, port = target.target.rpartition(":")
        self._is_name = not is_address(host.strip("[]"))
        self._port = int(port)
        self.checks = checks
        self._reports = reports
        self._outcomes = _outcomes(checks.type, checks.healthy.http_statuses, checks.unhealthy.http_statuses)
        self._tcp_failure = int(outcome_with(Result.TCP_FAILURE, Fault.LOCAL))
        self._timeout = int(outcome_with(Result.TIMEOUT, Fault.LOCAL))
        self._address = ""
        self._outcome = 0
        self._times = 0
        self._runs: dict[str, Runs] = {}
        """By place."""

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:  # noqa: ARG002
        """The head of an answer came."""
        outcome = self._outcomes[status]
        if outcome != _UNKNOWN:
            self._see(exchange, outcome, now)

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:
        """There was no answer, or no whole one."""
        self._see(exchange, self._timeout if failure.name in _TIMEOUTS else self._tcp_failure, now)

    def _see(self, exchange: "Exchange", outcome: int, now: float) -> None:
        address = _reached(exchange, self._port) if self._is_name else ""
        if self._times and outcome == self._outcome and address == self._address:
            self._times += 1
            return
        if self._times:
            self._note()
            if outcome:
                self._reports.plan(now, soon=True)
        else:
            self._reports.tried(self, now, soon=outcome != 0)
        self._address = address
        self._outcome = outcome
        self._times = 1

    def _note(self) -> None:
        _add(self._runs.setdefault(self._address, []), self._outcome, self._times)

    def taken(self) -> dict[str, Runs]:
        """What was seen since this was asked last, by place (`place_key`)."""
        self._note()
        self._times = 0
        runs, self._runs = self._runs, {}
        return runs


def _reached(exchange: "Exchange", port: int) -> str:
    """Which of a name's places a try has reached; `port`: its target's."""
    place = getattr(exchange.upstream, "place", None)
    return "" if place is None else place_key(place.address, place.port, port)


_UNKNOWN = int(outcome_with(Result.NOTHING, Fault.NONE))


@lru_cache(maxsize=256)
def _outcomes(kind: str, good: tuple[int, ...], bad: tuple[int, ...]) -> bytes:
    """The outcome of each status below 1000; one table for all targets that are checked alike."""
    return bytes(_outcome(kind, good, bad, status) for status in range(1000))


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
