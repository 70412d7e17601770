"""One request and its response: the meeting point of a client's stream and an upstream's.

An exchange owns the state that both sides share: the request's head, the route it was given, the tries at an upstream,
the pieces of the body that may have to be sent again, and when things happened. It knows no protocol's bytes: the
client's side (`ClientStream`) and the upstream's (`UpstreamStream`) are interfaces which `engine.wire` implements, for
HTTP/1 today. Events come in as method calls, in any order that a network can produce; where a request goes, and what
is answered when it cannot, is decided by `engine.proxy`. Nothing here waits, so nothing here is a coroutine, and no
reference cycle outlives `finish`.
"""

from time import monotonic
from typing import TYPE_CHECKING, Protocol, cast

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.wire.codec import RequestHead, ResponseHead

if TYPE_CHECKING:
    from gateline.engine.peer import Peer
    from gateline.engine.proxy import Proxy
    from gateline.engine.router import Match
    from gateline.engine.runtime import CompiledRoute
    from gateline.engine.upstream.balancer import CompiledTarget

__all__ = ["REPLAY_LIMIT", "ClientStream", "Exchange", "Trailers", "UpstreamStream"]

Trailers = list[tuple[bytes, bytes]]

REPLAY_LIMIT = 64 * 1024
"""Bytes of a request body that are kept for another try, or until there is a connection; a longer one is sent once."""


class ClientStream(Protocol):
    """The client's side of an exchange: where its answer goes and its request body comes from."""

    peer: "Peer"

    def send_interim(self, status: int, head: ResponseHead | None) -> None:
        """An informational answer (1xx) before the final one; with `head`, its headers."""

    def respond(self, head: ResponseHead, drop: int, tail: bytes, length: int, body: bytes, ended: bool) -> None:
        """Send an upstream's answer: its headers without the kinds `drop`, the block `tail`, and the first of the body.

        `length` is the body's whole length in bytes, or -1 where only its end will tell. `ended`: `body` is all of it.
        """

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        """Send a whole answer of the gateway's own; `block` holds every header but Content-Length and Connection."""

    def send_data(self, data: bytes) -> None:
        """Go on with the answer's body."""

    def send_end(self, trailers: Trailers) -> None:
        """The answer's body is complete."""

    def switch_protocols(self, head: ResponseHead, tail: bytes, data: bytes) -> None:
        """Send a 101 answer; from now on `send_data` and `Exchange.request_data` carry raw bytes."""

    def finish(self, now: float) -> None:
        """The exchange is over and its answer sent: take the next request, or close."""

    def abort(self) -> None:
        """Break off: the answer cannot be completed, and the client must not take it for whole."""

    def pause_reading(self) -> None:
        """Take no more of the request's body for now."""

    def resume_reading(self) -> None:
        """Take more of the request's body again."""


class UpstreamStream(Protocol):
    """An upstream's side of an exchange."""

    def send_request(self, exchange: "Exchange", data: bytes) -> None:
        """Send the head and hear the answer for `exchange`."""

    def send_data(self, data: bytes) -> None:
        """Go on with the request's body, in the framing of its head."""

    def send_end(self, trailers: Trailers) -> None:
        """The request's body is complete."""

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""

    def pause_reading(self) -> None:
        """Take no more of the answer for now."""

    def resume_reading(self) -> None:
        """Take more of the answer again."""


