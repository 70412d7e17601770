"""HTTP/1 towards clients: bytes of a connection become exchanges, and their answers become bytes.

One `ClientConnection` serves one connection. Requests are taken one after the other: while an exchange is under way,
what a client sends ahead (pipelining) waits in `_ahead`, bounded, with reading paused beyond it. Everything that a
client can get wrong ends in an answer and a close; a close lingers for a moment, so that the answer is not lost to a
reset. Timeouts are deadlines which `check_deadlines` of the worker looks at, not timers.
"""

import asyncio
import logging
import socket
import struct
from time import monotonic
from typing import TYPE_CHECKING, cast

from gateline.engine.errors import CATALOGUE, Failure, for_refused_head
from gateline.engine.exchange import Exchange
from gateline.engine.streams import ClientStream, Trailers
from gateline.engine.wire import codec
from gateline.engine.wire.codec import (
    CHUNKED,
    ChunkedDecoder,
    HeadError,
    RequestHead,
    ResponseHead,
    joined,
    parse_request,
)
from gateline.engine.wire.status_lines import CLOSE, KEEP, interim_line, length_end, status_line

if TYPE_CHECKING:
    from gateline.engine.door import Door

__all__ = ["ClientConnection"]

_log = logging.getLogger(__name__)

NEVER = float("inf")
AHEAD_LIMIT = 64 * 1024
"""Bytes that a client may send ahead of the answer to its last request before it is not read any more."""
LINGER = 2.0
"""Seconds that a connection with unread input stays half-open, so that the client gets its answer, as nginx does."""
LINGER_LIMIT = 4 * 1024 * 1024
"""Bytes that are read and thrown away in that time."""
DRAIN_GRACE = 1.0
"""Seconds that an idle connection stays open when the worker drains."""
HALF_CLOSED_PROBE = 0.5
"""Seconds between two looks whether a client that has closed its side still listens."""

_RESET = struct.pack("ii", 1, 0)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CHUNKED: int = CHUNKED
_LAST_CHUNK = b"0\r\n\r\n"
_OTHER_PROTOCOL = 426
"""The status that asks for another protocol (RFC 9110, section 15.5.22)."""


