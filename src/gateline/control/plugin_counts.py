"""What plugins in the workers want to be counted in the database, where all nodes see it.

What comes while a transaction is under way waits for it, and is then counted in one: so the time that a commit takes
does not limit how much is counted. When the database cannot be asked, whoever waits is told at once, and so is whoever
comes within the next second; then one asks again, alone.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from gateline.engine import tasks
from gateline.engine.feed import Count, Counted
from gateline.entities import EntityError
from gateline.store import Period, Store, StoreUnavailable, Tally

__all__ = ["PluginCounts"]

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds after a failure in which nobody asks."""

MOST = 500
"""Counts in one transaction."""


class PluginCounts:
    """Counts in a store. `clock` gives seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._trouble: str | None = None
        self._not_before = 0.0
        self._waiting: list[tuple[Count, asyncio.Future[Counted]]] = []
        self._busy = False

    async def count(self, asked: Count) -> Counted:
        """Count; the answer comes when it is stored, or cannot be."""
        if self._trouble is not None and (self._busy or self._clock() < self._not_before):
            return Counted(asked.number, error=self._trouble)
        future: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if not self._busy:
            self._busy = True
            tasks.start(self._work(), name="counts of plugins")
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                counted = await self._together([asked for asked, _ in batch])
                if self._trouble is not None:
                    counted += [Counted(asked.number, error=self._trouble) for asked, _ in self._waiting]
                    batch, self._waiting = batch + self._waiting, []
                for (_, future), one in zip(batch, counted, strict=True):
                    if not future.done():
                        future.set_result(one)
        finally:
            self._busy = False

    async def _together(self, batch: list[Count]) -> list[Counted]:
        asked = [Tally(one.key, [Period(*period) for period in one.periods]) for one in batch]
        try:
            totals = await self._store.tally(asked)
        except (StoreUnavailable, EntityError) as error:
            reason = str(error)
        except Exception:
            # Whatever it is: those who wait must hear of it.
            logger.exception("what plugins want to be counted cannot be")
            reason = "internal error"
        else:
            self._trouble = None
            pairs = zip(batch, totals, strict=True)
            return [Counted(one.number, total.values, total.added) for one, total in pairs]
        self._trouble, self._not_before = reason, self._clock() + PAUSE
        return [Counted(one.number, error=reason) for one in batch]
