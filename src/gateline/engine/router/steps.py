"""Building in small steps, so that an event loop can serve in between: sorted order, and orders that change."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import TypeVar, final

from gateline.engine.router.candidates import Candidate

__all__ = ["STEP", "Built", "Change", "after", "by_rank", "few_after", "in_order", "spread"]

STEP = 128
"""How many cheap pieces of work make a step (well under a millisecond)."""

_SORTED_AT_ONCE = 1024
_MERGED_AT_ONCE = 4096
_ONE_BY_ONE = 16
_Item = TypeVar("_Item")
Built = Generator[None, None, _Item]
"""Work in steps that ends with a value."""


@final
class Change:
    """Candidates that leave a place of the router, and others that come there (in any order)."""

    __slots__ = ("come", "gone")

    def __init__(self, come: list[Candidate] | None = None) -> None:
        self.gone: list[Candidate] = []
        self.come: list[Candidate] = [] if come is None else come


by_rank: Callable[[Candidate], int] = attrgetter("rank")
"""The order in which candidates are asked."""


def few_after(candidates: Sequence[Candidate], change: Change) -> list[Candidate]:
    """The candidates after a small change; before and after it they are in the order of their ranks."""
    result = list(candidates)
    for candidate in change.gone:
        at = bisect_left(result, candidate.rank, key=by_rank)
        while result[at] is not candidate:
            at += 1
        del result[at]
    for candidate in change.come:
        insort(result, candidate, key=by_rank)
    return result


def after(candidates: Sequence[Candidate], change: Change) -> Built[list[Candidate]]:
    """The candidates after a change of any size."""
    if len(change.gone) + len(change.come) <= _ONE_BY_ONE:
        return few_after(candidates, change)
    kept = list(candidates)
    if change.gone:
        gone = set(change.gone)
        kept = []
        for start in range(0, len(candidates), _SORTED_AT_ONCE):
            kept += [candidate for candidate in candidates[start : start + _SORTED_AT_ONCE] if candidate not in gone]
            yield
    if not change.come:
        return kept
    return (yield from in_order(kept + change.come, by_rank))


def spread(change: Change, keys: Callable[[Candidate], Iterable[_Item]]) -> Built[dict[_Item, Change]]:
    """The change of each place, where `keys` tells in which places a candidate is."""
    changes: dict[_Item, Change] = {}
    for count, candidate in enumerate(change.gone):
        if count % STEP == STEP - 1:
            yield
        for key in keys(candidate):
            changes.setdefault(key, Change()).gone.append(candidate)
    for count, candidate in enumerate(change.come):
        if count % STEP == STEP - 1:
            yield
        for key in keys(candidate):
            changes.setdefault(key, Change()).come.append(candidate)
    return changes


def in_order(items: list[_Item], key: Callable[[_Item], int] | None = None) -> Built[list[_Item]]:
    """The items sorted (by `key`, else as they are), a bounded piece at a time."""
    if len(items) <= _SORTED_AT_ONCE:
        return sorted(items, key=key)  # type: ignore[type-var,arg-type]  # without key they are comparable
    runs = []
    for start in range(0, len(items), _SORTED_AT_ONCE):
        runs.append(sorted(items[start : start + _SORTED_AT_ONCE], key=key))  # type: ignore[type-var,arg-type]
        yield
    while len(runs) > 1 and len(runs[0]) < _MERGED_AT_ONCE:
        merged_runs = []
        for start in range(0, len(runs), 2):  # sorting two sorted runs is merging them
            merged_runs.append(sorted(chain(*runs[start : start + 2]), key=key))  # type: ignore[type-var,arg-type]
            yield
        runs = merged_runs
    if len(runs) == 1:
        return runs[0]
    merged: list[_Item] = []
    for count, item in enumerate(heapq.merge(*runs, key=key)):  # type: ignore[arg-type]
        if count % STEP == 0:
            yield
        merged.append(item)
    return merged
