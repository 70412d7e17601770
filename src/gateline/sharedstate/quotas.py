"""What taking from quotas comes to: windows that are fixed or slide, and buckets. How it is kept is the business of
those that keep it.

All is in whole numbers, time in nanoseconds since 1970, so that no rounding lets anything through. Three numbers are
kept for each quota: of windows the window's number, what was taken in it, and what was taken in the one before; of a
bucket the time until it is full again, as of when, and the time in which it got one more. When that becomes another
one, what was taken stays taken, the bucket is empty at most, and is refilled at the new pace.

Processes read the clock before they get their turn, so time may seem to go back a little from one to the next: what
was counted stays counted, and the time that is missing has not passed yet. When it goes back further (somebody has set
the clock) windows begin anew and a bucket goes on from the new time.
"""

from collections.abc import Sequence
from typing import Any

__all__ = ["BUCKET", "FIXED", "NUMBERS", "SLIDING", "Reading", "Rule", "taken"]

Rule = tuple[int, int, int, bool]
"""A quota: how it is measured, its size, nanoseconds, and whether what it refuses counts too (SLIDING only).

Of windows what each allows, and their length; of a bucket what it holds, and the time in which it gets one more.
"""

Reading = tuple[int, int, int]
"""What is left, nanoseconds until the window is over (the bucket is full), and until what was wanted could be taken."""

FIXED, SLIDING, BUCKET = 0, 1, 2

NUMBERS = 3
"""Numbers that are kept for each quota."""

_MOST = 2**62
_BACK = 2_000_000_000
"""Nanoseconds that a bucket's clock may go back and be taken for late."""


def taken(
    stored: Sequence[Any], rules: Sequence[Rule], cost: int, now: int, always: bool
) -> tuple[list[Any], list[Reading], bool, int]:
    """What to store, a reading of each quota, whether the cost was taken, and how long it must be kept.

    `stored` has the numbers of each quota in turn; zeros are a quota of which nothing was taken. The cost is taken from
    all quotas or, where one has too little, from none (but from that one where it counts refusals); with `always` it is
    taken whatever is left, and may be negative. Cost 0 takes nothing and tells whether 1 could be taken.
    """
    after = list(stored)
    refusing: list[int] = []
    at = 0
    for kind, size, length, _ in rules:
        if kind == BUCKET:
            debt = _drain(after, at, now, size, length)
            if (cost or 1) * length + debt > size * length:
                refusing.append(at)
        else:
            passed = _turn(after, at, now, length)
            count = after[at + 1] + (cost or 1)
            before = after[at + 2] if kind == SLIDING else 0
            if count > size or count * length + before * (length - passed) > size * length:
                refusing.append(at)
        at += NUMBERS
    admitted = always or not refusing
    readings: list[Reading] = []
    kept = 0
    at = 0
    for kind, size, length, penalty in rules:
        by = cost if admitted or (penalty and at in refusing) else 0
        wanted = 0 if admitted else cost or 1
        if kind == BUCKET:
            debt = after[at] = _bounded(after[at] + by * length)
            readings.append((max(size - -(-debt // length), 0), debt, _refill(debt, size, length, wanted)))
            kept = max(kept, debt)
        else:
            count = after[at + 1] = _bounded(after[at + 1] + by)
            passed = max(now - after[at] * length, 0)
            left = length - passed
            if kind == SLIDING:
                before = after[at + 2]
                room = size - count - -(-before * left // length)
                readings.append((max(room, 0), left, _slide(before, count, size, length, passed, wanted)))
                kept = max(kept, left + length)
            else:
                full = wanted and count + wanted > size
                readings.append((max(size - count, 0), left, left if full else 0))
                kept = max(kept, left)
        at += NUMBERS
    return after, readings, admitted, kept


def _drain(after: list[Any], at: int, now: int, size: int, length: int) -> int:
    """Bring a bucket up to the time; how long it takes until it is full."""
    debt: int = after[at]
    passed = now - after[at + 1]
    if passed >= 0:
        debt = debt - passed if debt > passed else 0
        after[at] = debt
        after[at + 1] = now
    elif passed < -_BACK:
        after[at + 1] = now
    before: int = after[at + 2]
    if before != length:
        if before and debt:
            debt = after[at] = min(-(-debt * length // before), size * length)
        after[at + 2] = length
    return debt


def _turn(after: list[Any], at: int, now: int, length: int) -> int:
    """Bring windows up to the time; how much of the present one has passed."""
    number = now // length
    stored = after[at]
    if stored == number + 1:  # the clock of another was read later
        return 0
    if stored != number:
        after[at + 2] = after[at + 1] if stored == number - 1 else 0
        after[at + 1] = 0
        after[at] = number
    return now - number * length


def _bounded(value: int) -> int:
    return 0 if value < 0 else value if value < _MOST else _MOST  # noqa: FURB136 - two calls less


def _refill(debt: int, size: int, length: int, wanted: int) -> int:
    """How long a bucket has to be refilled until so many can be taken."""
    if not wanted:
        return 0
    return max(debt + (min(wanted, size) - size) * length, 0)


def _slide(before: int, count: int, size: int, length: int, passed: int, wanted: int) -> int:
    """How long a window has to slide until so many can be taken, while nobody takes anything."""
    if not wanted:
        return 0
    wanted = min(wanted, size)
    room = size - count - wanted
    if room >= 0:  # in this window, when enough of the one before has left it
        return max(length - passed - (room * length // before if before else length), 0)
    room = size - wanted  # in the next one, when enough of this one has left it
    return 2 * length - passed - room * length // count
