"""Chance: a target at random, or the less loaded of two that chance proposes."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import random
from time import monotonic
from typing import TYPE_CHECKING

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["Latency", "PowerOfTwo", "Random"]

DRAWS = 8
"""So often chance is asked again for another target, or for one whose slow start lets it have the request."""


class Random(Algorithm):
    """Each target with a chance in the ratio of its weight; `slow_start` in seconds, 0 for none.

    `even`: with equal chances.
    """

    __slots__ = ("_bounds", "_slow_start", "_targets")

    def __init__(self, targets: Sequence[CompiledTarget], slow_start: float = 0.0, *, even: bool = False) -> None:
        self._targets = list(targets)
        self._slow_start = slow_start
        weights = {target.weight for target in targets}
        self._bounds = None if even or len(weights) == 1 else list(accumulate(target.weight for target in targets))

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """A target at random."""
        if exchange.tried is not None:
            return self._among_others(exchange).one() if self._targets else None
        return self.one() if self._targets else None

    def one(self) -> CompiledTarget:
        """A target at random."""
        target = self._draw()
        slow_start = self._slow_start
        if slow_start:
            now = monotonic()
            for _ in range(DRAWS):
                load = target.load
                if load is None or random() < load.share(now, slow_start):  # noqa: S311 - no secret
                    break
                target = self._draw()
        return target

    def two(self) -> tuple[CompiledTarget, CompiledTarget]:
        """Two targets at random, different ones where that is possible."""
        first = self.one()
        second = self._draw()
        for _ in range(DRAWS):
            if second is not first:
                break
            second = self._draw()
        return first, second

    def _draw(self) -> CompiledTarget:
        targets = self._targets
        bounds = self._bounds
        if bounds is None:
            return targets[int(random() * len(targets))]  # noqa: S311
        return targets[bisect(bounds, random() * bounds[-1])]  # noqa: S311

    def _among_others(self, exchange: "Exchange") -> "Random":
        """The same among the targets that were not tried, if there are any."""
        tried = exchange.tried or []
        others = [target for target in self._targets if target not in tried] or self._targets
        return Random(others, self._slow_start, even=self._bounds is None)


class PowerOfTwo(Algorithm):
    """Of two targets at random the one with less in flight for its weight: nearly as good as looking at all."""

    __slots__ = ("_chance",)

    def __init__(self, targets: Sequence[CompiledTarget], slow_start: float = 0.0) -> None:
        self._chance = Random(targets, slow_start)

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The less loaded of two."""
        chance = self._chance
        if not chance._targets:  # noqa: SLF001 - part of it
            return None
        if exchange.tried is not None:
            chance = chance._among_others(exchange)  # noqa: SLF001
        first, second = chance.two()
        one, two = first.load, second.load
        if one is None or two is None or one.active * second.weight <= two.active * first.weight:
            return first
        return second


class Latency(Algorithm):
    """Of two targets at random the one of which an answer is expected sooner: latency times what is in flight."""

    __slots__ = ("_chance", "_slow_start")

    def __init__(self, targets: Sequence[CompiledTarget], slow_start: float = 0.0) -> None:
        self._chance = Random(targets, even=True)
        self._slow_start = slow_start

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The sooner of two."""
        chance = self._chance
        if not chance._targets:  # noqa: SLF001 - part of it
            return None
        if exchange.tried is not None:
            chance = chance._among_others(exchange)  # noqa: SLF001
        first, second = chance.two()
        now = monotonic()
        return first if self._cost(first, now) <= self._cost(second, now) else second

    def _cost(self, target: CompiledTarget, now: float) -> float:
        load = target.load
        if load is None:
            return 0.0
        weight = float(target.weight)
        if self._slow_start:
            weight *= load.share(now, self._slow_start)
        return load.latency_now(now) * (load.active + 1) / weight
