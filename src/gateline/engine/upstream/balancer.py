"""Which target of a service takes a request.

A service leads to one target, or to an upstream entity with several; either way a request asks its `Balancer`. Weighted
round robin, smooth: targets with weights 2 and 1 give a, b, a and not a, a, b. The order is worked out when the runtime
is built; each worker starts somewhere in it, so that workers do not march in step.
"""

from collections.abc import Sequence
from math import gcd
from random import randrange
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.upstream.pool import Pool

__all__ = ["Balancer", "CompiledTarget"]

LONGEST_ORDER = 4096
"""Turns in an order; weights that would need more are made coarser."""


class CompiledTarget:
    """Where a request may go: a pool, and the part of its head that names the host."""

    __slots__ = ("host_line", "pool")

    def __init__(self, pool: "Pool", host_line: bytes) -> None:
        self.pool = pool
        self.host_line = host_line


class Balancer:
    """Gives the target of the next request; None when there is none with a weight."""

    __slots__ = ("_order", "_turn")

    def __init__(self, targets: Sequence[tuple[CompiledTarget, int]]) -> None:
        self._order = _smooth_order(targets)
        self._turn = randrange(len(self._order)) if len(self._order) > 1 else 0  # noqa: S311 - no secret

    def next(self) -> CompiledTarget | None:
        """The target whose turn it is."""
        order = self._order
        if not order:
            return None
        turn = self._turn
        if turn >= len(order):
            turn = 0
        self._turn = turn + 1
        return order[turn]

    def take_over(self, other: "Balancer") -> None:
        """Give the targets of another balancer from now on."""
        self._order = other._order  # noqa: SLF001 - one of its kind


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
