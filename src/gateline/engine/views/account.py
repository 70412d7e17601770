"""An exchange in numbers, as plugins that count see it."""

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["Account"]

CLIENT_GONE = 499
"""The status, nginx's, of a request whose client went before there was an answer."""


class Account:
    """See `gateline.pdk.exchange.Account`."""

    __slots__ = ("egress", "gateway_ms", "ingress", "request_ms", "source", "status", "upstream_ms")

    def __init__(self, exchange: "Exchange") -> None:
        run = exchange.run
        total = (monotonic() - exchange.received) * 1000
        upstream = exchange.upstream_latency
        self.status = exchange.status or CLIENT_GONE
        self.source = (run.source if run is not None else "") or "error"
        self.ingress = exchange.head.size + exchange.body_bytes
        self.egress = exchange.head_bytes + exchange.response_bytes
        self.request_ms = total
        self.upstream_ms = -1.0
        self.gateway_ms = total
        if upstream >= 0:
            self.upstream_ms = upstream * 1000
            self.gateway_ms = max(total - self.upstream_ms, 0.0)
