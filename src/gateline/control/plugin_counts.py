"""What plugins in the workers want to be counted in the database, where all nodes see it.

What comes while a transaction is under way waits for it, and is then counted in one: so the time that a commit takes
does not limit how much is counted.
"""

import asyncio
import logging

from gateline.engine import tasks
from gateline.engine.feed import Count, Counted
from gateline.entities import EntityError
from gateline.store import Period, Store, StoreUnavailable, Tally

__all__ = ["PluginCounts"]

logger = logging.getLogger(__name__)

MOST = 500
"""Counts in one transaction."""


class PluginCounts:
    """Counts in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Count, asyncio.Future[Counted]]] = []
        self._busy = False

    async def count(self, asked: Count) -> Counted:
        """Count; the answer comes when it is stored, or cannot be."""
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
            pairs = zip(batch, totals, strict=True)
            return [Counted(one.number, total.values, total.added) for one, total in pairs]
        return [Counted(one.number, error=reason) for one in batch]
