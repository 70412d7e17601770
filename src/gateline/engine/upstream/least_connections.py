"""Least connections: the target with the fewest tries in flight for its weight.

Each worker counts its own, which is what it can know without asking: workers get like shares of the requests. Among
equals the weights decide, in turn as with round robin: otherwise every worker, while little is going on, would send
everything to the first.
"""

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget
from gateline.engine.upstream.round_robin import Turn, place

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["LeastConnections"]


class LeastConnections(Algorithm):
    """Looks at all targets; `slow_start` in seconds, 0 for none."""

    __slots__ = ("_slow_start", "_targets", "_turns")

    def __init__(self, targets: Sequence[CompiledTarget], slow_start: float = 0.0) -> None:
        self._targets: list[CompiledTarget] | None = list(targets)  # until the first turn
        self._turns: list[Turn] = []
        self._slow_start = slow_start

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The least loaded target."""
        if self._targets is not None:
            self._turns = place(self._targets)
            self._targets = None
        if not self._turns:
            return None
        tried = exchange.tried
        best = None if tried is None else self._best(tried)
        if best is None:
            best = self._best(None)
        return best

    def _best(self, tried: list[CompiledTarget] | None) -> CompiledTarget | None:
        slow_start = self._slow_start
        now = monotonic() if slow_start else 0.0
        share = best_share = 1.0
        best = None
        least = 0.0
        for turn in self._turns:
            load = turn.target.load
            if load is None or (tried is not None and turn.target in tried):
                continue
            if slow_start:
                share = load.share(now, slow_start)
            busy = load.active / (turn.weight * share)
            if best is None or busy < least or (busy == least and turn.at < best.at):
                best = turn
                least = busy
                best_share = share
        if best is None:
            return None
        self._catch_up(best.at)
        best.take(best_share)
        return best.target

    def _catch_up(self, now: float) -> None:
        """Let no target save up turns while it is busy: it is at most one behind."""
        for turn in self._turns:
            earliest = now - 1.0 / turn.weight
            if turn.at < earliest:
                turn.at = earliest
