"""Smooth weighted turns: weights 2 and 1 give a, b, a and not a, a, b."""

from collections.abc import Sequence
from math import gcd

__all__ = ["LONGEST_ORDER", "smooth_turns"]

LONGEST_ORDER = 4096
"""Turns in an order; weights that would need more are made coarser."""


def smooth_turns(weights: Sequence[int]) -> list[int]:
    """Places in `weights`, each as often as its weight says, its turns spread evenly; none of those without weight."""
    heavy = [(place, weight) for place, weight in enumerate(weights) if weight > 0]
    if len({weight for _, weight in heavy}) <= 1:
        return [place for place, _ in heavy]
    divisor = gcd(*(weight for _, weight in heavy))
    heavy = [(place, weight // divisor) for place, weight in heavy]
    total = sum(weight for _, weight in heavy)
    if total > LONGEST_ORDER:
        heavy = [(place, max(1, round(weight * LONGEST_ORDER / total))) for place, weight in heavy]
    # The middles of as many equal parts of one round as a place has turns; where they coincide the first comes first.
    turns = [((turn + 0.5) / weight, place) for place, weight in heavy for turn in range(weight)]
    turns.sort()
    return [place for _, place in turns]
