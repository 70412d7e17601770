"""Connections without sockets: what is written is kept, and a service answers what it was sent."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from gateline.engine.exchange import Exchange
from gateline.engine.upstream.dns import Endpoint
from gateline.engine.upstream.pool import Pool, Pools, Target
from gateline.engine.wire import codec
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.testing.messages import LIMITS, Sent, body_of, lines_of

__all__ = ["ServicePool", "Wire"]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self, extra: dict[str, Any] | None = None) -> None:
        super().__init__(extra)
        self.written = bytearray()
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written += data

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Take no more."""
        self._closing = True

    def abort(self) -> None:
        """Take no more."""
        self._closing = True

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """Nothing comes by itself."""

    def can_write_eof(self) -> bool:
        """The other side may be ended."""
        return True

    def write_eof(self) -> None:
        """No more will be written."""
        self._closing = True

    def get_write_buffer_size(self) -> int:
        """Everything is taken at once."""
        return 0


class _ServiceWire(Wire):
    """A connection to the service, which answers when it was sent a whole request."""

    def __init__(self, connection: UpstreamConnection, asked: Callable[[Sent], list[bytes]]) -> None:
        super().__init__()
        self._connection = connection
        self._asked = asked

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Answer when the request is complete."""
        super().write(data)
        taken = bytes(self.written)
        head = codec.parse_request(taken, LIMITS)
        body = None if head is None else body_of(taken, head)
        if head is None or body is None:
            return
        self.written.clear()
        sent = Sent(lines_of(head), body, head.method.decode("latin-1"), head.target.decode("latin-1"))
        loop = asyncio.get_running_loop()
        for piece in self._asked(sent):
            loop.call_soon(self._give, piece)

    def _give(self, piece: bytes) -> None:
        if not self._closing:
            self._connection.data_received(piece)


class ServicePool(Pool):
    """A pool of which every connection leads to the service at once."""

    def __init__(self, target: Target, pools: Pools, asked: Callable[[Sent], list[bytes]]) -> None:
        super().__init__(target, pools)
        self._asked = asked
        if self._places.sole is None:  # the target is a name: the service is wherever that leads
            self._places.lead_to((Endpoint(target.host),))

    def connect(self, exchange: Exchange, timeout: float) -> None:  # noqa: ARG002 - as its parent's
        """A connection, in a moment."""
        connection = UpstreamConnection(self)
        assert self._places.sole is not None  # noqa: S101 - see above
        connection.place = self._places.sole
        connection.connection_made(_ServiceWire(connection, self._asked))
        asyncio.get_running_loop().call_soon(self._arrived, exchange, connection)

    @staticmethod
    def _arrived(exchange: Exchange, connection: UpstreamConnection) -> None:
        if not exchange.over:
            exchange.connected(connection, monotonic())
