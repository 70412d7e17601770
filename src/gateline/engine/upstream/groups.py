"""Targets in groups: priorities and localities, of which the first takes what it can carry, and subsets by tag.

Loads of levels are Envoy's: a level is as healthy as 1.4 times the share of its weight that is; what it cannot carry
goes to the next one.
"""

from collections.abc import Callable, Mapping, Sequence
from random import random
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["OVERPROVISIONING", "Levels", "Subsets", "loads"]

OVERPROVISIONING = 1.4
"""A level carries everything until less than 1 / 1.4 of its weight (71 %) is healthy."""


def loads(levels: Sequence[tuple[int, int]]) -> list[float]:
    """What each level takes, of 1.0 in all, by its healthy and its whole weight; all 0.0 where nothing is healthy."""
    healths = [min(1.0, OVERPROVISIONING * healthy / whole) if whole else 0.0 for healthy, whole in levels]
    all_health = min(1.0, sum(healths))
    if not all_health:
        return [0.0] * len(levels)
    left = 1.0
    taken = []
    for health in healths:
        share = min(left, health / all_health)
        left -= share
        taken.append(share)
    return taken


class Levels(Algorithm):
    """Levels in their order with the share of each. `fraction` says where in them an exchange is, else chance does."""

    __slots__ = ("_bounds", "_fraction", "_levels")

    def __init__(
        self,
        levels: Sequence[tuple[float, Algorithm]],
        fraction: "Callable[[Exchange], float | None] | None" = None,
    ) -> None:
        self._levels = [algorithm for _, algorithm in levels]
        self._fraction = fraction
        self._bounds: list[float] = []
        bound = 0.0
        for share, _ in levels:
            bound += share
            self._bounds.append(bound)

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """A target of the level; of others where all of it were tried."""
        first = self._level(exchange)
        target = first.pick(exchange)
        tried = exchange.tried
        if target is not None and (tried is None or target not in tried):
            return target
        for level in self._levels:
            other = level.pick(exchange) if level is not first else None
            if other is not None and (tried is None or other not in tried):
                return other
        return target

    def _level(self, exchange: "Exchange") -> Algorithm:
        bounds = self._bounds
        if bounds[0] >= 1.0:
            return self._levels[0]
        point = None if self._fraction is None else self._fraction(exchange)
        if point is None:
            point = random()  # noqa: S311 - no secret
        for place, bound in enumerate(bounds):
            if point < bound:
                return self._levels[place]
        return self._levels[-1]


class Subsets(Algorithm):
    """By the value of a header the targets with a tag of that value; `others` where there is no such target.

    A request without the header may go to `every` target.
    """

    __slots__ = ("_every", "_header", "_others", "_subsets")

    def __init__(self, header: str, subsets: Mapping[str, Algorithm], every: Algorithm, others: Algorithm) -> None:
        self._header = header
        self._subsets = dict(subsets)
        self._every = every
        self._others = others

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """A target of the subset that the request asks for."""
        value = exchange.request.header(self._header)
        if value is None:
            return self._every.pick(exchange)
        return self._subsets.get(value, self._others).pick(exchange)
