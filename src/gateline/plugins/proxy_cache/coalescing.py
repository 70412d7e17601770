"""One fetch for many that wait: who fetches an entry, and who waits for it."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.pdk import Node
    from gateline.plugins.proxy_cache.store import Store

__all__ = ["Fetch", "Fetches"]

LONGEST_WAIT = 10.0
"""Seconds after which a request that waits goes to the service itself."""
CLAIM = 60.0
"""Seconds that a claim holds at most, should its worker hang; that one has died is noticed by the store."""
STALLED = 1.0
"""Seconds without another piece, as when a client takes none, after which nobody waits for a fetch any more."""
LONGEST_BODY = 8.0
"""Seconds from its first piece on after which nobody does: less than the longest wait, so that one goes on, not all."""
LOOK = 0.02
"""Seconds between two looks whether another worker is done."""
PASS = 10.0
"""Seconds for which nobody waits for what turned out not to be kept."""
_MOST_PASSES = 10_000


class Fetch:
    """A fetch under way: this worker's, or that of another one."""

    __slots__ = ("_began", "_fetches", "_key", "_moved", "_timer", "done", "kept")

    def __init__(self, fetches: "Fetches", key: str) -> None:
        self._fetches = fetches
        self._key = key
        self._began = self._moved = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.done = asyncio.Event()
        self.kept = True

    def moves(self) -> None:
        """A piece of what it fetches has come. Where no other one follows, or they do not come to an end, one of those
        who wait fetches it anew: the client of this one may be slow, and they need not be."""
        self._moved = asyncio.get_running_loop().time()
        if self._timer is None and not self.done.is_set():
            self._began = self._moved
            self._look()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        left = min(self._moved + STALLED, self._began + LONGEST_BODY) - loop.time()
        if left > 0:
            self._timer = loop.call_later(left, self._look)
        else:
            self.over(kept=True)

    def over(self, *, kept: bool) -> None:
        """It has ended; `kept`: what it brought is there for others."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.done.is_set():
            self.kept = kept
            self._fetches.ended(self._key, self)
            self.done.set()


class Fetches:
    """The fetches of a plugin instance, by key."""

    def __init__(self, store: "Store", node: "Node") -> None:
        self._store = store
        self._node = node
        self._under_way: dict[str, Fetch] = {}
        self._mine: set[str] = set()
        self._passes: dict[str, float] = {}

    async def join(self, key: str, now: float) -> tuple[Fetch | None, bool]:
        """A fetch to carry out, or None to go without one; or, true, one has been waited for: look again."""
        fetch = self._under_way.get(key)
        if fetch is None:
            if self._passes.get(key, 0.0) > now:
                return None, False
            fetch = self._under_way[key] = Fetch(self, key)
            if await self._claimed(key, fetch):
                return fetch, False
            self._node.background(self._watch(key, fetch))
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await fetch.done.wait()
        except TimeoutError:
            return None, False
        return None, fetch.kept

    async def lead(self, key: str, now: float) -> Fetch | None:
        """A fetch to carry out, None where one is under way already."""
        if key in self._under_way or self._passes.get(key, 0.0) > now:
            return None
        fetch = self._under_way[key] = Fetch(self, key)
        if await self._claimed(key, fetch):
            return fetch
        fetch.over(kept=True)
        return None

    async def _claimed(self, key: str, fetch: Fetch) -> bool:
        try:
            mine = await self._store.claim(key, CLAIM)
        except BaseException:  # it may have been claimed nevertheless
            self._mine.add(key)
            fetch.over(kept=False)
            raise
        if mine:
            self._mine.add(key)
        return mine

    async def _watch(self, key: str, fetch: Fetch) -> None:
        """Look until another worker is done with a fetch."""
        try:
            while await self._store.claimed(key):  # noqa: ASYNC110 - processes do not share events
                await asyncio.sleep(LOOK)
        finally:
            fetch.over(kept=True)

    def passes(self, key: str, now: float) -> None:
        """What is under a key is not kept: nobody shall wait for it."""
        if len(self._passes) >= _MOST_PASSES:
            self._passes.clear()
        self._passes[key] = now + PASS

    def ended(self, key: str, fetch: Fetch) -> None:
        """A fetch has ended."""
        if self._under_way.get(key) is fetch:
            del self._under_way[key]
        if key in self._mine:
            self._mine.discard(key)
            self._store.release(key)
