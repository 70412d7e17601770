"""The way of nearly all requests: their token is known, and the identity that it stands for still is."""

from collections.abc import Callable
from typing import Any

from gateline.pdk import Exchange
from gateline.plugins.jwt.finding import TokenPlaces
from gateline.plugins.jwt.verified import verified

__all__ = ["CONTEXT_KEY", "Admission"]

CONTEXT_KEY = "authenticated_jwt_token"
"""Where a token that was right is found in an exchange's context, as in Kong's."""


class Admission:
    """Lets requests with known tokens pass.

    `number` is the plugin's among those that share the memory. `excuse` is asked whether a request may go without a
    token; None where each needs one. `judge` gets the request and what was found in it where no known token was.
    """

    __slots__ = ("_excuse", "_judge", "_now", "_number", "_pass_over", "_places")

    def __init__(
        self,
        number: int,
        places: TokenPlaces,
        now: Callable[[], float],
        excuse: Callable[[Exchange], bool] | None,
        pass_over: Callable[[Exchange], Any],
        judge: Callable[[Exchange, object], Any],
    ) -> None:
        self._number = number
        self._places = places
        self._now = now
        self._excuse = excuse
        self._pass_over = pass_over
        self._judge = judge

    def access(self, exchange: Exchange) -> Any:
        """The hook of the plugin."""
        if self._excuse is not None and self._excuse(exchange):
            return self._pass_over(exchange)
        token = self._places.find(exchange.request)
        if type(token) is str:
            known = verified.get(self._number, token)
            if known is not None and known.until > self._now() and known.stands():
                exchange.context[CONTEXT_KEY] = token
                exchange.authenticate(known.identity)
                return None
        return self._judge(exchange, token)