class Exchange:
    """A request, what became of it, and the two streams between which it runs.

    The attributes `method`, `host`, `port`, `path`, `head`, `query`, `tls`, `sni` and `client_ip` are what the router
    matches. Times are of the monotonic clock, in seconds; 0.0 where a moment has not come.
    """

    __slots__ = (
        "body_bytes",
        "client",
        "client_ip",
        "head",
        "host",
        "kept",
        "match",
        "method",
        "over",
        "path",
        "peer",
        "port",
        "proxy",
        "query",
        "received",
        "request_bytes",
        "request_done",
        "request_id",
        "responded",
        "response_bytes",
        "route",
        "sent",
        "sni",
        "status",
        "target",
        "tls",
        "trailers",
        "tries",
        "tunnel",
        "upstream",
        "upstream_latency",
        "upstream_path",
    )

    def __init__(self, proxy: "Proxy", client: ClientStream, head: RequestHead, now: float) -> None:
        self.peer = client.peer
        self.proxy = proxy
        self.client = client
        self.head = head
        self.received = now
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.host = b""
        self.port = self.peer.listener_port
        self.tls = self.peer.tls
        self.sni = self.peer.sni
        self.client_ip = self.peer.address
        self.route: CompiledRoute | None = None
        self.match: Match = cast("Match", None)  # from here on set by the router and the balancer
        self.target: CompiledTarget = cast("CompiledTarget", None)
        self.request_id = b""
        self.upstream: UpstreamStream | None = None
        self.upstream_path = b""
        self.request_bytes = b""
        self.request_done = True
        self.kept: list[bytes] | None = None
        self.body_bytes = 0
        self.trailers: Trailers | None = None
        self.tries = 0
        self.sent = 0.0
        self.upstream_latency = -1.0
        self.responded = False
        self.tunnel = False
        self.over = False
        self.status = 0
        self.response_bytes = 0

    @property
    def client_port(self) -> int:
        """The port of the client's end of the connection."""
        return self.peer.port

    @property
    def server_ip(self) -> str:
        """The address of the gateway's end of the connection."""
        return self.peer.server_address

    # -- the client's side -----------------------------------------------------------------------------------------
    def request_data(self, data: bytes) -> None:
        """More of the request's body came (or, in a tunnel, raw bytes)."""
        if self.over:
            return
        upstream = self.upstream
        if self.tunnel:
            if upstream is not None:
                upstream.send_data(data)
            return
        self.body_bytes += len(data)
        limit = self.proxy.body_limit
        if limit and self.body_bytes > limit:
            self.refuse(CATALOGUE.PAYLOAD_TOO_LARGE)
            return
        kept = self.kept
        if kept is not None:
            if upstream is None or self.body_bytes <= REPLAY_LIMIT:
                kept.append(data)
            else:
                self.kept = None
        if upstream is not None:
            upstream.send_data(data)
        elif self.body_bytes > REPLAY_LIMIT:
            self.client.pause_reading()

    def request_end(self, trailers: Trailers) -> None:
        """The request's body is complete."""
        self.request_done = True
        self.trailers = trailers
        if self.upstream is not None and not self.over:
            self.upstream.send_end(trailers)

    def client_lost(self) -> None:
        """The client is gone: whatever is under way for it is called off."""
        if self.over:
            return
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.cancel()
        self._over()

    def client_paused(self) -> None:
        """The client does not read as fast as the upstream sends."""
        if self.upstream is not None:
            self.upstream.pause_reading()

    def client_resumed(self) -> None:
        """The client has caught up."""
        if self.upstream is not None:
            self.upstream.resume_reading()

    # -- the upstream's side ---------------------------------------------------------------------------------------
    def connected(self, upstream: UpstreamStream, now: float) -> None:
        """There is a connection: send what the request has so far."""
        self.upstream = upstream
        self.sent = now
        upstream.send_request(self, self.request_bytes)
        kept = self.kept
        if kept is not None:
            for piece in kept:
                upstream.send_data(piece)
            if self.body_bytes > REPLAY_LIMIT:
                self.kept = None
            self.client.resume_reading()
        if self.request_done and self.trailers is not None:
            upstream.send_end(self.trailers)

    def interim_response(self, head: ResponseHead) -> None:
        """The upstream sent an informational answer; 100 is the gateway's own business."""
        if not self.over and head.status != 100:
            self.client.send_interim(head.status, head)

    def response(self, head: ResponseHead, length: int, body: bytes, ended: bool, now: float) -> None:
        """The upstream's answer began; see `ClientStream.respond` for `length` and `ended`."""
        self.responded = True
        self.kept = None
        self.upstream_latency = now - self.sent
        self.status = head.status
        self.response_bytes = len(body)
        self.proxy.respond(self, head, length, body, ended)
        if ended:
            self.upstream = None
            self._complete(now)

    def switched(self, head: ResponseHead, data: bytes) -> None:
        """The upstream agreed to switch protocols: from here on bytes pass both ways as they come."""
        self.responded = True
        self.tunnel = True
        self.status = 101
        self.upstream_latency = monotonic() - self.sent
        self.proxy.switch(self, head, data)

    def response_data(self, data: bytes) -> None:
        """More of the answer's body came."""
        if not self.over:
            self.response_bytes += len(data)
            self.client.send_data(data)

    def response_end(self, trailers: Trailers) -> None:
        """The answer's body is complete; the upstream's stream has taken itself back."""
        self.upstream = None
        if not self.over:
            self.client.send_end(trailers)
            self._complete(monotonic())

    def upstream_failed(self, failure: Failure, stale: bool) -> None:
        """The upstream gave no (whole) answer. `stale`: on a connection that had served before and sent nothing now."""
        self.upstream = None
        if self.over:
            return
        if self.responded:
            self._over()
            self.client.abort()
        else:
            self.proxy.upstream_failed(self, failure, stale)

    def upstream_paused(self) -> None:
        """The upstream does not read as fast as the client sends."""
        if not self.over:
            self.client.pause_reading()

    def upstream_resumed(self) -> None:
        """The upstream has caught up."""
        if not self.over:
            self.client.resume_reading()

    # -- the end ---------------------------------------------------------------------------------------------------
    def refuse(self, failure: Failure, extra: bytes = b"") -> None:
        """Answer with an error of the gateway's own; `extra` is a block of further headers."""
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.cancel()
        if self.responded:
            self._over()
            self.client.abort()
        else:
            self.proxy.answer_failure(self, failure, extra)

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        """Answer from the gateway itself, without an upstream."""
        self.responded = True
        self.status = status
        self.response_bytes = len(body)
        self.client.answer(status, block, body)
        self._complete(monotonic())

    def _complete(self, now: float) -> None:
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.cancel()
        self._over()
        self.client.finish(now)

    def _over(self) -> None:
        if not self.over:
            self.over = True
            self.kept = None
            self.proxy.finished(self)
