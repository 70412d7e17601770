"""Weighted round robin, smooth: targets with weights 2 and 1 give a, b, a and not a, a, b.

Where all weights are the same, the targets follow one another. Else each has a next turn, its turns are 1 / weight
apart, and the earliest is next (earliest deadline first): any weights are kept exactly, in the memory of the targets.
Each worker starts somewhere of its own, so that workers do not march in step; as each keeps to the
weights, so do all together, to within a turn of each worker.
"""

from collections.abc import Sequence
from random import random, randrange
from time import monotonic
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["InTurn", "RoundRobin", "Turn", "place"]


class InTurn(Algorithm):
    """Gives targets of one weight, one after the other."""

    __slots__ = ("_targets", "_turn")

    def __init__(self, targets: Sequence[CompiledTarget]) -> None:
        self._targets = list(targets)
        self._turn = randrange(len(self._targets)) if len(self._targets) > 1 else 0  # noqa: S311 - no secret

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The target whose turn it is."""
        targets = self._targets
        if not targets:
            return None
        target = self._next()
        tried = exchange.tried
        if tried is None:
            return target
        for _ in targets:
            if target not in tried:
                break
            target = self._next()
        return target

    def _next(self) -> CompiledTarget:
        turn = self._turn
        self._turn = turn + 1 if turn + 1 < len(self._targets) else 0
        return self._targets[turn]


class Turn:
    """When a target is next: the lower `at`, the sooner. Its turns are 1 / `weight` apart."""

    __slots__ = ("at", "target", "weight")

    def __init__(self, target: CompiledTarget) -> None:
        self.target = target
        self.weight = float(target.weight)
        self.at = 0.0

    def take(self, share: float) -> None:
        """It has had its turn; `share`: how much of its weight counts now."""
        self.at += 1.0 / (self.weight * share)
        load = self.target.load
        if load is not None:
            load.turn = self.at


def place(targets: Sequence[CompiledTarget]) -> list[Turn]:
    """The turns of targets: those that have had some go on where they were, others begin somewhere in their first."""
    turns = [Turn(target) for target in targets]
    known = [turn.target.load.turn for turn in turns if turn.target.load is not None and turn.target.load.turn >= 0]
    now = min(known, default=0.0)
    for turn in turns:
        apart = 1.0 / turn.weight
        load = turn.target.load
        chance = random()  # noqa: S311 - no secret
        if load is None or load.turn < 0:
            turn.at = now + apart * chance
        else:  # with more weight than before it does not wait as long as it would have; no two turns coincide
            turn.at = min(load.turn, now + apart * (1.0 - chance / 100))
    return turns


class RoundRobin(Algorithm):
    """Gives each target its turns; `slow_start` in seconds, 0 for none."""

    __slots__ = ("_heap", "_slow_start", "_targets")

    def __init__(self, targets: Sequence[CompiledTarget], slow_start: float = 0.0) -> None:
        self._targets: list[CompiledTarget] | None = list(targets)  # until the first turn
        self._heap: list[Turn] = []
        self._slow_start = slow_start

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The target whose turn it is."""
        if self._targets is not None:
            self._begin(self._targets)
        heap = self._heap
        if not heap:
            return None
        turn = heap[0]
        tried = exchange.tried
        if tried is not None and turn.target in tried:
            return self._pick_other(tried)
        self._take(turn)
        _sink(heap)
        return turn.target

    def _take(self, turn: Turn) -> None:
        load = turn.target.load
        slow_start = self._slow_start
        turn.take(1.0 if load is None or not slow_start else load.share(monotonic(), slow_start))

    def _pick_other(self, tried: list[CompiledTarget]) -> CompiledTarget:
        heap = self._heap
        turn = min([turn for turn in heap if turn.target not in tried] or heap, key=_when)
        self._take(turn)
        heap.sort(key=_when)  # what is sorted is a heap too
        return turn.target

    def _begin(self, targets: Sequence[CompiledTarget]) -> None:
        self._heap = place(targets)
        self._heap.sort(key=_when)
        self._targets = None


def _when(turn: Turn) -> float:
    return turn.at


def _sink(heap: list[Turn]) -> None:
    """Let the first of the heap, of which the turn has become later, sink to its place."""
    size = len(heap)
    turn = heap[0]
    place_of = 0
    while (child := 2 * place_of + 1) < size:
        least = heap[child]
        if child + 1 < size and heap[child + 1].at < least.at:
            child += 1
            least = heap[child]
        if turn.at <= least.at:
            break
        heap[place_of] = least
        place_of = child
    heap[place_of] = turn
