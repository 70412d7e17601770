"""What a count in windows of time comes to; how it is kept is the business of those that keep it.

A window is known by its number, which grows by one from each window to the next. Two processes may read the clock on
either side of the moment at which a window ends, and the later of them may count first: what the other adds then goes
to the new window, so that neither is counted twice. What is given back by the later one is void: it was of the window
that is over. A number that is further away begins anew, whatever the clock did.
"""

from collections.abc import Sequence
from typing import Any

__all__ = ["Window", "counted"]

Window = tuple[int, int, int]
"""A window's number, its limit, and what to add to it."""

_MOST = 2**62


def counted(stored: Sequence[Any], windows: Sequence[Window]) -> tuple[list[Any], list[int], bool]:
    """What to store, the windows' values, and whether they were added to: to all, or to none.

    `stored` has number and value of each window in turn. Nothing is added when a window that would be added to has
    reached its limit.
    """
    after = list(stored)
    amounts = []
    free = True
    at = 0
    for number, limit, by in windows:
        before = after[at]
        if before != number and before != number + 1:  # one above: the clock of another was read later
            after[at] = number
            after[at + 1] = 0
        if by and after[at + 1] >= limit:
            free = False
        amounts.append(0 if by < 0 and before == number + 1 else by)
        at += 2
    if free:
        at = 1
        for by in amounts:
            value = after[at] + by
            after[at] = value if value < _MOST else _MOST  # noqa: FURB136 - a call less
            at += 2
    return after, after[1::2], free
