"""Weighted round robin, smooth: targets with weights 2 and 1 give a, b, a and not a, a, b.

The order is worked out when the targets are known; each worker starts somewhere in it, so that workers do not march in
step.
"""

from collections.abc import Sequence
from math import gcd
from random import randrange
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["RoundRobin"]

LONGEST_ORDER = 4096
"""Turns in an order; weights that would need more are made coarser."""


class RoundRobin(Algorithm):
    """Gives each target its turns."""

    __slots__ = ("_order", "_turn")

    def __init__(self, targets: Sequence[tuple[CompiledTarget, int]]) -> None:
        self._order = _smooth_order(targets)
        self._turn = randrange(len(self._order)) if len(self._order) > 1 else 0  # noqa: S311 - no secret

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The target whose turn it is."""
        order = self._order
        if not order:
            return None
        target = self._next()
        tried = exchange.tried
        if tried is None:
            return target
        for _ in order:
            if target not in tried:
                break
            target = self._next()
        return target

    def _next(self) -> CompiledTarget:
        turn = self._turn
        self._turn = turn + 1 if turn + 1 < len(self._order) else 0
        return self._order[turn]


def _smooth_order(targets: Sequence[tuple[CompiledTarget, int]]) -> list[CompiledTarget]:
    """Each target as often as its weight says, its turns spread evenly over the order."""
    weighted = [(target, weight) for target, weight in targets if weight > 0]
    if len({weight for _, weight in weighted}) <= 1:
        return [target for target, _ in weighted]
    divisor = gcd(*(weight for _, weight in weighted))
    weights = [weight // divisor for _, weight in weighted]
    total = sum(weights)
    if total > LONGEST_ORDER:
        weights = [max(1, round(weight * LONGEST_ORDER / total)) for weight in weights]
    # The middles of as many equal parts of one round as a target has turns; where they coincide the first comes first.
    turns = [((turn + 0.5) / weight, place) for place, weight in enumerate(weights) for turn in range(weight)]
    turns.sort()
    return [weighted[place][0] for _, place in turns]
