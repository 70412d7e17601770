"""What follows a try at a target that did not give the client its answer: another one, at once or later, or an error.

A request is tried again where that is safe: it was not sent, or its method may be sent twice and its body is there to
be sent again, and the client has heard nothing. How often, and after what wait, its route's retry policy says, or
without one the service's `retries`.
"""

import logging
from typing import TYPE_CHECKING, NamedTuple

from gateline.engine.errors import Failure, Retry
from gateline.engine.retrying import NO_RETRY, Retrying
from gateline.engine.upstream.retries import IDEMPOTENT
from gateline.engine.wire.codec import ResponseHead

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.engine.proxy import Proxy

__all__ = ["FailedTry", "Tries"]

_log = logging.getLogger(__name__)

STALE_TRIES = 2
"""How often a request is sent again because a kept connection turned out to be closed, beside all other retries."""


class FailedTry(NamedTuple):
    """A try that did not give the client its answer: at which address and port, when it began (monotonic, seconds),
    and the status that it gave or stands for; `sane`: an answer that was discarded.
    """

    ip: str
    port: int
    began: float
    code: int
    sane: bool


class Tries:
    """The decisions of one worker's proxy."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy

    def failed(self, exchange: "Exchange", failure: Failure, stale: bool) -> None:
        """Decide what follows a try that gave no answer. `stale`: on a kept connection that was closed meanwhile."""
        again = _may_send_again(exchange, failure.retry)
        retrying = exchange.retrying
        if retrying is not None:
            retrying.try_over()
        if stale and again and exchange.tries < STALE_TRIES:
            self._proxy.try_again(exchange, True)
        elif again and retrying is not None and (wait := retrying.after_failure(failure)) != NO_RETRY:
            if wait:
                retrying.wait(wait)
            else:
                self._proxy.try_again(exchange, False)
        elif again and retrying is None and not stale and exchange.tries < _retries(exchange):
            _log.debug("%s (request id %s): trying again", failure.name, exchange.request_id.decode())
            self._proxy.try_again(exchange, False)
        else:
            _log.info(
                "%s of service %s after %d tries (request id %s)",
                failure.name,
                exchange.service.name if exchange.service is not None else None,
                exchange.tries + 1,
                exchange.request_id.decode(),
            )
            exchange.refuse(failure)

    @staticmethod
    def discards(exchange: "Exchange", retrying: Retrying, head: ResponseHead, ended: bool) -> bool:
        """Whether an answer is discarded: its status is one of the policy's, and there will be another try.

        That one begins in the loop's next turn at the earliest, when the connection may be used again.
        """
        if head.status in retrying.rules.statuses and _may_send_again(exchange, Retry.MAYBE_SENT):
            wait = retrying.after_answer(head.get(b"retry-after"))
            if wait != NO_RETRY:
                retrying.try_over()
                exchange.discard(head.status, ended)
                retrying.wait(wait)
                return True
        retrying.answered()
        return False


def _may_send_again(exchange: "Exchange", retry: Retry) -> bool:
    """Whether a request may be sent again after a try of which `retry` tells what became of it."""
    if exchange.informed:
        return False
    if retry is Retry.NOT_SENT:
        return True
    retrying = exchange.retrying
    if retry is Retry.NEVER and retrying is None:
        return False
    methods = IDEMPOTENT if retrying is None else retrying.rules.methods
    run = exchange.run
    edited = run.edits.method if run is not None and run.edits is not None else None
    has_body = exchange.body_bytes > 0 or not exchange.request_done
    return (edited or exchange.method) in methods and (not has_body or exchange.kept is not None)


def _retries(exchange: "Exchange") -> int:
    """How often a request without a policy is tried again."""
    run = exchange.run
    if run is not None and run.edits is not None and run.edits.retries >= 0:
        return run.edits.retries
    return exchange.service.retries if exchange.service is not None else 0
