"""The phases of a request, in order: identify, route, forward; and what is answered when one of them cannot go on.

One `Proxy` serves a worker. It holds the `Runtime` of the moment, which `adopt` swaps in one assignment: an exchange in
flight keeps the one that it started with. It knows streams and exchanges, no protocol's bytes and no file.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, cast

from gateline.engine.background import ask_beside
from gateline.engine.chain import PluginSet
from gateline.engine.edits import RequestEdits
from gateline.engine.errors import CATALOGUE, ErrorTemplates, Failure, message_for_status
from gateline.engine.exchange import Exchange
from gateline.engine.headers import (
    ANSWER_DROP,
    ANSWER_DROP_TRAILER,
    VIA_TOKEN,
    ResponseHeaders,
    TrustedProxies,
    date_line,
)
from gateline.engine.phases import Phases
from gateline.engine.plugin_run import PluginRun
from gateline.engine.request_id import next_request_id
from gateline.engine.retrying import Retrying
from gateline.engine.router import normalize_path
from gateline.engine.runtime import CompiledRoute, CompiledService, Runtime
from gateline.engine.streams import ExchangeHandler
from gateline.engine.tries import Tries
from gateline.engine.upstream.balancer import Balancer, CompiledTarget
from gateline.engine.upstream.dynamic import DynamicDestinations
from gateline.engine.upstream.gates import Gate, Passage
from gateline.engine.upstream.retries import RetryRules
from gateline.engine.wire import codec
from gateline.engine.wire.codec import Limits, RequestHead, ResponseHead, joined

if TYPE_CHECKING:
    from gateline.pdk.exchange import ServiceRequestView, Watcher

__all__ = ["Proxy"]

_log = logging.getLogger(__name__)

TARGETS_TRIED = 16
"""How many targets are looked at for one whose gate is open."""

_FORWARDED = (
    codec.X_FORWARDED_FOR
    | codec.X_FORWARDED_PROTO
    | codec.X_FORWARDED_HOST
    | codec.X_FORWARDED_PORT
    | codec.X_FORWARDED_PATH
    | codec.X_FORWARDED_PREFIX
)
_REQUEST_DROP = codec.HOP | codec.HOST | codec.EXPECT | codec.VIA | codec.X_REAL_IP | codec.REQUEST_ID | _FORWARDED
_RESPONSE_DROP = ANSWER_DROP
_RESPONSE_DROP_TRAILER = ANSWER_DROP_TRAILER
_OWN_LINES = codec.X_FORWARDED_FOR | codec.VIA
_EDITED_LIMITS = Limits(line=1 << 20, head=1 << 22, count=10000)
_EXPECT = codec.EXPECT
_KEEP_ALIVE = b"Connection: keep-alive\r\n"
_UPGRADE = b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
_UPGRADE_HTTPS = b"Connection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n"
_UPGRADE_HTTP2 = b"Connection: Upgrade\r\nUpgrade: HTTP/2\r\n"


class Proxy(ExchangeHandler):
    """Takes exchanges from clients' streams through router and upstream to their answers."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        headers: ResponseHeaders,
        errors: ErrorTemplates,
        trusted: TrustedProxies,
        body_limit: int = 0,
        upstream_request_id: bool = True,
        debug_header: bool = False,
        plugin_body_limit: int = 8 * 1024 * 1024,
        access_log: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.runtime = runtime
        self.response_headers = headers
        self.trusted = trusted
        self.body_limit = body_limit
        self.total_requests = 0
        self._errors = errors
        self._request_id_name = b"X-Kong-Request-Id: " if upstream_request_id else b""
        self.debug_header = debug_header
        self.access_log = access_log
        self.destinations: DynamicDestinations = cast(DynamicDestinations, None)  # set by the worker
        self.tries = Tries(self)
        self.phases = Phases(self, headers, plugin_body_limit, debug_header)

    def adopt(self, runtime: Runtime) -> None:
        """Let every exchange that begins from now on use `runtime`."""
        self.runtime = runtime

    # -- identify and route ----------------------------------------------------------------------------------------
    def handle(self, exchange: Exchange) -> None:
        """Take a request whose head is complete; its body may still be coming."""
        if exchange.over:  # its body was refused at once
            return
        try:
            self._route(exchange)
        except Exception:
            self._broken(exchange)

    @staticmethod
    def _broken(exchange: Exchange) -> None:
        """An error of the gateway's own, which is being handled."""
        _log.exception("an exchange failed (request id %s)", exchange.request_id.decode())
        if not exchange.over:
            exchange.refuse(CATALOGUE.INTERNAL)

    def _route(self, exchange: Exchange) -> None:
        self.total_requests += 1
        head = exchange.head
        peer = exchange.peer
        exchange.request_id = next_request_id()
        exchange.host = peer.host_of(head.authority)
        if not head.plain_path:
            if exchange.path == b"*":
                return exchange.refuse(CATALOGUE.BAD_REQUEST)
            exchange.path = normalize_path(exchange.path)
        if peer.trusted:
            exchange.client_ip = self.trusted.client_address(peer.address, head)
        if exchange.method == b"TRACE":
            return exchange.refuse(CATALOGUE.METHOD_NOT_ALLOWED)
        if self.body_limit and max(head.length, exchange.body_bytes) > self.body_limit:
            return exchange.refuse(CATALOGUE.PAYLOAD_TOO_LARGE)
        if head.kinds() & _EXPECT and head.minor and not head.expect_continue:
            return exchange.refuse(CATALOGUE.EXPECTATION_FAILED)
        plugins = self.runtime.plugins
        if plugins is None:
            match = self.runtime.router.find(exchange, exchange.host, exchange.path)
            if match is None:
                return exchange.refuse(CATALOGUE.NO_ROUTE)
            exchange.match = match
            exchange.route = route = match.route
            if route.special and self._refused_by_protocol(exchange, route):
                return None
            return self.forward(exchange)
        if plugins.rewrites:
            return self.phases.rewrite(exchange, plugins)
        return self._route_with_plugins(exchange, plugins, None)

    def rewritten(self, exchange: Exchange, run: PluginRun) -> None:
        """The plugins before routing have run: route what they have made of the request."""
        edits = run.edits
        if edits is not None:
            if edits.changed or edits.host is not None:
                exchange.head = _with_edits(exchange.head, edits)
                exchange.host = exchange.peer.host_of(exchange.head.authority)
            exchange.method = edits.method or exchange.method
            exchange.query = exchange.query if edits.query is None else edits.query or None
            if edits.path is not None:
                exchange.path = normalize_path(edits.path)
            run.edits = None
        self._route_with_plugins(exchange, self.runtime.plugins or run.chain.plugins, run)

    def _route_with_plugins(self, exchange: Exchange, plugins: PluginSet, run: PluginRun | None) -> None:
        match = self.runtime.router.find(exchange, exchange.host, exchange.path)
        if match is None:
            if run is None:
                chain = plugins.everywhere_tls if exchange.tls else plugins.everywhere
                if chain.filters or chain.log:
                    exchange.run = PluginRun(chain)
            return exchange.refuse(CATALOGUE.NO_ROUTE)
        exchange.match = match
        exchange.route = route = match.route
        chain = route.chain(plugins, exchange.tls)
        if run is not None:
            run.chain = chain
        elif not chain.empty:
            run = PluginRun.__new__(PluginRun)
            run.begin(chain)
            exchange.run = run
        if route.special and self._refused_by_protocol(exchange, route):
            return None
        if run is None or self.phases.access(exchange, run):
            return self.forward(exchange)
        return None

    def consent(self, exchange: Exchange) -> None:
        """Let a client that waits for it (`Expect: 100-continue`) send its body."""
        head = exchange.head  # of HTTP/1.0 Expect means nothing (RFC 9110, section 10.1.1)
        if head.kinds() & _EXPECT and head.minor and not exchange.request_done:
            exchange.downstream.send_interim(100, None)

    def _refused_by_protocol(self, exchange: Exchange, route: CompiledRoute) -> bool:
        if route.grpc:
            content_type = exchange.head.get(b"content-type") or b""
            if content_type.startswith(b"application/grpc"):
                exchange.refuse(CATALOGUE.USE_HTTP2, _UPGRADE_HTTP2)
            else:
                exchange.refuse(CATALOGUE.NOT_GRPC)
            return True
        if not route.https_only or exchange.tls or self._terminated_before(exchange):
            return False
        status = route.https_redirect_status
        if status == 426:
            exchange.refuse(CATALOGUE.USE_HTTPS, _UPGRADE_HTTPS)
        else:
            location = b"https://" + exchange.host + exchange.head.path + _query_part(exchange.query)
            exchange.answer(status, b"Location: " + location + b"\r\n" + self.own_block(exchange), b"")
        return True

    def _terminated_before(self, exchange: Exchange) -> bool:
        """Whether a trusted proxy in front has told that the client came over TLS."""
        forwarded = exchange.head.get(b"x-forwarded-proto")
        return exchange.peer.trusted and forwarded is not None and forwarded.lower() == b"https"

    # -- forward ---------------------------------------------------------------------------------------------------
    def forward(self, exchange: Exchange) -> None:
        """Send the request to its service."""
        route = exchange.route
        assert route is not None  # noqa: S101 - it was routed
        service = route.service
        if service is None:
            return exchange.refuse(CATALOGUE.NO_SERVICE)
        if not exchange.request_done:
            self.consent(exchange)
            if exchange.kept is None:
                exchange.kept = []
        if route.retry_rules is not None:
            self._follow(exchange, route.retry_rules, service)
        exchange.read_timeout = service.read_timeout
        exchange.write_timeout = service.write_timeout
        path = exchange.path
        exchange.upstream_path = path if route.path_unchanged else route.upstream_path(exchange.match, path)
        run = exchange.run
        if run is not None and run.edits is not None:
            target = self._edited_target(exchange, run.edits, service)
        else:
            target = service.balancer.pick(exchange)
        if target is None:
            return self.no_answer(exchange, CATALOGUE.NO_TARGET)
        exchange.target = target
        exchange.request_bytes = self._encode(exchange, route, target.host_line)
        return self._acquire(exchange, service, False)

    @staticmethod
    def _follow(exchange: Exchange, rules: RetryRules, service: CompiledService) -> None:
        """From now on the exchange keeps to a retry policy."""
        retrying = exchange.retrying = Retrying(exchange, rules, service.load)
        run = exchange.run
        if run is not None and run.edits is not None and run.edits.retries >= 0:
            retrying.attempts = run.edits.retries
        retrying.begin(exchange.received)

    def _edited_target(
        self, exchange: Exchange, edits: RequestEdits, service: CompiledService
    ) -> CompiledTarget | None:
        """Apply what plugins changed of the request besides its headers; where it goes."""
        if edits.path is not None:
            exchange.upstream_path = edits.path
        if edits.read_timeout >= 0:
            exchange.read_timeout = edits.read_timeout
        if edits.write_timeout >= 0:
            exchange.write_timeout = edits.write_timeout
        if edits.body is not None:
            exchange.kept = [edits.body] if edits.body else []
            exchange.request_length = len(edits.body)
        if edits.destination is None:
            return service.balancer.pick(exchange)
        return self._target(exchange, edits.destination, service)

    @staticmethod
    def _target(exchange: Exchange, destination: object, service: CompiledService) -> CompiledTarget | None:
        if isinstance(destination, CompiledTarget):
            return destination
        balancer = destination if isinstance(destination, Balancer) else service.balancer
        return balancer.pick(exchange)

    def _encode(self, exchange: Exchange, route: CompiledRoute, host_line: bytes) -> bytes:
        """The request's head for the upstream; `host_line` ends the request line and names the host."""
        head = exchange.head
        run = exchange.run
        edits = run.edits if run is not None else None
        if edits is not None:
            return self._encode_edited(exchange, route, host_line, edits)
        query = exchange.query
        path = exchange.upstream_path
        if route.preserve_host and head.authority:
            host_line = b" HTTP/1.1\r\nHost: " + head.authority + b"\r\n"
        connection = _UPGRADE if head.websocket else _KEEP_ALIVE
        if query is None:
            start = joined((exchange.method, b" ", path, host_line, connection))
        else:
            start = joined((exchange.method, b" ", path, b"?", query, host_line, connection))
        return head.encode(start, _REQUEST_DROP, None, self._tail(exchange, route), b"")

    def _encode_edited(self, exchange: Exchange, route: CompiledRoute, host_line: bytes, edits: RequestEdits) -> bytes:
        head = exchange.head
        query = exchange.query if edits.query is None else edits.query
        path = exchange.upstream_path
        if query:
            path = b"%b?%b" % (path, query)
        host = edits.host or (head.authority if route.preserve_host else b"")
        if host:
            host_line = b" HTTP/1.1\r\nHost: " + host + b"\r\n"
        connection = _UPGRADE if head.websocket else _KEEP_ALIVE
        start = b"".join((edits.method or exchange.method, b" ", path, host_line, connection))
        tail = self._tail(exchange, route)
        drop = _REQUEST_DROP
        if edits.body is not None:
            drop |= codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING
            tail += b"Content-Length: %d\r\n" % len(edits.body)
        return head.encode(start, drop, edits.changed, tail, b"")

    def _tail(self, exchange: Exchange, route: CompiledRoute) -> bytes:
        """The gateway's own lines of a request's head."""
        head = exchange.head
        peer = exchange.peer
        if peer.trusted or head.kinds() & _OWN_LINES:
            tail = self._forwarding_block(exchange, route)
        else:
            tail = joined(
                (
                    peer.forwarding_lines(),
                    head.path,
                    route.prefix_line(exchange.match),
                    self._request_id_name,
                    exchange.request_id,
                    b"\r\n",
                )
                if self._request_id_name
                else (peer.forwarding_lines(), head.path, route.prefix_line(exchange.match))
            )
        if head.te_trailers:
            tail += b"TE: trailers\r\n"
        return tail

    def _forwarding_block(self, exchange: Exchange, route: CompiledRoute) -> bytes:
        """The forwarding headers of a request that brought some of its own."""
        head = exchange.head
        peer = exchange.peer
        address = peer.address.encode()
        chain = [*head.get_all(b"x-forwarded-for"), address]
        values = {
            b"X-Forwarded-Proto": peer.scheme,
            b"X-Forwarded-Host": exchange.host,
            b"X-Forwarded-Port": b"%d" % peer.listener_port,
            b"X-Forwarded-Path": head.path,
            b"X-Forwarded-Prefix": route.forwarded_prefix(exchange.match) or b"",
        }
        if peer.trusted:
            for name in values:
                values[name] = head.get(name.lower()) or values[name]
        values[b"Via"] = b", ".join([*head.get_all(b"via"), VIA_TOKEN])
        lines = [b"X-Real-IP: %b\r\nX-Forwarded-For: %b\r\n" % (exchange.client_ip.encode(), b", ".join(chain))]
        lines += [b"%b: %b\r\n" % (name, value) for name, value in values.items() if value]
        if self._request_id_name:
            lines.append(self._request_id_name + exchange.request_id + b"\r\n")
        return b"".join(lines)

    def _acquire(self, exchange: Exchange, service: CompiledService, fresh: bool) -> None:
        target = exchange.target
        watch = target.watch
        if target.gate is not None or service.gate is not None:
            watch = self._through_gates(exchange, service)
            if watch is None:
                return
            target = exchange.target
        if watch is not None:
            exchange.begin_try(watch)
        pool = target.pool
        upstream = None if fresh else pool.acquire()
        if upstream is not None:
            now = monotonic() if exchange.tries else exchange.received
            exchange.began = now
            exchange.connected(upstream, now)
        elif target.gate is None or target.gate.may_wait(exchange):
            exchange.began = monotonic()
            pool.connect(exchange, self._connect_timeout(exchange, service))

    @staticmethod
    def _connect_timeout(exchange: Exchange, service: CompiledService) -> float:
        timeout = service.connect_timeout
        run = exchange.run
        if run is not None and run.edits is not None and run.edits.connect_timeout >= 0:
            timeout = run.edits.connect_timeout
        return timeout if exchange.retrying is None else exchange.retrying.connect_timeout(timeout)

    def _through_gates(self, exchange: Exchange, service: CompiledService) -> Passage | None:
        """Enter the gates of the service and of the target, or of another one where that is closed. None: the exchange
        was refused, or waits until there may be another connection."""
        route, run = exchange.route, exchange.run
        destination = run.edits.destination if run is not None and run.edits is not None else None
        gate = service.gate or exchange.target.gate
        assert gate is not None  # noqa: S101 - so it was called
        assert route is not None  # noqa: S101 - it was routed
        now = monotonic()
        tried = 0 if exchange.tried is None else len(exchange.tried)
        passage: Passage = gate.passage()
        refusal = None if service.gate is None else passage.enter(service.gate, exchange, now)
        short: Gate | None = None
        for _ in range(TARGETS_TRIED if refusal is None else 0):
            target = exchange.target
            refusal = None if target.gate is None else passage.enter(target.gate, exchange, now)
            if refusal is None:
                passage.inner = target.watch
                return passage
            short = refusal.gate or short
            if refusal.everywhere:
                break
            tried_now = _tried(exchange, target)
            other = self._target(exchange, destination, service)
            if other is None or other in tried_now:
                break
            exchange.target = other
            exchange.request_bytes = self._encode(exchange, route, other.host_line)
        passage.leave()
        if refusal is None:
            return None
        if short is not None and short.may_queue(exchange, self._connect_timeout(exchange, service)):
            if exchange.tried is not None:
                del exchange.tried[tried:]
            return None
        self.no_answer(exchange, refusal.failure, refusal.block)
        return None

    def waited(self, exchange: Exchange) -> None:
        """Go on with an exchange that has waited for a connection, if there may be one now."""
        route, service = exchange.route, exchange.service
        assert route is not None  # noqa: S101 - it was forwarded
        assert service is not None  # noqa: S101
        try:
            self._aim(exchange, route, service)
            self._acquire(exchange, service, False)
        except Exception:
            self._broken(exchange)

    def try_again(self, exchange: Exchange, stale: bool) -> None:
        """Another try: after a stale connection at the same target, else at the next one."""
        route = exchange.route
        service = route.service if route is not None else None
        assert route is not None  # noqa: S101 - it was forwarded
        assert service is not None  # noqa: S101
        exchange.tries += 1
        run = exchange.run
        destination = run.edits.destination if run is not None and run.edits is not None else None
        if (service.balanced or destination is not None) and not stale:
            _tried(exchange, exchange.target)
            self._aim(exchange, route, service)
        self._acquire(exchange, service, stale)

    def _aim(self, exchange: Exchange, route: CompiledRoute, service: CompiledService) -> None:
        """Choose a target anew; where there is none it stays the one of before."""
        run = exchange.run
        destination = run.edits.destination if run is not None and run.edits is not None else None
        target = self._target(exchange, destination, service)
        if target is not None and target is not exchange.target:
            exchange.target = target
            exchange.request_bytes = self._encode(exchange, route, target.host_line)

    @staticmethod
    def ask_beside(exchange: Exchange, watcher: "Watcher", edit: "Callable[[ServiceRequestView], None] | None") -> None:
        """Ask the service in the background for what the exchange asks for."""
        ask_beside(exchange, watcher, edit)

    def no_answer(self, exchange: Exchange, failure: Failure, extra: bytes = b"") -> None:
        """The service gives no answer: so tell the client, unless a plugin has another answer."""
        run = exchange.run
        if run is None or run.watcher is None or not self.phases.service_failed(exchange, run):
            exchange.refuse(failure, extra)

    # -- answer ----------------------------------------------------------------------------------------------------
    def respond(
        self, exchange: Exchange, head: ResponseHead, length: int, body: bytes, ended: bool, now: float
    ) -> None:
        """Pass an upstream's answer on to the client, by way of the plugins that have a say in it."""
        self._respond(exchange, head, length, body, ended, now)

    def _respond(
        self, exchange: Exchange, head: ResponseHead, length: int, body: bytes, ended: bool, now: float
    ) -> None:
        run = exchange.run
        if run is not None:
            self.phases.response(exchange, run, head, length, body, ended)
            return
        exchange.responded = True
        exchange.status = head.status
        exchange.response_bytes = len(body)
        drop = _RESPONSE_DROP if exchange.head.te_trailers else _RESPONSE_DROP_TRAILER
        block = self._proxied_block(exchange, head)
        exchange.downstream.respond(head, head.status, drop, None, block, length, body, ended)
        if ended:
            exchange.complete(now)

    def switch(self, exchange: Exchange, head: ResponseHead, data: bytes) -> None:
        """Pass on the upstream's consent to switch protocols."""
        exchange.downstream.switch_protocols(head, self._proxied_block(exchange, head), data)

    def _proxied_block(self, exchange: Exchange, head: ResponseHead) -> bytes:
        block = self.response_headers.block_of(
            head, exchange.upstream_latency, exchange.sent - exchange.received, exchange.request_id
        )
        if exchange.cookie_line is not None:
            block += exchange.cookie_line
        return block + self.debug_block(exchange) if self.debug_header else block

    @staticmethod
    def debug_block(exchange: Exchange) -> bytes:
        """What a client that asks for it may know of the route (`allow_debug_header`)."""
        if exchange.route is not None and exchange.head.get(b"kong-debug") == b"1":
            return exchange.route.debug_block()
        return b""

    def answer_failure(self, exchange: Exchange, failure: Failure, extra: bytes = b"") -> None:
        """Answer with the error that `failure` stands for, in the format that the client asks for."""
        run = exchange.run
        if run is not None:
            run.source = "error"
        status, block, body = self.failure_answer(exchange, failure, extra)
        exchange.answer(status, block, body)

    def failure_answer(self, exchange: Exchange, failure: Failure, extra: bytes = b"") -> tuple[int, bytes, bytes]:
        """Status, header block and body of the answer that `failure` stands for."""
        if failure.status == 502:
            extra += self.response_headers.via_line
        content_type = exchange.head.get(b"content-type")
        return self._error_answer(exchange, failure.status, failure.message, extra, content_type, json=failure.json)

    def answer_error(self, exchange: Exchange, status: int, message: str | None, extra: bytes) -> None:
        """Answer with an error that a plugin asks for; without a message it has the usual one of its status.

        The request's Content-Type counts for gRPC only: what a client sends says little of what it reads.
        """
        text = message_for_status(status) if message is None else message
        content_type = exchange.head.get(b"content-type")
        if content_type is not None and not content_type.lower().startswith(b"application/grpc"):
            content_type = None
        status, block, body = self._error_answer(exchange, status, text, extra, content_type, json=True)
        exchange.answer(status, block, body)

    def _error_answer(
        self, exchange: Exchange, status: int, message: str, extra: bytes, content_type: bytes | None, *, json: bool
    ) -> tuple[int, bytes, bytes]:
        media_type = self._errors.choose(exchange.head.get(b"accept"), content_type, json=json)
        request_id = exchange.request_id or next_request_id()
        exchange.request_id = request_id
        body = self._errors.render(status, message, request_id.decode(), media_type)
        return body.status, body.headers + extra + self.own_block(exchange), body.body

    def answer_unparsed(self, failure: Failure) -> tuple[int, bytes, bytes]:
        """Status, header block and body for a client whose request could not be read at all."""
        request_id = next_request_id()
        media_type = self._errors.choose(None, None, json=failure.json)
        body = self._errors.render(failure.status, failure.message, request_id.decode(), media_type)
        block = body.headers + date_line() + self.response_headers.generated(0.0, request_id)
        return body.status, block, body.body

    def own_block(self, exchange: Exchange) -> bytes:
        """The gateway's own lines of an answer that it made itself."""
        latency = monotonic() - exchange.received
        return date_line() + self.response_headers.generated(latency, exchange.request_id)

    def finished(self, exchange: Exchange) -> None:
        """The exchange is over, whichever way: account for it."""
        self._account(exchange)

    def _account(self, exchange: Exchange) -> None:
        if exchange.retrying is not None:
            exchange.retrying.end()
        run = exchange.run
        if run is not None:
            self.phases.log(exchange, run)
        if self.access_log is not None:
            self.access_log(exchange)


def _tried(exchange: Exchange, target: CompiledTarget) -> list[CompiledTarget]:
    """Remember that it was tried; all that were."""
    if exchange.tried is None:
        exchange.tried = []
    exchange.tried.append(target)
    return exchange.tried


def _query_part(query: bytes | None) -> bytes:
    return b"" if query is None else b"?" + query


def _with_edits(head: RequestHead, edits: RequestEdits) -> RequestHead:
    """The head as it would have been with other headers."""
    host = edits.host
    drop = codec.HOST if host is not None else 0
    tail = b"Host: %b\r\n" % host if host is not None else b""
    start = b"%b %b HTTP/1.%d\r\n" % (head.method, head.target, head.minor)
    made = codec.parse_request(head.encode(start, drop, edits.changed, tail, b""), _EDITED_LIMITS)
    assert made is not None  # noqa: S101 - it was whole and right, and what is edited is checked
    return made
