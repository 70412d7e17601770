"""One request and its response: the meeting point of a client's stream and an upstream's.

An exchange owns the state that both sides share: the request's head, the route it was given, the tries at an upstream,
the pieces of the body that may have to be sent again, and when things happened. It knows no protocol's bytes: the
client's side (`ClientStream`) and the upstream's (`UpstreamStream`) are interfaces which `engine.wire` implements, for
HTTP/1 today. Events come in as method calls, in any order that a network can produce; where a request goes, and what
is answered when it cannot, is decided by `engine.proxy`, what follows a try that failed by `engine.tries`. Nothing here
waits, so nothing here is a coroutine, and no reference cycle outlives `finish`.
"""

import time
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.identification import tell_service
from gateline.engine.log_record import log_record
from gateline.engine.streams import ClientStream, Trailers, UpstreamStream
from gateline.engine.tries import FailedTry
from gateline.engine.upstream.retries import REPLAY_LIMIT
from gateline.engine.views import (
    Account,
    ClientView,
    ConnectionView,
    RequestView,
    ResponseView,
    ServiceRequestView,
    ServiceResponseView,
)
from gateline.engine.wire.codec import RequestHead, ResponseHead
from gateline.pdk.identity import Consumer, Credential, Identity
from gateline.pdk.memory import AnyExchange, Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateline.engine.plugin_run import PluginRun
    from gateline.engine.proxy import Proxy
    from gateline.engine.retrying import Retrying
    from gateline.engine.router import Match
    from gateline.engine.runtime import CompiledRoute, CompiledService
    from gateline.engine.upstream.balancer import CompiledTarget
    from gateline.engine.upstream.watch import Watch
    from gateline.pdk.exchange import Watcher

__all__ = ["Exchange"]


