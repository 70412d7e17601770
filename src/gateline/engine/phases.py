"""Runs plugins: takes an exchange through the steps of its chain, phase by phase, and its answer through the filters.

Steps are called one after the other on the worker's loop; only for a coroutine hook does an exchange get a task. A step
that answers ends `rewrite` or `access`. A plugin that raises is named in the log with phase and request id, and the
request gets 500; where its answer has begun already, the connection is broken off. Bodies are kept whole only while a
step asks for it, and only up to `plugin_body_limit`.
"""

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateline.engine import tasks, watching
from gateline.engine.answering import headers_block, rendered
from gateline.engine.chain import Step
from gateline.engine.errors import CATALOGUE
from gateline.engine.exchange import Exchange
from gateline.engine.headers import ANSWER_DROP, ANSWER_DROP_TRAILER, ResponseHeaders
from gateline.engine.plugin_run import ACCESS, FILTER, LOG, RESPONSE, REWRITE, PluginRun
from gateline.engine.stored import StoredBody
from gateline.engine.streams import Trailers
from gateline.engine.wire import codec
from gateline.engine.wire.codec import Limits, ResponseHead
from gateline.pdk.answers import Answer, ErrorResponse, Response, StoredResponse

if TYPE_CHECKING:
    from gateline.engine.chain import PluginSet
    from gateline.engine.proxy import Proxy

__all__ = ["Phases"]

_log = logging.getLogger(__name__)

_NAMES = {REWRITE: "rewrite", ACCESS: "access", RESPONSE: "response", FILTER: "header_filter", LOG: "log"}
_ANSWERS = frozenset((Response, ErrorResponse, StoredResponse))
_BODILESS = frozenset({204, 304})
_FRAMING = codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING
_DROP = ANSWER_DROP
_DROP_TRAILER = ANSWER_DROP_TRAILER
_SERVER = codec.SERVER
_OWN_LIMITS = Limits(line=1 << 20, head=1 << 22, count=10000)


def _waits(outcome: object) -> bool:
    """Whether what a hook returned is to be awaited. Answers are known at once: to ask `Coroutine` takes a while."""
    return type(outcome) not in _ANSWERS and isinstance(outcome, Coroutine)


