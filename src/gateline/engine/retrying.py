"""One request that follows a retry policy: its tries, its timers and its place in the budget.

Only an exchange whose route has a policy owns one. There are two timers, both of the loop and only where the policy
asks for them: one for the try under way or for the wait before the next, one for the deadlines of the whole request.
"""

import asyncio
import time
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from gateline.engine.errors import Failure
from gateline.engine.upstream.retries import Load, RetryRules

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["NO_RETRY", "Retrying", "Timer"]

NO_RETRY = -1.0
"""In the place of a wait: there is no other try."""


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Call it off."""


CallLater = Callable[[float, Callable[[], Any]], Timer]


class Retrying:
    """The state; it holds its exchange until `end`. Times in seconds, `clock` monotonic."""

    __slots__ = (
        "_call_later",
        "_clock",
        "_end_timer",
        "_ends",
        "_exchange",
        "_in_retry",
        "_load",
        "_timer",
        "attempts",
        "retries",
        "rules",
    )

    def __init__(
        self,
        exchange: "Exchange",
        rules: RetryRules,
        load: Load,
        *,
        clock: Callable[[], float] = monotonic,
        call_later: CallLater | None = None,
    ) -> None:
        self.rules = rules
        self.attempts = rules.attempts
        self.retries = 0
        self._exchange: Exchange | None = exchange
        self._load = load
        self._clock = clock
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self._in_retry = False
        self._timer: Timer | None = None
        self._end_timer: Timer | None = None
        self._ends = float("inf")
        if rules.budgeted:
            load.live += 1

    # -- the whole request -----------------------------------------------------------------------------------------
    def begin(self, received: float) -> None:
        """Watch the deadline of a request that was received then."""
        rules = self.rules
        allowed = rules.deadline or rules.response_deadline
        if allowed:
            self._ends = received + allowed
            self._watch_end()

    def answered(self) -> None:
        """The head of the answer that goes to the client is there."""
        self.try_over()
        self._leave_retry()
        rules = self.rules
        if rules.deadline and self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
            if rules.response_deadline:
                self._ends += rules.response_deadline - rules.deadline
                self._watch_end()

    def switched(self) -> None:
        """The answer was a change of protocol: nothing is watched any more."""
        self.try_over()
        self._leave_retry()
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None

    def end(self) -> None:
        """The exchange is over."""
        if self._exchange is None:
            return
        self._exchange = None
        self.try_over()
        self._leave_retry()
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
        if self.rules.budgeted:
            self._load.live -= 1

    # -- one try ---------------------------------------------------------------------------------------------------
    def connect_timeout(self, timeout: float) -> float:
        """The limit for opening a connection, where the service's is `timeout`."""
        own = self.rules.per_try_timeout
        return min(own, timeout) if own else timeout

    def sent(self) -> None:
        """A try goes out on a connection."""
        allowed = self.rules.per_try_timeout
        if allowed:
            self._timer = self._call_later(allowed, self._try_timed_out)

    def try_over(self) -> None:
        """The try, or the wait for the next one, has come to its end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- another try -----------------------------------------------------------------------------------------------
    def after_failure(self, failure: Failure) -> float:
        """How long to wait before another try, `NO_RETRY` when there is none. The try counts from now on."""
        if not self.rules.covers(failure):
            return NO_RETRY
        return self._admitted(0.0)

    def after_answer(self, retry_after: bytes | None) -> float:
        """The same after an answer with one of the rules' statuses and that `Retry-After`."""
        asked = self.rules.asked_wait(retry_after, time.time())
        return NO_RETRY if asked is None else self._admitted(asked)

    def wait(self, seconds: float) -> None:
        """Try again after so long."""
        self._timer = self._call_later(seconds, self._wait_over)

    def _admitted(self, asked: float) -> float:
        rules = self.rules
        if self.retries >= self.attempts:
            return NO_RETRY
        wait = max(asked, rules.wait(self.retries + 1))
        if self._clock() + wait >= self._ends:
            return NO_RETRY
        if not self._in_retry and rules.budgeted:
            if not rules.admits(self._load):
                return NO_RETRY
            self._in_retry = True
            self._load.retrying += 1
        self.retries += 1
        return wait

    def _leave_retry(self) -> None:
        if self._in_retry:
            self._in_retry = False
            self._load.retrying -= 1

    # -- the timers ------------------------------------------------------------------------------------------------
    def _watch_end(self) -> None:
        self._end_timer = self._call_later(max(self._ends - self._clock(), 0.0), self._end_came)

    def _end_came(self) -> None:
        self._end_timer = None
        if self._exchange is not None:
            self._exchange.deadline_passed()

    def _try_timed_out(self) -> None:
        self._timer = None
        if self._exchange is not None:
            self._exchange.try_timed_out()

    def _wait_over(self) -> None:
        self._timer = None
        if self._exchange is not None:
            self._exchange.proxy.try_again(self._exchange, False)
