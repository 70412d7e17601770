"""Requests that wait for a connection because as many as there may be are in use.

Each worker has one queue an upstream, first in, first out. Its first request is tried again whenever this worker has
given a connection back, and every few milliseconds, as others may have. What waits holds its share of
`max_pending_requests`, which bounds the queues of all workers together; the connect timeout bounds the wait.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from gateline.engine.errors import CATALOGUE
from gateline.engine.upstream.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateline.engine.exchange import Exchange

__all__ = ["Gauges", "Queue", "Queues", "Waiting"]

LOOK_AGAIN = 0.02
"""Seconds between two looks for connections that other workers have given back."""


class Gauges(Protocol):
    """Numbers of what is under way, as in `gateline.sharedstate.SharedGauges`."""

    def take(self, wanted: "Sequence[tuple[bytes, int]]") -> int:
        """Add one to each number, if none is at its limit; the place of one that is, else -1."""

    def give_back(self, keys: "Sequence[bytes]") -> None:
        """Take one from each number."""


class Waiting(Watch):
    """An exchange in a queue, as its watch until its try begins. `held` is what it has of limits."""

    __slots__ = ("_queue", "exchange", "held", "timer")

    def __init__(self, queue: "Queue", exchange: "Exchange", held: list[bytes]) -> None:
        self._queue = queue
        self.exchange = exchange
        self.held = held
        self.timer: asyncio.TimerHandle | None = None

    def ended(self, now: float) -> None:  # noqa: ARG002 - a watch
        """Nobody waits any more."""
        self._queue.leave(self)

    def timed_out(self) -> None:
        """It has waited too long."""
        self.exchange.proxy.no_answer(self.exchange, CATALOGUE.LIMIT_REACHED)


class Queue:
    """The exchanges of one worker that wait for a connection to one upstream."""

    __slots__ = ("__weakref__", "_called", "_gauges", "_goes_on", "_waiting")

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._waiting: deque[Waiting] = deque()
        self._called: Waiting | None = None
        """The first one, while it is tried whether it can go on."""
        self._goes_on: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def stands_before(self, exchange: "Exchange") -> bool:
        """Whether others have waited for longer than an exchange."""
        return bool(self._waiting) and (self._called is None or self._called.exchange is not exchange)

    def join(self, exchange: "Exchange", wanted: "Sequence[tuple[bytes, int]]", timeout: float) -> bool:
        """Let an exchange wait for so many seconds; False when too many wait (`wanted`: the limits of that)."""
        called = self._called
        if called is not None and called.exchange is exchange:
            self._called = None
            self._waiting.appendleft(called)
            exchange.watch = called
            return True
        if self._gauges.take(wanted) >= 0:
            return False
        waiting = Waiting(self, exchange, [key for key, _ in wanted])
        waiting.timer = asyncio.get_running_loop().call_later(timeout, waiting.timed_out)
        self._waiting.append(waiting)
        exchange.watch = waiting
        self._look_again()
        return True

    def passed(self, exchange: "Exchange") -> list[bytes]:
        """An exchange goes on; what it has of limits, which is the caller's now."""
        called = self._called
        if called is None or called.exchange is not exchange:
            return []
        held, called.held = called.held, []
        return held

    def leave(self, waiting: Waiting) -> None:
        """An exchange waits no more."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        if waiting.timer is not None:
            waiting.timer.cancel()
        held, waiting.held = waiting.held, []
        if held:
            self._gauges.give_back(held)

    def freed(self) -> None:
        """A connection was given back in this worker."""
        if self._waiting:
            if self._goes_on is not None:
                self._goes_on.cancel()
            self._goes_on = asyncio.get_running_loop().call_soon(self._go_on)

    def _look_again(self) -> None:
        if self._waiting and self._goes_on is None:
            self._goes_on = asyncio.get_running_loop().call_later(LOOK_AGAIN, self._go_on)

    def _go_on(self) -> None:
        """Let those begin that can, in their order."""
        self._goes_on = None
        try:
            while self._waiting and self._goes_on is None:
                first = self._waiting.popleft()
                if not self._call(first):
                    break
                self.leave(first)
        finally:
            self._called = None
            self._look_again()

    def _call(self, first: Waiting) -> bool:
        """Whether the first one waits no more: it goes on, or was refused."""
        self._called = first
        first.exchange.watch = None
        first.exchange.proxy.waited(first.exchange)
        return self._called is first


class Queues:
    """The queues of a worker, by the ids of upstreams; each is there as long as a gate has it."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._known: WeakValueDictionary[str, Queue] = WeakValueDictionary()

    def get(self, identifier: str) -> Queue:
        """The queue of an upstream, made when it is asked for first."""
        known = self._known.get(identifier)
        if known is None:
            known = self._known[identifier] = Queue(self._gauges)
        return known
