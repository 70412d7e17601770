"""Counters in the database, as a worker has them: the control process counts, for all workers at once."""

from collections.abc import Awaitable, Callable, Sequence

from gateline.engine.feed import Counted
from gateline.pdk.node import Period, TalliesError

__all__ = ["StoredTallies"]

Ask = Callable[[str, list[tuple[str, int, int, int, int]]], Awaitable[Counted]]
"""Has the control process count."""


class StoredTallies:
    """See `gateline.pdk.node.Tallies`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def count(self, key: str, periods: Sequence[Period]) -> tuple[list[int], bool]:
        """Add to all periods of a key, or to none."""
        counted = await self._ask(key, [(one.name, one.began, one.ends, one.limit, one.by) for one in periods])
        if counted.error is not None:
            raise TalliesError(counted.error)
        return counted.values, counted.added
