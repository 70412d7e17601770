"""Windows of time in the database of the node, which nodes share.

The nodes' clocks say which windows there are; they should agree.
"""

from collections.abc import Sequence
from hashlib import sha256

from gateline.pdk import Node
from gateline.pdk.node import Period
from gateline.plugins.limits.redis_windows import Told
from gateline.plugins.limits.windows import Windows

__all__ = ["StoredWindows", "stored_name"]

_SLACK = 60
"""Seconds after its end for which a window is kept: another node's clock may be behind."""

_LONGEST = 300


class StoredWindows:
    """Counts in the windows of some limits, which have names."""

    def __init__(self, node: Node, limits: Sequence[tuple[str, int]], names: Sequence[str]) -> None:
        self._windows = Windows(limits)
        self._names = tuple(names)
        self._tallies = node.tallies
        self._time = node.time

    def start(self) -> None:
        """Nothing runs in the background."""

    async def count(self, key: str, costs: Sequence[int]) -> Told:
        """Add to each window what it costs, or to none when one is used up. Raises TalliesError."""
        now = self._time()
        windows = self._windows
        windows.at(now)
        resets = windows.resets
        periods = [
            Period(name, began, ends + _SLACK, limit, cost)
            for name, (began, ends), (_, limit, _), cost in zip(
                self._names, windows.spans(), windows.counted, costs, strict=True
            )
        ]
        values, added = await self._tallies.count(stored_name(key), periods)
        return values, resets, added


def stored_name(key: str) -> str:
    """A key that a database can hold: what clients send may be long, or no text at all."""
    if len(key) <= _LONGEST and key.isprintable():
        return key
    return "#" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