class Phases:
    """The phases of one worker. `body_limit` in bytes; `debug_header` as in the settings (`allow_debug_header`)."""

    __slots__ = ("_debug_header", "_headers", "_proxy", "body_limit")

    def __init__(self, proxy: "Proxy", headers: ResponseHeaders, body_limit: int, debug_header: bool = False) -> None:
        self._proxy = proxy
        self._headers = headers
        self._debug_header = debug_header
        self.body_limit = body_limit

    # -- before the service is asked -------------------------------------------------------------------------------
    def rewrite(self, exchange: Exchange, plugins: "PluginSet") -> None:
        """Begin with the plugins that run before routing; goes on with routing."""
        chain = plugins.everywhere_tls if exchange.tls else plugins.everywhere
        run = PluginRun(chain)
        run.stage = REWRITE
        exchange.run = run
        self._go_on(exchange, run, chain.rewrite, 0)

    def access(self, exchange: Exchange, run: PluginRun) -> bool:
        """Go on with the plugins of the route; whether they have let the request pass already."""
        run.stage = ACCESS
        return self._go(exchange, run, run.chain.access, 0)

    def _go(self, exchange: Exchange, run: PluginRun, steps: tuple[Step, ...], place: int) -> bool:
        """Take the steps from `place` on; whether all have let the exchange pass. If not, one has answered or waits."""
        chain = run.chain
        count = len(steps)
        while place < count:
            step = steps[place]
            try:
                if step.reads and run.stage == ACCESS and not self._has_body(exchange, run, step, place):
                    return False
                outcome = step.call(exchange)
            except Exception:
                self._failed(exchange, run, step)
                return False
            if outcome is not None:
                if type(outcome) is not StoredResponse and (step.coroutine or _waits(outcome)):
                    name = f"{step.name} in {_NAMES[run.stage]}"
                    run.task = tasks.start(self._wait(exchange, run, step, place, outcome), name=name)
                else:
                    self._answer(exchange, run, step, outcome)
                return False
            if exchange.over:
                return False
            if run.body_limit >= 0 and max(exchange.head.length, exchange.body_bytes) > run.body_limit:
                self.body_over_limit(exchange, run)
                return False
            if run.chain is not chain:  # it is known now who sends the request, and other configurations are in force
                chain = run.chain
                steps = chain.access
                count = len(steps)
                place = chain.after(step.name)
            else:
                place += 1
        return True

    def _go_on(self, exchange: Exchange, run: PluginRun, steps: tuple[Step, ...], place: int) -> None:
        """Take the steps from `place` on, and what comes after them."""
        if self._go(exchange, run, steps, place):
            self._passed(exchange, run)

    def _passed(self, exchange: Exchange, run: PluginRun) -> None:
        if run.stage == REWRITE:
            self._proxy.rewritten(exchange, run)
        elif run.stage == ACCESS:
            self._proxy.forward(exchange)
        else:
            self._send(exchange, run, run.length, run.response_body or b"", True)

    async def _wait(
        self, exchange: Exchange, run: PluginRun, step: Step, place: int, coroutine: Coroutine[Any, Any, Any]
    ) -> None:
        """Await a coroutine hook and go on from there."""
        plugin = step.plugin
        outcome = None
        try:
            async with asyncio.timeout(plugin.deadline) as limit:
                outcome = await coroutine
        except Exception as error:
            run.task = None
            if exchange.over:
                _log.debug("plugin %s ended after its exchange: %r", step.name, error)
                return
            if not (isinstance(error, TimeoutError) and limit.expired() and plugin.on_deadline == "continue"):
                self._failed(exchange, run, step)
                return
            _log.warning("plugin %s took longer than %s s and is passed over", step.name, plugin.deadline)
        run.task = None
        if exchange.over:
            return
        try:
            self._resume(exchange, run, step, place, outcome)
        except Exception:
            self._broken(exchange)

    def _resume(self, exchange: Exchange, run: PluginRun, step: Step, place: int, outcome: Any) -> None:
        if outcome is not None:
            self._answer(exchange, run, step, outcome)
            return
        chain = run.chain
        if run.stage == ACCESS:
            steps = chain.access
            if place >= len(steps) or steps[place] is not step:  # the identity has changed what runs
                self._go_on(exchange, run, steps, chain.after(step.name))
                return
        else:
            steps = chain.rewrite if run.stage == REWRITE else run.responders
        self._go_on(exchange, run, steps, place + 1)

    def _answer(self, exchange: Exchange, run: PluginRun, step: Step, outcome: Any) -> None:
        """Answer with what a plugin returned."""
        try:
            self._give(exchange, run, outcome)
        except Exception:
            self._failed(exchange, run, step)

    def _give(self, exchange: Exchange, run: PluginRun, outcome: Any) -> None:
        if isinstance(outcome, StoredResponse):
            self._give_stored(exchange, run, outcome)
        elif isinstance(outcome, Response):
            body, block = rendered(outcome)
            run.source = "exit"
            exchange.answer(outcome.status, block + self._proxy.own_block(exchange), body)
        elif isinstance(outcome, ErrorResponse):
            run.source = "error"
            self._proxy.answer_error(exchange, outcome.status, outcome.message, headers_block(outcome.headers))
        else:
            raise TypeError(f"a hook returns None or an answer, not {outcome!r}")

    def _give_stored(self, exchange: Exchange, run: PluginRun, stored: StoredResponse) -> None:
        """Answer with what was kept of a service's answer."""
        chain = run.chain
        status, body, length = stored.status, stored.body, stored.length
        exchange.sent = monotonic()
        exchange.upstream_latency = 0.0
        run.watcher = None
        if stored.more is None and length < 0 and not (chain.filters or chain.response or self._debug_header):
            edits = run.response_edits
            if edits is None or not edits.changed:
                run.source = "service"
                run.stage = FILTER
                latency = exchange.sent - exchange.received
                lines = self._headers.proxied(0.0, latency, exchange.request_id, status)
                exchange.responded = True
                exchange.status = status
                exchange.response_bytes = len(body)
                exchange.downstream.answer_stored(status, stored.block, lines, body)
                exchange.complete(exchange.sent)
                return
        head_only = exchange.method == b"HEAD" or status in _BODILESS
        length = length if length >= 0 else len(body)
        block = stored.block
        if status not in _BODILESS:
            block += b"Content-Length: %d\r\n" % length
        head = codec.parse_response(b"HTTP/1.1 %d \r\n%b\r\n" % (status, block), _OWN_LIMITS)
        assert head is not None  # noqa: S101 - it was written here
        if stored.more is None or head_only:
            self.response(exchange, run, head, length, body, True)
            return
        rest = StoredBody(exchange, stored.more)
        exchange.upstream = rest
        self.response(exchange, run, head, length, body, False)
        if exchange.over:
            rest.cancel()
        else:
            rest.start()

    def _failed(self, exchange: Exchange, run: PluginRun, step: Step) -> None:
        """A plugin has raised: called while that is being handled."""
        request_id = exchange.request_id.decode()
        _log.exception("plugin %s failed in %s (request id %s)", step.name, _NAMES[run.stage], request_id)
        if not exchange.over:
            exchange.refuse(CATALOGUE.INTERNAL)

    def _broken(self, exchange: Exchange) -> None:
        _log.exception("an exchange failed (request id %s)", exchange.request_id.decode())
        if not exchange.over:
            exchange.refuse(CATALOGUE.INTERNAL)

    # -- the request's body ----------------------------------------------------------------------------------------
    def _has_body(self, exchange: Exchange, run: PluginRun, step: Step, place: int) -> bool:
        """Whether the step can run: it needs no body, it is there, or will never be. If not, it waits."""
        limit = self.body_limit
        large = max(exchange.head.length, exchange.body_bytes) > limit
        if (exchange.request_done and not large) or run.too_large or not step.plugin.reads_request(exchange):
            return True
        if large:
            return self._too_large(exchange, run, step)
        self._proxy.consent(exchange)
        if exchange.kept is None:
            exchange.kept = []
        run.parked = place
        run.wanted = limit
        exchange.downstream.resume_reading()
        return False

    def _too_large(self, exchange: Exchange, run: PluginRun, step: Step) -> bool:
        run.too_large = True
        if step.plugin.large_body == "pass":
            return True
        exchange.refuse(CATALOGUE.PAYLOAD_TOO_LARGE)
        return False

    def body_grown(self, exchange: Exchange, run: PluginRun) -> None:
        """More of the body than is kept has come while a step waits for it."""
        step = run.chain.access[run.parked]
        if self._too_large(exchange, run, step):
            self.body_complete(exchange, run)

    def body_complete(self, exchange: Exchange, run: PluginRun) -> None:
        """What a step waited for is there, or will not be waited for any longer."""
        place = run.parked
        run.parked = -1
        run.wanted = 0
        try:
            self._go_on(exchange, run, run.chain.access, place)
        except Exception:
            self._broken(exchange)

    def body_over_limit(self, exchange: Exchange, run: PluginRun) -> None:
        """The request's body is longer than a plugin allows."""
        if exchange.responded or run.body_refusal is None:
            exchange.refuse(CATALOGUE.PAYLOAD_TOO_LARGE)
            return
        try:
            self._give(exchange, run, run.body_refusal)
        except Exception:
            self._broken(exchange)

    # -- the service's answer --------------------------------------------------------------------------------------
    def response(
        self, exchange: Exchange, run: PluginRun, head: ResponseHead, length: int, body: bytes, ended: bool
    ) -> None:
        """The service's answer began; see `ClientStream.respond` for `length` and `ended`."""
        run.head = run.service_head = head
        run.source = "service"
        run.length = length
        if run.watcher is not None and self._taken(exchange, run, length, body, ended):
            return
        if run.chain.response:
            run.stage = RESPONSE
            responders = self._asked(exchange, run, run.chain.response)
            if responders is None:
                return
            if responders:
                run.responders = responders
                run.buffer = [body]
                run.buffered = len(body)
                if max(length, run.buffered) > self.body_limit and exchange.method != b"HEAD":
                    self._answer_too_large(exchange, run, ended)
                elif ended:
                    self._whole(exchange, run)
                return
        self._send(exchange, run, length, body, ended)

    def _taken(self, exchange: Exchange, run: PluginRun, length: int, body: bytes, ended: bool) -> bool:
        """Show the beginning of an answer to whom watches it; whether there is another in its place now."""
        outcome = watching.begun(exchange, run, length)
        if outcome is None:
            if body:
                watching.shown(exchange, run, body)
            if ended:
                watching.ended(exchange, run, whole=True)
            return exchange.over
        upstream, exchange.upstream = exchange.upstream, None
        if upstream is not None:
            upstream.cancel()
        run.head = run.service_head = None
        self._replace(exchange, run, outcome)
        return True

    def service_failed(self, exchange: Exchange, run: PluginRun) -> bool:
        """The service gave no answer; whether whom watches it had another one."""
        outcome = watching.failed(exchange, run)
        if outcome is None:
            return exchange.over
        self._replace(exchange, run, outcome)
        return True

    def _replace(self, exchange: Exchange, run: PluginRun, outcome: Answer) -> None:
        watching.ended(exchange, run, whole=False)
        try:
            self._give(exchange, run, outcome)
        except Exception:
            self._broken(exchange)

    def data(self, exchange: Exchange, run: PluginRun, data: bytes) -> None:
        """More of the answer's body."""
        if run.watcher is not None:
            watching.shown(exchange, run, data)
        if run.buffer is not None:
            run.buffer.append(data)
            run.buffered += len(data)
            if run.buffered > self.body_limit:
                self._answer_too_large(exchange, run, False)
        elif run.filters:
            self._send_filtered(exchange, run, data, False)
        else:
            exchange.response_bytes += len(data)
            exchange.downstream.send_data(data)

    def end(self, exchange: Exchange, run: PluginRun, trailers: Trailers) -> None:
        """The answer's body is complete."""
        if run.watcher is not None:
            watching.ended(exchange, run, whole=True)
        if run.buffer is not None:
            self._whole(exchange, run)
            return
        if run.filters:
            self._send_filtered(exchange, run, b"", True)
        if not exchange.over:
            exchange.downstream.send_end(trailers)
            exchange.complete(monotonic())

    def _asked(self, exchange: Exchange, run: PluginRun, steps: tuple[Step, ...]) -> tuple[Step, ...] | None:
        """The steps that want this answer; None where one of them failed."""
        wanted = []
        for step in steps:
            try:
                if not step.reads or step.plugin.reads_response(exchange):
                    wanted.append(step)
            except Exception:
                self._failed(exchange, run, step)
                return None
        return tuple(wanted)

    def _whole(self, exchange: Exchange, run: PluginRun) -> None:
        """The answer is there whole: the steps of `response` have it before it is sent."""
        pieces = run.buffer or []
        run.response_body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        run.buffer = []
        try:
            self._go_on(exchange, run, run.responders, 0)
        except Exception:
            self._broken(exchange)

    def _answer_too_large(self, exchange: Exchange, run: PluginRun, ended: bool) -> None:
        careful = next((step.name for step in run.responders if step.plugin.large_body == "refuse"), None)
        pieces, run.buffer = run.buffer or [], None
        if careful is None:
            self._send(exchange, run, run.length, b"".join(pieces), ended)
            return
        _log.warning("plugin %s needs an answer whole that is longer than plugin_body_limit allows", careful)
        exchange.refuse(CATALOGUE.BAD_RESPONSE)

    def _send(self, exchange: Exchange, run: PluginRun, length: int, body: bytes, ended: bool) -> None:
        """Filter the head and send it, with what there is of the body."""
        head = run.head
        assert head is not None  # noqa: S101 - there is an answer
        run.stage = FILTER
        run.buffer = None
        if not self._filter_head(exchange, run):
            return
        edits = run.response_edits
        status = head.status
        framed = False
        if edits is not None:
            status = edits.status or status
            if edits.body is not None:
                body = edits.body
                length = len(body)
                framed = True
        if run.chain.body_filter and exchange.method != b"HEAD" and status not in _BODILESS:
            filters = self._asked(exchange, run, run.chain.body_filter)
            if filters is None:
                return
            run.filters = filters
            if filters:
                filtered = self._filtered(exchange, run, body, ended)
                if filtered is None:
                    return
                body = filtered
                framed = ended
                length = len(body) if ended else -1
        drop = _DROP if exchange.head.te_trailers else _DROP_TRAILER
        tail = self._headers.block_of(
            head, exchange.upstream_latency, exchange.sent - exchange.received, exchange.request_id
        )
        if exchange.cookie_line is not None:
            tail += exchange.cookie_line
        if self._debug_header:
            tail += self._proxy.debug_block(exchange)
        changed = None
        if framed and exchange.method == b"HEAD":  # how long the body would have been is not known
            drop |= _FRAMING
        elif framed:
            drop |= _FRAMING
            tail += b"Content-Length: %d\r\n" % length
        if edits is not None:
            changed = edits.changed
            if b"server" in changed and not head.kinds() & _SERVER:
                tail = tail.replace(self._headers.server, b"", 1)
        exchange.responded = True
        exchange.status = status
        exchange.response_bytes = len(body)
        exchange.downstream.respond(head, status, drop, changed, tail, length, body, ended)
        if ended:
            exchange.complete(monotonic())

    def _filter_head(self, exchange: Exchange, run: PluginRun) -> bool:
        """Run `header_filter`; whether the answer goes on."""
        for step in run.chain.header_filter:
            try:
                step.call(exchange)
            except Exception:
                self._failed(exchange, run, step)
                return False
        return not exchange.over

    def _filtered(self, exchange: Exchange, run: PluginRun, data: bytes, last: bool) -> bytes | None:
        """A piece of the body after all filters; None where one failed."""
        for step in run.filters:
            try:
                changed = step.call(exchange, data, last)
            except Exception:
                self._failed(exchange, run, step)
                return None
            if changed is not None:
                data = changed
        return data

    def _send_filtered(self, exchange: Exchange, run: PluginRun, data: bytes, last: bool) -> None:
        filtered = self._filtered(exchange, run, data, last)
        if filtered:
            exchange.response_bytes += len(filtered)
            exchange.downstream.send_data(filtered)

    # -- the gateway's own answers ---------------------------------------------------------------------------------
    def own_answer(
        self, exchange: Exchange, run: PluginRun, status: int, block: bytes, body: bytes
    ) -> tuple[int, bytes, bytes]:
        """An answer of the gateway's own after the filters, if none has been filtered yet."""
        if run.stage >= FILTER:
            return status, block, body
        run.stage = FILTER
        head = codec.parse_response(b"HTTP/1.1 %d -\r\n%b\r\n" % (status, block), _OWN_LIMITS)
        assert head is not None  # noqa: S101 - it was written here
        run.head = head
        run.service_head = None
        try:
            for step in run.chain.header_filter:
                step.call(exchange)
            for step in run.chain.body_filter:
                if not step.reads or step.plugin.reads_response(exchange):
                    changed = step.call(exchange, body, True)
                    body = body if changed is None else changed
        except Exception:
            _log.exception("plugin %s failed on an answer of the gateway's own", step.name)
            return self._proxy.failure_answer(exchange, CATALOGUE.INTERNAL)
        edits = run.response_edits
        if edits is not None:
            status = edits.status or status
            block = head.encode(b"", 0, edits.changed, b"", b"")[:-2]
            body = body if edits.body is None else edits.body
        return status, block, body

    # -- the end ---------------------------------------------------------------------------------------------------
    def log(self, exchange: Exchange, run: PluginRun) -> None:
        """The exchange is over."""
        task = run.task
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        run.buffer = None
        if run.watcher is not None:
            watching.ended(exchange, run, whole=False)
        run.stage = LOG
        for step in run.chain.log:
            try:
                outcome = step.call(exchange)
            except Exception:
                _log.exception("plugin %s failed in log (request id %s)", step.name, exchange.request_id.decode())
                continue
            if step.coroutine or isinstance(outcome, Coroutine):
                tasks.start(self._log_later(step, outcome), name=f"{step.name} in log")

    @staticmethod
    async def _log_later(step: Step, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            async with asyncio.timeout(step.plugin.deadline):
                await coroutine
        except Exception:
            _log.exception("plugin %s failed in log", step.name)
