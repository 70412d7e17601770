"""Documents in a worker: what the control process has sent of them, and requests that wait for one to be fetched.

A worker fetches nothing. It may ask for a fetch out of turn, for all of its requests together, and not again before
some seconds are over: whoever sends tokens with made-up key ids makes neither it nor an issuer work.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

from gateline.pdk.documents import RENEWAL

__all__ = ["KIND", "WAIT", "WorkerDocuments"]

KIND = "documents"
"""What the rows are called on the feed; their id is the URL."""

WAIT = 5.0
"""Seconds that a request waits at most."""


class WorkerDocuments:
    """See `gateline.pdk.documents.Documents`. `ask` is set to what asks the control process."""

    def __init__(self, clock: Callable[[], float] = monotonic, wait: float = WAIT) -> None:
        self.ask: Callable[[str], None] = lambda _: None
        self._clock = clock
        self._wait = wait
        self._bodies: dict[str, bytes] = {}
        self._not_before: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}

    def take(self, put: Iterable[Mapping[str, Any]], delete: Iterable[str], *, full: bool) -> None:
        """Take in what was sent; `full`: there is nothing else."""
        rows = {row["id"]: row["body"] for row in put}
        if full:
            # What is as it was stays the same object.
            rows = {url: self._bodies[url] if self._bodies.get(url) == body else body for url, body in rows.items()}
            self._bodies = rows
            self._not_before = {url: then for url, then in self._not_before.items() if url in rows}
            return
        self._bodies |= rows
        for url in delete:
            self._bodies.pop(url, None)
            self._not_before.pop(url, None)

    def get(self, url: str) -> bytes | None:
        """The document."""
        return self._bodies.get(url)

    def renewable(self, url: str) -> bool:
        """Whether it was not asked for lately, or is being waited for."""
        return url in self._waiting or self._not_before.get(url, 0.0) <= self._clock()

    async def renew(self, url: str) -> None:
        """Have it fetched, and wait for that."""
        waiting = self._waiting.get(url)
        if waiting is None:
            if not self.renewable(url):
                return
            waiting = self._waiting[url] = asyncio.get_running_loop().create_future()
            self.ask(url)
        try:
            async with asyncio.timeout(self._wait):
                await asyncio.shield(waiting)
        except TimeoutError:
            self.renewed(url)

    def renewed(self, url: str) -> None:
        """It was fetched, or could not be: nobody waits any longer."""
        waiting = self._waiting.pop(url, None)
        self._not_before[url] = self._clock() + RENEWAL
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
