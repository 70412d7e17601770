"""HTTP/1.1 towards upstreams: exchanges become bytes, and what comes back becomes answers.

One `UpstreamConnection` is one connection of a pool; it serves one exchange at a time and then goes back. An answer is
read strictly: whatever is not exactly one well-formed response ends the connection, and the client is told 502. What
arrives beyond an answer's end is never taken for the next one's beginning.
"""

import asyncio
import logging
import os
from time import monotonic
from typing import TYPE_CHECKING, cast

from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.exchange import Exchange
from gateline.engine.streams import PooledStream, Trailers
from gateline.engine.wire import codec
from gateline.engine.wire.codec import CHUNKED, ChunkedDecoder, HeadError, Limits, parse_response

if TYPE_CHECKING:
    from gateline.engine.upstream.places import Place
    from gateline.engine.upstream.pool import Pool

__all__ = ["UpstreamConnection"]

_log = logging.getLogger(__name__)

NEVER = float("inf")
RESPONSE_LIMITS = Limits(line=32 * 1024, head=128 * 1024, count=2000)
"""An upstream is trusted with larger heads than a client, not with endless ones."""
INTERIM_LIMIT = 16
"""Informational answers before the final one."""
_CHUNKED: int = CHUNKED
_LAST_CHUNK = b"0\r\n\r\n"


