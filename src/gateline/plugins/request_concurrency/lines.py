"""Requests of one worker that wait for a place, in the order in which they came, a line for each key.

The first of a line asks again whenever this worker gives a place of the key back, and from time to time, as other
workers do not say when they do.
"""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Lines"]

AGAIN = 0.01
"""Seconds after which the first in a line asks again, at least."""
MOST = 2000
"""Questions of all lines together in a second, at most."""


class Lines:
    """The lines of one plugin: at most `size` requests wait, in all lines together, for `seconds` at most."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._lines: dict[str, deque[asyncio.Event]] = {}
        self.waiting = 0

    def is_empty(self, key: str) -> bool:
        """Whether nobody waits for a place of a key, so that who comes need not stand in line."""
        return key not in self._lines

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return self.waiting >= self._size

    async def wait(self, key: str, enter: Callable[[], bool]) -> bool:
        """Wait until it is one's turn and `enter` succeeds; False when that takes too long."""
        line = self._lines.setdefault(key, deque())
        called = asyncio.Event()
        line.append(called)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                while line[0] is not called:
                    await called.wait()
                    called.clear()
                while not enter():
                    await self._called_or_again(called)
            return True
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
            line.remove(called)
            if line:
                line[0].set()
            else:
                del self._lines[key]

    def call(self, key: str) -> None:
        """There may be a place."""
        line = self._lines.get(key)
        if line:
            line[0].set()

    async def _called_or_again(self, called: asyncio.Event) -> None:
        again = asyncio.get_running_loop().call_later(max(AGAIN, len(self._lines) / MOST), called.set)
        try:
            await called.wait()
        finally:
            again.cancel()
        called.clear()
