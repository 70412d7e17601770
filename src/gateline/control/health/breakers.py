"""A circuit breaker: closed, until too many calls in its window have failed or were slow; open for some time; then
half-open, which lets a number of trials through that decide.

Pure: outcomes and the clock come in, changes of state come out. What happens in between, that an open circuit refuses
and a half-open one counts its trials, is the workers' part (`engine.upstream.circuits`): they know without being told
when the open time is over, and share the trials of one `epoch`.
"""

from collections import deque

from gateline.engine.upstream.circuit_rows import Open
from gateline.engine.upstream.outcomes import CircuitOutcome
from gateline.entities.circuit_breaker import CircuitBreaker

__all__ = ["Breaker"]

BUCKETS = 20
"""Parts of a window; it moves on by one of them."""


class Breaker:
    """One circuit. `now` is in seconds, of the clock that all processes share."""

    def __init__(self, config: CircuitBreaker, opened: Open | None = None) -> None:
        self.config = config
        self.opened = opened
        self.reason = ""
        self._buckets: deque[tuple[int, list[int]]] = deque()
        self._trials = [0, 0, 0]

    def count(self, outcome: int, times: int, epoch: int, now: float) -> bool:
        """Calls of an outcome, trials of an epoch or (0) none; whether the circuit has opened or closed."""
        calls = [times, times * bool(outcome & CircuitOutcome.FAILED), times * bool(outcome & CircuitOutcome.SLOW)]
        if self.opened is not None:
            return epoch == self.opened.epoch and self._tried(calls, now)
        return epoch == 0 and self._called(calls, now)

    def lost(self, now: float) -> bool:
        """Trials may have got lost with a worker: whether there are new ones."""
        opened = self.opened
        if opened is None or opened.until > now:
            return False
        self._trials = [0, 0, 0]
        self.opened = Open(opened.until, _epoch(opened, now))
        return True

    def _called(self, calls: list[int], now: float) -> bool:
        part = self.config.window / BUCKETS
        place = int(now / part)
        buckets = self._buckets
        if not buckets or buckets[-1][0] < place:
            buckets.append((place, [0, 0, 0]))
        counted = buckets[-1][1]
        for at, number in enumerate(calls):
            counted[at] += number
        while buckets[0][0] <= place - BUCKETS:
            buckets.popleft()
        total = [sum(numbers[at] for _, numbers in buckets) for at in range(3)]
        return total[0] >= self.config.minimum_calls and self._opens(total, now)

    def _tried(self, calls: list[int], now: float) -> bool:
        trials = self._trials = [before + more for before, more in zip(self._trials, calls, strict=True)]
        if trials[0] < self.config.trial_calls:
            return False
        if not self._opens(trials, now):
            self._reset()
            self.opened = None
            self.reason = f"{trials[0]} trial calls were good"
        return True

    def _opens(self, total: list[int], now: float) -> bool:
        calls, failed, slow = total
        config = self.config
        rate, slow_rate = 100 * failed / calls, 100 * slow / calls
        if config.failure_rate and rate >= config.failure_rate:
            self.reason = f"{failed} of {calls} calls failed"
        elif config.slow_call_rate and config.slow_call_duration is not None and slow_rate >= config.slow_call_rate:
            self.reason = f"{slow} of {calls} calls were slow"
        else:
            return False
        epoch = _epoch(self.opened, now)
        self._reset()
        self.opened = Open(now + config.open_time, epoch)
        return True

    def _reset(self) -> None:
        self._buckets.clear()
        self._trials = [0, 0, 0]


def _epoch(before: Open | None, now: float) -> int:
    return max(1 if before is None else before.epoch + 1, int(now * 1000))