class ClientConnection(ClientStream):
    """The gateway's end of one client connection; it is the `ClientStream` of its exchanges."""

    __slots__ = (
        "_ahead",
        "_chunked",
        "_close",
        "_decoder",
        "_discarded",
        "_door",
        "_exchange",
        "_half_closed",
        "_left",
        "_lingering",
        "_partial",
        "_paused",
        "_requests",
        "_transport",
        "_unsent",
        "_write_paused",
        "deadline",
    )

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._exchange: Exchange | None = None
        self._partial = b""
        self._ahead = b""
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._chunked = False
        self._close = False
        self._half_closed = False
        self._lingering = False
        self._discarded = 0
        self._paused = False
        self._write_paused = False
        self._unsent = 0
        self._requests = 0
        self.deadline = NEVER

    # -- the transport's events ------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        door = self._door
        self.peer = door.peer_of(self._transport)
        self.deadline = monotonic() + door.header_timeout
        if not door.admit(self):
            self._refuse(CATALOGUE.TOO_MANY_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            if self._lingering:
                self._discard(data)
            elif self._ahead or self._write_paused:  # its turn comes, and what came after it must not overtake it
                self._keep(data)
            elif not self._partial:
                self._read_head(data)
            elif b"\n" in data or len(self._partial) + len(data) > self._door.head_limits.line:
                self._read_head(self._partial + data)
            else:  # no line ends here: nothing to learn from reading it all again
                self._partial += data
        elif self._left or self._decoder is not None:
            self._read_body(data)
        elif self._exchange.tunnel:
            self._exchange.request_data(data)
        else:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        """Have what was sent ahead wait for its turn."""
        self._ahead += data
        if len(self._ahead) > AHEAD_LIMIT:
            self.pause_reading()

    def eof_received(self) -> bool:
        exchange = self._exchange
        if self.peer.tls or (exchange is None and not self._ahead):
            return False
        if exchange is not None and (exchange.tunnel or not exchange.request_done):
            return False
        self._half_closed = True  # it may still listen: it gets its answers, and now and then a probe
        self._close = self._close or not self._ahead
        if exchange is not None and not exchange.responded:
            self.deadline = monotonic() + HALF_CLOSED_PROBE
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        exchange, self._exchange = self._exchange, None
        self.deadline = NEVER
        self._decoder = None
        self._door.left(self)
        if exchange is not None:
            exchange.client_lost()

    def pause_writing(self) -> None:
        self._write_paused = True
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = monotonic() + self._door.send_timeout
        if self._exchange is not None:
            self._exchange.client_paused()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._unsent = 0
        if self._lingering:
            return
        exchange = self._exchange
        if exchange is not None:
            self._await_body()
            exchange.client_resumed()
            return
        self._await_request(monotonic())
        if self._ahead or self._paused:  # the next request has waited for the client to take this answer
            asyncio.get_running_loop().call_soon(self._next)

    # -- requests --------------------------------------------------------------------------------------------------
    def _read_head(self, data: bytes) -> None:
        try:
            head = parse_request(data, self._door.head_limits)
        except HeadError as error:
            _log.info("refused a request of %s: %s", self.peer.address, error.reason)
            self._partial = b""
            self._refuse(for_refused_head(error.status))
            return
        if head is None:
            if not self._partial and self._requests:
                self.deadline = monotonic() + self._door.header_timeout
            self._partial = data
            return
        self._partial = b""
        self.deadline = NEVER
        self._begin(head, data)

    def _begin(self, head: RequestHead, data: bytes) -> None:
        door = self._door
        self._requests += 1
        self.peer.requests = self._requests
        self._close = not head.keep_alive or door.crowd.draining or self._requests >= door.requests
        exchange = Exchange.__new__(Exchange)
        exchange.begin(door.proxy, self, head, monotonic())
        self._exchange = exchange
        size = head.size
        length = head.length
        if length > 0:
            self._begin_counted(exchange, data, size, length)
        elif length == _CHUNKED:
            self._begin_chunked(exchange, data, size)
        elif len(data) > size:
            self._ahead = data[size:]
        if self._half_closed:
            self._close = self._close or not self._ahead
            self.deadline = monotonic() + HALF_CLOSED_PROBE
        door.proxy.handle(exchange)
        if not exchange.request_done and self._exchange is exchange:
            self._await_body()

    def _begin_counted(self, exchange: Exchange, data: bytes, size: int, length: int) -> None:
        end = size + length
        body = data[size:end]
        if body:
            exchange.kept = [body]
            exchange.body_bytes = len(body)
        if len(body) == length:
            exchange.trailers = []
            self._keep_ahead(data, end)
        else:
            exchange.request_done = False
            self._left = length - len(body)

    def _begin_chunked(self, exchange: Exchange, data: bytes, size: int) -> None:
        decoder = ChunkedDecoder(self._door.head_limits)
        exchange.request_done = False
        try:
            body = decoder.feed(data, size)
        except HeadError as error:
            self._bad_body(exchange, error)
            return
        if body:
            exchange.kept = [body]
            exchange.body_bytes = len(body)
        if decoder.done:
            exchange.request_done = True
            exchange.trailers = decoder.trailers
            self._keep_ahead(data, decoder.consumed)
        else:
            self._decoder = decoder

    def _bad_body(self, exchange: Exchange, error: HeadError) -> None:
        _log.info("refused a request body of %s: %s", self.peer.address, error.reason)
        self._close = True
        exchange.refuse(for_refused_head(error.status))

    def _read_body(self, data: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - one is under way
        trailers: Trailers = []
        decoder = self._decoder
        if decoder is not None:
            try:
                body = decoder.feed(data)
            except HeadError as error:
                self._bad_body(exchange, error)
                return
            done = decoder.done
            if done:
                trailers = decoder.trailers
                self._decoder = None
                self._keep_ahead(data, decoder.consumed)
        else:
            left = self._left
            body = data if len(data) <= left else data[:left]
            self._left = left - len(body)
            done = not self._left
            if done:
                self._keep_ahead(data, left)
        self._await_body()
        if body:
            exchange.request_data(body)
        if done:
            exchange.request_end(trailers)

    def _await_body(self) -> None:
        """What is waited for while an exchange is under way: the rest of its body, where it is not whole yet; before
        that, that the client takes what there is of the answer."""
        if not self._write_paused:
            awaited = (self._left or self._decoder is not None) and not self._paused
            self.deadline = monotonic() + self._door.body_timeout if awaited else NEVER

    def _await_request(self, now: float) -> None:
        door = self._door
        self.deadline = now + door.idle_timeout
        if door.crowd.draining:
            self.deadline = now + DRAIN_GRACE

    def _keep_ahead(self, data: bytes, end: int) -> None:
        if end < len(data):
            self._ahead = data[end:]

    def _next(self) -> None:
        """Take the next request out of what was sent ahead."""
        if self._exchange is None and not self._transport.is_closing() and not self._lingering:
            data, self._ahead = self._ahead, b""
            self.resume_reading()
            if data:
                self._read_head(data)
            if self._half_closed and self._request_unfinished():
                self._transport.abort()  # the rest of this request will never come

    def _request_unfinished(self) -> bool:
        """Whether a request has begun to come in and its end has not."""
        exchange = self._exchange
        return bool(self._partial) or (exchange is not None and not exchange.request_done)

    # -- answers (ClientStream) ------------------------------------------------------------------------------------
    def send_interim(self, status: int, head: ResponseHead | None) -> None:
        exchange = self._exchange
        if exchange is None or exchange.head.minor < 1:
            return
        if head is None:
            if not exchange.body_bytes:
                self._transport.write(_CONTINUE)
        else:
            drop = codec.HOP | codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING | codec.LATENCY
            self._transport.write(head.encode(interim_line(status, head.reason), drop, None, b"", b""))

    def respond(
        self,
        head: ResponseHead,
        status: int,
        drop: int,
        edits: dict[bytes, bytes] | None,
        tail: bytes,
        length: int,
        body: bytes,
        ended: bool,
    ) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - one is under way
        if self._half_closed:
            self.deadline = NEVER  # from now on writing tells whether the client still listens
        if not exchange.request_done:
            self._close = True
        if exchange.method == b"HEAD" or status in (204, 304):
            body = b""
            if status == 204:
                drop |= codec.CONTENT_LENGTH
            drop |= codec.TRANSFER_ENCODING
        elif length < 0:
            if exchange.head.minor:
                drop |= codec.TRANSFER_ENCODING | codec.CONTENT_LENGTH
                tail += b"Transfer-Encoding: chunked\r\n"
                self._chunked = True
                if body:
                    body = b"%x\r\n%b\r\n" % (len(body), body)
                if ended:
                    body += _LAST_CHUNK
                    self._chunked = False
            else:
                drop |= codec.TRANSFER_ENCODING | codec.CONTENT_LENGTH
                self._close = True
        start = status_line(status, head.reason if status == head.status else b"", self._close)
        data = head.encode(start, drop, edits, tail, body)
        exchange.head_bytes = len(data) - len(body)
        self._transport.write(data)

    def answer(self, status: int, block: bytes, body: bytes) -> None:
        self.answer_stored(status, block, b"", body)

    def answer_stored(self, status: int, block: bytes, lines: bytes, body: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - one is under way
        if not exchange.request_done:
            self._close = True
        ending = CLOSE if self._close else KEEP
        if status == _OTHER_PROTOCOL and b"Connection: " in block:  # it names the protocol that it asks for there
            ending = b""
        shown = b"" if exchange.method == b"HEAD" else body
        exchange.head_bytes = self._write_answer(status, block, lines, ending, shown, len(body))

    def _write_answer(self, status: int, block: bytes, lines: bytes, ending: bytes, body: bytes, length: int) -> int:
        """Write it, with the line `ending` behind block and lines; the bytes of its head."""
        start = status_line(status, b"", None)
        if status in (204, 304):  # the one has no length, that of the other would be another's (RFC 9110, section 8.6)
            end = b"\r\n"
            body = b""
        else:
            end = length_end(length)
        self._transport.write(joined((start, block, lines, ending, end, body)))
        return len(start) + len(block) + len(lines) + len(ending) + len(end)

    def send_data(self, data: bytes) -> None:
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._transport.write(data)

    def send_end(self, trailers: Trailers) -> None:
        if not self._chunked:
            return
        self._chunked = False
        exchange = self._exchange
        if trailers and exchange is not None and exchange.head.te_trailers:
            lines = b"".join(b"%b: %b\r\n" % pair for pair in trailers)
            self._transport.write(b"0\r\n" + lines + b"\r\n")
        else:
            self._transport.write(_LAST_CHUNK)

    def switch_protocols(self, head: ResponseHead, tail: bytes, data: bytes) -> None:
        self._close = True
        start = interim_line(101, head.reason) + b"Connection: upgrade\r\nUpgrade: websocket\r\n"
        drop = codec.HOP | codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING | codec.LATENCY | codec.VIA
        self._transport.write(head.encode(start, drop, None, tail, data))
        ahead, self._ahead = self._ahead, b""
        exchange = self._exchange
        if ahead and exchange is not None:
            exchange.request_data(ahead)
        self.resume_reading()

    def finish(self, now: float) -> None:
        exchange, self._exchange = self._exchange, None
        if self._close:
            self._end(unread=exchange is not None and not exchange.request_done)
        elif self._write_paused:  # an answer at a time: what a client does not take does not pile up
            return
        elif self._ahead:
            asyncio.get_running_loop().call_soon(self._next)
        else:
            self._await_request(now)
            if self._paused:
                self.resume_reading()

    def abort(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None and not exchange.head.minor:  # it knows an answer's end by a close: this one is a reset
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._lingering = True
        self._transport.abort()

    def pause_reading(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._await_body()
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._paused and not self._transport.is_closing():
            self._paused = False
            if self._left or self._decoder is not None:
                self._await_body()
            self._transport.resume_reading()

    # -- the end ---------------------------------------------------------------------------------------------------
    def _refuse(self, failure: Failure) -> None:
        """Answer a request that cannot be understood, and close."""
        status, block, body = self._door.proxy.answer_unparsed(failure)
        self._write_answer(status, block, b"", CLOSE, body, len(body))
        self._end(unread=True)

    def _end(self, *, unread: bool) -> None:
        """Close; where the client may still be sending, go on reading for a moment."""
        self._decoder = None
        self._left = 0
        self._lingering = True
        if not unread or self._half_closed or self._transport.is_closing():
            self._unsent = self._transport.get_write_buffer_size()
            self.deadline = monotonic() + self._door.send_timeout
            self._transport.close()
            return
        self.deadline = monotonic() + LINGER
        self.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > LINGER_LIMIT:
            self._transport.abort()

    def idle(self) -> bool:
        """Whether no request is under way."""
        return self._exchange is None

    def drain(self) -> None:
        """Close after the next answer; an idle connection has a moment left for a request that is on its way."""
        exchange = self._exchange
        if exchange is None or not exchange.responded:
            self._close = True  # else the client has been told that the connection stays
        if exchange is None and not self._partial and not self._lingering and not self._write_paused:
            self.deadline = min(self.deadline, monotonic() + DRAIN_GRACE)

    def stop(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def timed_out(self, now: float) -> None:
        """The deadline has passed: which one it was shows in the connection's state."""
        exchange = self._exchange
        unsent = self._transport.get_write_buffer_size() if self._unsent else 0
        if unsent < self._unsent:  # it takes the answer, if slowly
            self._unsent = unsent
            self.deadline = now + self._door.send_timeout
        elif self._half_closed and exchange is not None and not exchange.responded:
            self.deadline = now + HALF_CLOSED_PROBE
            if exchange.head.minor:  # to a client that is gone it brings a reset, to another one it means nothing
                self._transport.write(_CONTINUE)
        elif exchange is None and self._partial:
            self._partial = b""
            self._refuse(CATALOGUE.REQUEST_TIMEOUT)
        elif exchange is not None and (self._left or self._decoder is not None) and not exchange.responded:
            self._close = True
            exchange.refuse(CATALOGUE.REQUEST_TIMEOUT)
        elif exchange is None and not self._lingering:
            self._transport.close()
            self.deadline = now + LINGER
            self._lingering = True
        else:
            self._transport.abort()
