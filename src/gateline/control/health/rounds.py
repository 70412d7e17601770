"""When which address of which target is probed: rounds of their own for each, spread over time so that they do not come
all at once, never two of one address at a time, and no more of an upstream at once than it allows.

Pure but for `random`: the clock is told, and what a probe is, is the caller's business.
"""

import random
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

__all__ = ["Crew", "Rounds", "Turn"]

SPREAD = 0.05
"""The part of an interval by which a turn may come sooner or later."""

FIRST = 1.0
"""Seconds in which an address gets its first turn, if the interval is not shorter."""

MANY = 1000
"""Addresses from which on first turns are spread over the whole interval."""


class Crew:
    """The turns of one upstream that may be under way at the same time."""

    __slots__ = ("busy", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.busy = 0
        self.waiting: deque[Turn] = deque()


class Turn:
    """One address of a target, and when it is probed next: `interval` seconds after the last time, 0 for never."""

    __slots__ = ("about", "alive", "crew", "due", "interval", "under_way")

    def __init__(self, crew: Crew, interval: float, about: Any) -> None:
        self.crew = crew
        self.interval = interval
        self.about = about
        self.alive = True
        self.under_way = False
        self.due = 0.0


class Rounds:
    """All turns. `begin` starts a probe of one and calls `over` when it has its result."""

    def __init__(self, begin: Callable[[Turn], None], choose: Callable[[float, float], float] = random.uniform) -> None:
        self._begin = begin
        self._choose = choose
        self._heap: list[tuple[float, int, Turn]] = []
        self._numbers = count()
        self._alive = 0
        self._stale = 0

    def __len__(self) -> int:
        return self._alive

    def add(self, turn: Turn, now: float) -> None:
        """A new turn: soon, or some time in the first interval when there are many."""
        self._alive += 1
        self._first(turn, now)

    def drop(self, turn: Turn) -> None:
        """A turn that shall not come again; the result of a probe under way is for nothing."""
        if turn.alive:
            turn.alive = False
            self._alive -= 1
            self._stale += 1
            if self._stale > 1000 and self._stale > len(self._heap) // 2:
                self._heap = [entry for entry in self._heap if entry[2].alive]
                heapify(self._heap)
                self._stale = 0

    def pace(self, turn: Turn, interval: float, now: float) -> None:
        """Another interval from now on."""
        if turn.alive and interval != turn.interval:
            turn.interval = interval
            if not turn.under_way:
                self._first(turn, now)

    def tick(self, now: float) -> None:
        """Begin what is due."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            due, _, turn = heappop(heap)
            if not turn.alive or turn.under_way or due != turn.due:
                continue
            turn.under_way = True
            turn.due = now
            crew = turn.crew
            if crew.busy < crew.limit:
                crew.busy += 1
                self._begin(turn)
            else:
                crew.waiting.append(turn)

    def over(self, turn: Turn, now: float) -> None:
        """The probe of a turn has ended."""
        turn.under_way = False
        if turn.alive and turn.interval:
            pause = turn.interval * self._choose(1 - SPREAD, 1 + SPREAD)
            self._push(turn, max(turn.due + pause, now))
        crew = turn.crew
        crew.busy -= 1
        while crew.waiting:
            following = crew.waiting.popleft()
            if following.alive:
                crew.busy += 1
                following.due = now
                self._begin(following)
                return

    def _first(self, turn: Turn, now: float) -> None:
        if turn.interval:
            longest = turn.interval if self._alive > MANY else min(turn.interval, FIRST)
            self._push(turn, now + self._choose(0, longest))

    def _push(self, turn: Turn, due: float) -> None:
        turn.due = due
        heappush(self._heap, (due, next(self._numbers), turn))