class Exchange(AnyExchange):
    """A request, what became of it, and the two streams between which it runs.

    The attributes `method`, `host`, `port`, `path`, `head`, `query`, `tls`, `sni` and `client_ip` are what the router
    matches. Times are of the monotonic clock, in seconds; 0.0 where a moment has not come. `tries` are those that
    failed so far and `tried` the targets of them (None: none); `watch` hears of the try in flight, where one does.
    `cookie_line` is a header line that goes with an upstream's answer to the client; `hashed` is what chose the target,
    where a hash does. `began` is when the last try did, `failures` are the earlier ones, for the log; `informed`: an
    informational answer has gone to the client; `head_bytes` is the size of the answer's head; `retrying`
    follows the route's retry policy, where it has one.
    """

    __slots__ = (
        "began",
        "body_bytes",
        "client_ip",
        "cookie_line",
        "downstream",
        "failures",
        "hashed",
        "head",
        "head_bytes",
        "host",
        "informed",
        "kept",
        "match",
        "method",
        "over",
        "path",
        "peer",
        "port",
        "proxy",
        "query",
        "read_timeout",
        "received",
        "request_bytes",
        "request_done",
        "request_id",
        "request_length",
        "responded",
        "response_bytes",
        "retrying",
        "route",
        "run",
        "sent",
        "sni",
        "status",
        "target",
        "tls",
        "trailers",
        "tried",
        "tries",
        "tunnel",
        "upstream",
        "upstream_ip",
        "upstream_latency",
        "upstream_path",
        "watch",
        "write_timeout",
    )

    def __init__(self, proxy: "Proxy", client: ClientStream, head: RequestHead, now: float) -> None:
        self.begin(proxy, client, head, now)

    def begin(self, proxy: "Proxy", client: ClientStream, head: RequestHead, now: float) -> None:
        """All that `__init__` does, for who makes one by `__new__`: compiled, the two cost half of what the call of a
        class does, which makes a tuple of its arguments and numbers of the numbers among them."""
        self.proxy = proxy
        self.downstream = client
        self.peer = self.downstream.peer  # what is read here again is read as what its attribute is declared to be
        self.head = head
        self.received = now
        self.method = self.head.method
        self.path = self.head.path
        self.query = self.head.query
        self.host = b""
        self.port = self.peer.listener_port
        self.tls = self.peer.tls
        self.sni = self.peer.sni
        self.client_ip = self.peer.address
        self.route: CompiledRoute | None = None
        self.match: Match = None  # type: ignore[assignment]  # set by the router, the next by the balancer
        self.target: CompiledTarget = None  # type: ignore[assignment]
        self.request_id = b""
        self.upstream: UpstreamStream | None = None
        self.upstream_path = b""
        self.upstream_ip = ""
        self.request_bytes = b""
        self.request_length = self.head.length
        self.request_done = True
        self.read_timeout = self.write_timeout = 60.0
        self.run: PluginRun | None = None
        self.kept: list[bytes] | None = None
        self.body_bytes = 0
        self.trailers: Trailers | None = None
        self.tries = 0
        self.retrying: Retrying | None = None
        self.failures: list[FailedTry] | None = None
        self.began = 0.0
        self.tried: list[CompiledTarget] | None = None
        self.watch: Watch | None = None
        self.cookie_line: bytes | None = None
        self.hashed: bytes | None = None
        self.sent = 0.0
        self.upstream_latency = -1.0
        self.informed = False
        self.responded = False
        self.tunnel = False
        self.over = False
        self.status = 0
        self.head_bytes = 0
        self.response_bytes = 0

    @property
    def client_port(self) -> int:
        """The port of the client's end of the connection."""
        return self.peer.port

    @property
    def server_ip(self) -> str:
        """The address of the gateway's end of the connection."""
        return self.peer.server_address

    # -- what plugins see (gateline.pdk.Exchange) ----------------------------------------------------------------
    @property
    def request(self) -> RequestView:
        """The client's request."""
        return RequestView(self)

    @property
    def service_request(self) -> ServiceRequestView:
        """The request that goes to the service."""
        return ServiceRequestView(self)

    @property
    def service_response(self) -> ServiceResponseView:
        """The service's answer."""
        return ServiceResponseView(self)

    @property
    def response(self) -> ResponseView:
        """The answer that goes to the client."""
        return ResponseView(self)

    @property
    def client(self) -> ClientView:
        """Who is at the other end."""
        return ClientView(self)

    @property
    def connection(self) -> ConnectionView:
        """The client's connection, at this end."""
        return ConnectionView(self)

    @property
    def client_address(self) -> str:
        """The client's address, as a trusted proxy in front tells it."""
        return self.client_ip

    @property
    def service(self) -> "CompiledService | None":
        """The service of the route."""
        route = self.route
        return None if route is None else route.service

    @property
    def identity(self) -> Identity | None:
        """Who was authenticated."""
        run = self.run
        return None if run is None else run.identity

    @property
    def consumer(self) -> Consumer | None:
        """The identity's consumer."""
        run = self.run
        return None if run is None or run.identity is None else run.identity.consumer

    @property
    def credential(self) -> Credential | None:
        """The identity's credential."""
        run = self.run
        return None if run is None or run.identity is None else run.identity.credential

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Whether the request has a header of one of these names."""
        run = self.run
        return self.head.has_any(names) if run is None or run.edits is None else RequestView(self).has_any(names)

    def recall(self, memory: Memory) -> Any:
        """What is remembered of the last request that asked for just this."""
        return self._known(memory, None)

    def remember(self, memory: Memory, made: Any) -> None:
        """Remember what was made of what is asked for."""
        self._known(memory, made)

    def _known(self, memory: Memory, made: Any) -> Any:
        """What is remembered of what is asked for; from now on what was `made` of it."""
        method, query = self.method, self.query
        route = "" if self.route is None else self.route.id
        consumer = ""
        said = None
        header = memory.header
        run = self.run
        if run is not None:
            edits = run.edits
            if edits is not None:
                if header in edits.changed:
                    return None
                method = method if edits.method is None else edits.method
                query = query if edits.query is None else edits.query or None
            identity = run.identity
            if identity is not None:
                if identity.consumer is None:
                    return None
                consumer = identity.consumer.id
        if header:
            said = self.head.get(header)
        scheme = self.peer.scheme
        if made is not None:
            memory.put(method, scheme, self.host, self.port, self.path, query, route, consumer, said, made)
            return None
        return memory.get(method, scheme, self.host, self.port, self.path, query, route, consumer, said)

    def authenticate(self, identity: Identity) -> None:
        """Say who sends the request."""
        run = self._plugin_run()
        run.identity = identity
        tell_service(run.request_edits(), identity)
        if run.chain.plugins.personal:
            run.chain = run.chain.personal(identity)

    def ask_service(self, watcher: "Watcher", edit: "Callable[[Any], None] | None" = None) -> None:
        """Ask the service in the background."""
        self.proxy.ask_beside(self, watcher, edit)

    @property
    def context(self) -> dict[Any, Any]:
        """What plugins keep for this exchange."""
        run = self._plugin_run()
        kept = run.context
        if kept is None:
            kept = run.context = {}
        return kept

    def log_field(self, name: str, value: Any) -> None:
        """Put a field into the log record."""
        run = self._plugin_run()
        if run.log_fields is None:
            run.log_fields = {}
        run.log_fields[name] = value

    def logged(self, name: str) -> Any:
        """A field that a plugin has put into the log record."""
        fields = self._plugin_run().log_fields
        return None if fields is None else fields.get(name)

    def log_record(self) -> dict[str, Any]:
        """What is known of the exchange, in Kong's layout."""
        return log_record(self)

    @property
    def account(self) -> Account:
        """What it came to, in numbers."""
        return Account(self)

    @property
    def times(self) -> dict[str, float]:
        """Seconds; see `gateline.pdk.Exchange.times`."""
        total = monotonic() - self.received
        upstream = self.upstream_latency
        gateway = max(total - max(upstream, 0.0), 0.0)
        return {"received": time.time() - total, "request": total, "upstream": upstream, "gateway": gateway}

    def _plugin_run(self) -> "PluginRun":
        run = self.run
        assert run is not None  # noqa: S101 - plugins run
        return run

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
        run = self.run
        if run is not None and 0 <= run.body_limit < self.body_bytes:
            self.proxy.phases.body_over_limit(self, run)
            return
        if run is not None and run.edits is not None and run.edits.body is not None:
            return  # another body goes to the upstream
        kept = self.kept
        if kept is not None:
            if upstream is None or self.body_bytes <= self._replay_limit():
                kept.append(data)
            else:
                self.kept = None
        if upstream is not None:
            upstream.send_data(data)
        elif run is not None and run.parked >= 0:
            if self.body_bytes > run.wanted:
                self.proxy.phases.body_grown(self, run)
        elif self.body_bytes > self._replay_limit():
            self.downstream.pause_reading()

    def _replay_limit(self) -> int:
        retrying = self.retrying
        return REPLAY_LIMIT if retrying is None else retrying.rules.replay_limit

    def request_end(self, trailers: Trailers) -> None:
        """The request's body is complete."""
        self.request_done = True
        self.trailers = trailers
        if self.over:
            return
        run = self.run
        if run is not None:
            if run.parked >= 0:
                self.proxy.phases.body_complete(self, run)
                return
            if run.edits is not None and run.edits.body is not None:
                return  # that one has ended already
        if self.upstream is not None:
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
        if self.run is not None:
            self.upstream_ip = upstream.address
        watch = self.watch
        if watch is not None:
            watch.connected(self, now)
        upstream.send_request(self, self.request_bytes)
        kept = self.kept
        if kept is not None:
            for piece in kept:
                upstream.send_data(piece)
            if self.body_bytes > self._replay_limit():
                self.kept = None
            self.downstream.resume_reading()
        if self.request_done and self.trailers is not None:
            upstream.send_end(self.trailers)
        elif self.run is not None and self.run.edits is not None and self.run.edits.body is not None:
            upstream.send_end([])
        if self.retrying is not None:
            self.retrying.sent()

    def interim_response(self, head: ResponseHead) -> None:
        """The upstream sent an informational answer; 100 is the gateway's own business."""
        if not self.over and head.status != 100:
            self.informed = True
            self.downstream.send_interim(head.status, head)

    def response_begun(self, head: ResponseHead, length: int, body: bytes, ended: bool, now: float) -> None:
        """The upstream's answer began; see `ClientStream.respond` for `length` and `ended`."""
        self.upstream_latency = now - self.sent
        watch = self.watch
        if watch is not None:
            watch.answered(self, head.status, self.upstream_latency, now)
            if ended:
                self.end_try(now)
        retrying = self.retrying
        if retrying is not None and self.proxy.tries.discards(self, retrying, head, ended):
            return
        self.kept = None
        if ended:
            self.upstream = None
        self.proxy.respond(self, head, length, body, ended, now)

    def switched(self, head: ResponseHead, data: bytes) -> None:
        """The upstream agreed to switch protocols: from here on bytes pass both ways as they come."""
        self.responded = True
        self.tunnel = True
        self.status = 101
        now = monotonic()
        self.upstream_latency = now - self.sent
        if self.watch is not None:
            self.watch.answered(self, 101, self.upstream_latency, now)
        if self.retrying is not None:
            self.retrying.switched()
        self.proxy.switch(self, head, data)

    def response_data(self, data: bytes) -> None:
        """More of the answer's body came."""
        if self.over:
            return
        if self.run is not None and not self.tunnel:
            self.proxy.phases.data(self, self.run, data)
            return
        self.response_bytes += len(data)
        self.downstream.send_data(data)

    def response_end(self, trailers: Trailers) -> None:
        """The answer's body is complete; the upstream's stream has taken itself back."""
        self.upstream = None
        if self.watch is not None:
            self.end_try(monotonic())
        if self.over:
            return
        if self.run is not None and not self.tunnel:
            self.proxy.phases.end(self, self.run, trailers)
            return
        self.downstream.send_end(trailers)
        self.complete(monotonic())

    def upstream_failed(self, failure: Failure, stale: bool) -> None:
        """The upstream gave no (whole) answer. `stale`: on a connection that had served before and sent nothing now."""
        watch = self.watch
        if watch is not None:
            now = monotonic()
            if not stale:
                watch.failed(self, failure, now)
            self.end_try(now)
        self.upstream = None
        if self.over:
            return
        if self.upstream_latency < 0:
            self._note(failure.status, False)
        if self.responded:
            self._over()
            self.downstream.abort()
        elif self.run is not None and self.run.service_head is not None:  # its answer had begun
            self.refuse(failure)
        else:
            self.proxy.tries.failed(self, failure, stale)

    def begin_try(self, watch: "Watch") -> None:
        """A try at a target begins that is watched."""
        self.watch = watch
        watch.began(self, monotonic())

    def end_try(self, now: float) -> None:
        """The try is not in flight any more; without effect where none is that is watched."""
        watch = self.watch
        self.watch = None
        if watch is not None:
            watch.ended(now)

    def discard(self, status: int, ended: bool) -> None:
        """The client shall not see the answer that has begun; `ended`: it is whole."""
        upstream = self.upstream
        self.upstream = None
        self.upstream_latency = -1.0
        if upstream is not None and not ended:
            upstream.cancel()
            if self.watch is not None:
                self.end_try(monotonic())
        self._note(status, True)

    def _note(self, code: int, sane: bool) -> None:
        """Keep what became of a try for the log record."""
        if self.run is None or self.target is None:
            return
        if self.failures is None:
            self.failures = []
        place = self.target.pool.target
        self.failures.append(FailedTry(self.upstream_ip or place.host, place.port, self.began, code, sane))
        self.upstream_ip = ""
        self.began = 0.0

    def deadline_passed(self) -> None:
        """The request has taken longer than the route's policy allows."""
        if self.upstream is not None and self.upstream_latency < 0:
            if self.watch is not None:
                self.watch.failed(self, CATALOGUE.TRY_TIMEOUT, monotonic())
            self._note(CATALOGUE.DEADLINE.status, False)
        self.refuse(CATALOGUE.DEADLINE)

    def try_timed_out(self) -> None:
        """The try under way has taken longer than the route's policy allows."""
        upstream = self.upstream
        if upstream is not None:
            upstream.cancel()
        self.upstream_failed(CATALOGUE.TRY_TIMEOUT, False)

    def upstream_paused(self) -> None:
        """The upstream does not read as fast as the client sends."""
        if not self.over:
            self.downstream.pause_reading()

    def upstream_resumed(self) -> None:
        """The upstream has caught up."""
        if not self.over:
            self.downstream.resume_reading()

    # -- the end ---------------------------------------------------------------------------------------------------
    def refuse(self, failure: Failure, extra: bytes = b"") -> None:
        """Answer with an error of the gateway's own; `extra` is a block of further headers."""
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.cancel()
        if self.responded:
            self._over()
            self.downstream.abort()
        else:
            self.proxy.answer_failure(self, failure, extra)

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        """Answer from the gateway itself, without an upstream."""
        run = self.run
        if run is not None:
            status, block, body = self.proxy.phases.own_answer(self, run, status, block, body)
            if self.over:
                return
        self.responded = True
        self.status = status
        self.response_bytes = len(body)
        self.downstream.answer(status, block, body)
        self.complete(monotonic())

    def complete(self, now: float) -> None:
        """The answer is sent whole."""
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.cancel()
        self._over()
        self.downstream.finish(now)

    def _over(self) -> None:
        if not self.over:
            self.over = True
            self.kept = None
            if self.watch is not None:
                self.end_try(monotonic())
            self.proxy.finished(self)