class UpstreamConnection(PooledStream):
    """One connection to a target; it is the `UpstreamStream` of its exchange, and pooled between two of them."""

    __slots__ = (
        "_body",
        "_chunked",
        "_decoder",
        "_exchange",
        "_interims",
        "_left",
        "_partial",
        "_pool",
        "_read_paused",
        "_read_timeout",
        "_reusable",
        "_transport",
        "_tunnel",
        "_unsent",
        "_until_close",
        "_write_paused",
        "_write_timeout",
    )

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._exchange: Exchange | None = None
        self._partial = b""
        self._body = False
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._until_close = False
        self._reusable = True
        self._chunked = False
        self._tunnel = False
        self._read_paused = False
        self._write_paused = False
        self._unsent = 0
        self._interims = 0
        self._read_timeout = 60.0
        self._write_timeout = 60.0
        self.requests = 0
        self.address = ""
        self.deadline = NEVER
        self.place: Place = cast("Place", None)  # set by the pool before there is a connection

    # -- requests (UpstreamStream) ---------------------------------------------------------------------------------
    def send_request(self, exchange: Exchange, data: bytes) -> None:
        self._exchange = current = exchange
        self.requests += 1
        self._read_timeout = current.read_timeout
        self._write_timeout = current.write_timeout
        self._chunked = current.request_length == _CHUNKED
        self.deadline = current.sent + self._read_timeout if current.request_done else NEVER
        place = self.place
        if place.host_line is not None:
            data = data.replace(current.target.host_line, place.host_line, 1)
        self._transport.write(data)

    def send_data(self, data: bytes) -> None:
        if self._chunked and not self._tunnel:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._transport.write(data)

    def send_end(self, trailers: Trailers) -> None:
        if self._chunked:
            lines = b"".join(b"%b: %b\r\n" % pair for pair in trailers)
            self._transport.write(b"0\r\n" + lines + b"\r\n" if lines else _LAST_CHUNK)
        if not self._write_paused:
            self.deadline = monotonic() + self._read_timeout

    def cancel(self) -> None:
        self._exchange = None
        self.deadline = NEVER
        if self._tunnel:  # what the client said last still goes out
            self._transport.close()
        else:
            self._transport.abort()

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            self.deadline = NEVER
            self._read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self.deadline = monotonic() + self._read_timeout
            self._read_paused = False
            self._transport.resume_reading()

    # -- the pool's side (PooledStream) ----------------------------------------------------------------------------
    def usable(self) -> bool:
        return not self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def stop(self) -> None:
        self._transport.abort()

    def timed_out(self, now: float) -> None:
        unsent = self._transport.get_write_buffer_size() if self._write_paused else 0
        if unsent < self._unsent:  # it takes the request, if slowly
            self._unsent = unsent
            self.deadline = now + self._write_timeout
            return
        self.deadline = NEVER
        if self._exchange is None:
            self._transport.close()
        else:
            self._fail(CATALOGUE.WRITE_TIMEOUT if self._write_paused else CATALOGUE.READ_TIMEOUT)

    # -- the transport's events ------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self._transport.abort()  # nobody asked: whatever this is, the next answer would be in doubt
        elif self._body:
            self._read_body(exchange, data, 0)
        elif self._tunnel:
            self.deadline = monotonic() + self._read_timeout
            exchange.response_data(data)
        else:
            self._read_head(exchange, self._partial + data if self._partial else data)

    def eof_received(self) -> bool:
        if self._until_close and self._exchange is not None:
            self._done(self._exchange, [], reusable=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.deadline = NEVER
        self._pool.lost(self)
        if exc is not None and self._exchange is not None and not self._tunnel and not self._pool.target.tls:
            self._read_what_came_before()
        exchange = self._exchange
        if exchange is None:
            return
        if self._until_close and exc is None:
            self._done(exchange, [], reusable=False)
        elif self._tunnel:
            self._exchange = None
            exchange.response_end([])
        else:
            self._fail(CATALOGUE.RESET)

    def _read_what_came_before(self) -> None:
        """Take what is left in the socket: an upstream that refuses a body answers and hangs up, and what shows first
        is that it cannot be written to any more.
        """
        descriptor = self._transport.get_extra_info("socket").fileno()
        try:
            while self._exchange is not None and (data := os.read(descriptor, 65536)):
                self.data_received(data)
        except OSError as error:  # the end, in the shape that a reset gives it
            _log.debug("nothing more came: %s", error)

    def pause_writing(self) -> None:
        self._write_paused = True
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = monotonic() + self._write_timeout
        if self._exchange is not None:
            self._exchange.upstream_paused()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._unsent = 0
        exchange = self._exchange
        if exchange is not None:
            self.deadline = monotonic() + self._read_timeout if exchange.request_done else NEVER
            exchange.upstream_resumed()

    # -- answers ---------------------------------------------------------------------------------------------------
    def _read_head(self, exchange: Exchange, data: bytes) -> None:
        try:
            head = parse_response(data, RESPONSE_LIMITS)
        except HeadError as error:
            self._bad_response(error.reason)
            return
        if head is None:
            self._partial = data
            return
        status = head.status
        size = head.size
        if status < 200:
            self._informational(exchange, head, data)
            return
        self._partial = b""
        length = head.length
        reusable = head.keep_alive
        if exchange.method == b"HEAD" or status in (204, 304):
            self._finish_with_head(exchange, head, max(length, 0), b"", reusable and len(data) == size)
        elif length >= 0:
            body = data[size:] if len(data) > size else b""
            if len(body) < length:
                self._left = length - len(body)
                self._begin_body(exchange, head, length, body, reusable)
            else:
                exact = len(body) == length
                self._finish_with_head(exchange, head, length, body if exact else body[:length], reusable and exact)
        elif length == _CHUNKED:
            self._read_chunked(exchange, head, data, reusable)
        else:
            self._until_close = True
            self._begin_body(exchange, head, -1, data[size:], False)

    def _informational(self, exchange: Exchange, head: codec.ResponseHead, data: bytes) -> None:
        rest = data[head.size :]
        self._partial = b""
        self._interims += 1
        if head.status == 101:
            if not head.websocket or not exchange.head.websocket:
                self._bad_response("101 without an upgrade that was asked for")
                return
            self._tunnel = True
            self.deadline = monotonic() + self._read_timeout
            exchange.switched(head, rest)
            return
        if self._interims > INTERIM_LIMIT:
            self._bad_response("too many informational responses")
            return
        exchange.interim_response(head)
        if rest and self._exchange is exchange:
            self._read_head(exchange, rest)

    def _read_chunked(self, exchange: Exchange, head: codec.ResponseHead, data: bytes, reusable: bool) -> None:
        decoder = ChunkedDecoder(RESPONSE_LIMITS, True)
        try:
            body = decoder.feed(data, head.size)
        except HeadError as error:
            self._bad_response(error.reason)
            return
        if decoder.done and not decoder.trailers:
            self._finish_with_head(exchange, head, -1, body, reusable and decoder.consumed == len(data))
            return
        self._decoder = decoder
        self._begin_body(exchange, head, -1, body, reusable)
        if decoder.done and self._exchange is exchange:
            self._done(exchange, decoder.trailers, reusable=decoder.consumed == len(data))

    def _begin_body(
        self, exchange: Exchange, head: codec.ResponseHead, length: int, body: bytes, reusable: bool
    ) -> None:
        self._body = True
        self._reusable = reusable
        now = monotonic()
        self.deadline = now + self._read_timeout
        exchange.response_begun(head, length, body, False, now)

    def _finish_with_head(
        self, exchange: Exchange, head: codec.ResponseHead, length: int, body: bytes, reusable: bool
    ) -> None:
        """The whole answer came at once: the usual case."""
        self._exchange = None
        self._interims = 0
        sent_whole = exchange.request_done
        now = monotonic()
        exchange.response_begun(head, length, body, True, now)
        self._let_go(reusable and sent_whole, now)

    def _read_body(self, exchange: Exchange, data: bytes, at: int) -> None:
        self.deadline = monotonic() + self._read_timeout
        decoder = self._decoder
        if decoder is not None:
            try:
                body = decoder.feed(data, at)
            except HeadError as error:
                self._bad_response(error.reason)
                return
            if body:
                exchange.response_data(body)
            if decoder.done and self._exchange is exchange:
                self._done(exchange, decoder.trailers, reusable=decoder.consumed == len(data))
        elif self._until_close:
            exchange.response_data(data)
        else:
            left = self._left
            self._left = max(left - len(data), 0)
            exchange.response_data(data if len(data) <= left else data[:left])
            if not self._left and self._exchange is exchange:
                self._done(exchange, [], reusable=len(data) == left)

    def _done(self, exchange: Exchange, trailers: Trailers, *, reusable: bool) -> None:
        """The answer's last part has come; `reusable`: and nothing after it."""
        self._exchange = None
        self._body = False
        self._decoder = None
        self._until_close = False
        self._interims = 0
        sent_whole = exchange.request_done
        exchange.response_end(trailers)
        self._let_go(reusable and sent_whole and self._reusable, monotonic())

    def _let_go(self, reusable: bool, now: float) -> None:
        if reusable and not self._write_paused:
            if self._read_paused:  # for a client that has yet to take the end of this answer
                self._read_paused = False
                self._transport.resume_reading()
            self._pool.release(self, now)
        else:
            self.deadline = NEVER
            self._transport.abort()

    def _bad_response(self, reason: str) -> None:
        _log.warning("%s:%d sent a bad response: %s", self._pool.target.host, self._pool.target.port, reason)
        self._fail(CATALOGUE.BAD_RESPONSE)

    def _fail(self, failure: Failure) -> None:
        exchange, self._exchange = self._exchange, None
        self.deadline = NEVER
        stale = failure is CATALOGUE.RESET and self.requests > 1 and not self._partial and not self._interims
        self._transport.abort()
        if exchange is not None:
            exchange.upstream_failed(failure, stale)
