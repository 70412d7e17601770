"""What becomes of each try at a target, for whoever wants to know: choosing by load, health, circuit breakers.

A target has one `Watch`, or none, which is the usual case and costs a request one look. It is made with the
configuration; where several want to know, it is `Watches` of them. What is in flight is told to the watch that heard of
its beginning, whatever became of the configuration meanwhile.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.errors import Failure
    from gateline.engine.exchange import Exchange
    from gateline.entities import Target, Upstream

__all__ = ["Watch", "WatchMaker", "Watches", "joined"]


class Watch:
    """Hears of the tries at one target; override what matters. `now` is the monotonic clock's, in seconds.

    A try is `began` once and `ended` once. In between it may be `connected` and `answered`, and it may have `failed`,
    in this order where it is several: an answer can break off. A method neither raises nor waits.
    """

    __slots__ = ()

    def began(self, exchange: "Exchange", now: float) -> None:
        """A try begins: there is no connection yet."""

    def connected(self, exchange: "Exchange", now: float) -> None:
        """There is a connection: the request is being sent."""

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:
        """The head of an answer came, `latency` seconds after the request was sent; 101 where a tunnel begins."""

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:
        """There was no answer, or no whole one. That a kept connection turned out to be closed is no failure. The
        exchange's `upstream` is the connection, None where there was none."""

    def ended(self, now: float) -> None:
        """The try is not in flight any more: its answer is complete, it failed, or nobody waits for it."""


class Watches(Watch):
    """Several watches of one target, told one after the other."""

    __slots__ = ("_watches",)

    def __init__(self, watches: Iterable[Watch]) -> None:
        self._watches = tuple(watches)

    def began(self, exchange: "Exchange", now: float) -> None:
        """A try begins."""
        for watch in self._watches:
            watch.began(exchange, now)

    def connected(self, exchange: "Exchange", now: float) -> None:
        """There is a connection."""
        for watch in self._watches:
            watch.connected(exchange, now)

    def answered(self, exchange: "Exchange", status: int, latency: float, now: float) -> None:
        """The head of an answer came."""
        for watch in self._watches:
            watch.answered(exchange, status, latency, now)

    def failed(self, exchange: "Exchange", failure: "Failure", now: float) -> None:
        """There was no answer, or no whole one."""
        for watch in self._watches:
            watch.failed(exchange, failure, now)

    def ended(self, now: float) -> None:
        """The try is not in flight any more."""
        for watch in self._watches:
            watch.ended(now)


WatchMaker = Callable[["Upstream", "Target", Watch | None], Watch | None]
"""Makes the watch of an upstream's target, None where it wants none.

It is asked whenever the upstream, one of its targets or their health changes, and is given what it gave for this target
before: the same again, where that fits, keeps what was learned. It never changes that one, as a change of configuration
can still be dropped. A target that services speak to in different manners is asked for once a manner.
"""


def joined(watches: Iterable[Watch | None]) -> Watch | None:
    """One watch for several; None where there is none."""
    there = [watch for watch in watches if watch is not None]
    return Watches(there) if len(there) > 1 else there[0] if there else None
