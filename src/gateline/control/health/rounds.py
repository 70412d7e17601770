"""When which address of which target is probed: rounds of their own for each, spread over time so that they do not come
all at once, never two of one address at a time, and no more of an upstream at once than it allows.

Pure but for `random`: the clock is told, and what a probe is, is the caller's business.
"""

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from gateline.control.health.wheel import Wheel

__all__ = ["Crew", "Rounds", "Turn"]

GRAIN = 0.02
"""Seconds by which a turn may come late, besides."""

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
    """One address of a target, probed `interval` seconds after the last time, 0 for never. `slot` is where it is on the
    wheel, 0 where it is not."""

    __slots__ = ("about", "alive", "begun", "crew", "interval", "slot", "under_way")

    def __init__(self, crew: Crew, interval: float, about: Any) -> None:
        self.crew = crew
        self.interval = interval
        self.about = about
        self.alive = True
        self.under_way = False
        self.begun = 0.0
        self.slot = 0


class Rounds:
    """All turns. `begin` starts a probe of one and calls `over` when it has its result; `chance` is from 0 to 1."""

    def __init__(self, begin: Callable[[Turn], None], chance: Callable[[], float] = random.random) -> None:
        self._begin = begin
        self._chance = chance
        self._wheel = Wheel(GRAIN)
        self._alive = 0

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
            self._wheel.discard(turn, turn.slot)

    def pace(self, turn: Turn, interval: float, now: float) -> None:
        """Another interval from now on."""
        if turn.alive and interval != turn.interval:
            turn.interval = interval
            if not turn.under_way:
                self._wheel.discard(turn, turn.slot)
                self._first(turn, now)

    def tick(self, now: float) -> None:
        """Begin what is due."""
        for turn in self._wheel.due(now):
            turn.slot = 0
            turn.under_way = True
            turn.begun = now
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
            pause = turn.interval * (1 - SPREAD + 2 * SPREAD * self._chance())
            turn.slot = self._wheel.add(turn, max(turn.begun + pause, now))
        crew = turn.crew
        crew.busy -= 1
        while crew.waiting:
            following = crew.waiting.popleft()
            if following.alive:
                crew.busy += 1
                following.begun = now
                self._begin(following)
                return

    def _first(self, turn: Turn, now: float) -> None:
        if turn.interval:
            longest = turn.interval if self._alive > MANY else min(turn.interval, FIRST)
            turn.slot = self._wheel.add(turn, now + longest * self._chance())
