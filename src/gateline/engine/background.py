"""Requests to services that no client waits for: made beside a client's exchange, of what it asks for.

They are exchanges of which the client's side is nobody, so they go through balancer, retries and timeouts as any other;
only whoever watches sees the answer.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from gateline.engine.chain import PluginSet
from gateline.engine.edits import RequestEdits
from gateline.engine.errors import CATALOGUE
from gateline.engine.exchange import Exchange
from gateline.engine.plugin_run import PluginRun
from gateline.engine.request_id import next_request_id
from gateline.engine.streams import ClientStream, Trailers
from gateline.pdk.exchange import ServiceRequestView, Watcher

if TYPE_CHECKING:
    from gateline.engine.peer import Peer
    from gateline.engine.wire.codec import ResponseHead

__all__ = ["BackgroundExchange", "ask_beside"]

_log = logging.getLogger(__name__)


class _Nobody(ClientStream):
    """A client that takes everything and asks for nothing more."""

    def __init__(self, peer: "Peer") -> None:
        self.peer = peer

    def send_interim(self, status: int, head: "ResponseHead | None") -> None: ...
    def respond(self, *_: object) -> None: ...
    def answer(self, status: int, block: bytes, body: bytes) -> None: ...
    def answer_stored(self, status: int, block: bytes, lines: bytes, body: bytes) -> None: ...
    def send_data(self, data: bytes) -> None: ...
    def send_end(self, trailers: Trailers) -> None: ...
    def switch_protocols(self, head: "ResponseHead", tail: bytes, data: bytes) -> None: ...
    def finish(self, now: float) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


_NO_PLUGINS = PluginSet({}, {}).everywhere


def ask_beside(of: Exchange, watcher: Watcher, edit: Callable[[ServiceRequestView], None] | None) -> None:
    """Send what an exchange would send its service, with edits; see `gateline.pdk.Exchange.ask_service`."""
    exchange = BackgroundExchange(of)
    run = exchange.run
    assert run is not None  # noqa: S101 - made with it
    run.watcher = watcher
    try:
        if edit is not None:
            edit(exchange.service_request)
        if run.edits is not None and run.edits.method is not None:
            exchange.method = run.edits.method
        exchange.proxy.forward(exchange)
    except Exception:
        _log.exception("a request in the background failed (request id %s)", exchange.request_id.decode())
        if not exchange.over:
            exchange.refuse(CATALOGUE.INTERNAL)


class BackgroundExchange(Exchange):
    """An exchange without a client; it is in no log."""

    __slots__ = ()

    def __init__(self, of: Exchange) -> None:
        super().__init__(of.proxy, _Nobody(of.peer), of.head, monotonic())
        self.method, self.path, self.query = of.method, of.path, of.query
        self.host, self.port, self.tls, self.sni, self.client_ip = of.host, of.port, of.tls, of.sni, of.client_ip
        self.route, self.match = of.route, of.match
        self.request_id = next_request_id()
        self.trailers = []
        run = self.run = PluginRun(_NO_PLUGINS)
        before = of.run
        if before is not None:
            run.identity = before.identity
            if before.edits is not None:
                run.edits = _copy(before.edits)

    def _over(self) -> None:
        if not self.over:
            self.over = True
            run = self.run
            if run is not None:
                self.proxy.phases.log(self, run)


def _copy(edits: RequestEdits) -> RequestEdits:
    made = RequestEdits()
    for name in RequestEdits.__slots__:
        setattr(made, name, getattr(edits, name))
    made.changed = dict(edits.changed)
    return made
