"""The worker's HTTP client: requests that plugins send to other servers (`Node.http`).

It speaks through the engine's own pools and upstream connections, so an answer is read as strictly as an upstream's and
connections are kept by the same rules. A call stands where an exchange stands for an upstream connection; what an
exchange passes on to its client, a call collects. Its pools are its own, not those of services: a plugin that asks
many servers ends connections that were not used for longest, never those of a service.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from time import monotonic
from typing import Any, final

from gateline.engine.errors import CATALOGUE, Failure, Retry
from gateline.engine.exchange import Exchange
from gateline.engine.http_request import Address, Encoded, address_of, encode
from gateline.engine.streams import Trailers, UpstreamStream
from gateline.engine.upstream.pool import Pool, Pools, Target
from gateline.engine.wire.codec import ResponseHead
from gateline.pdk.answers import HeaderValues
from gateline.pdk.node import HttpError

__all__ = ["Client", "Reply"]

SERVERS = 1000
"""Servers to which connections are kept; those of the one that was not asked for longest are closed."""
IN_FLIGHT = 1024
"""Requests to one server at a time; more wait for their turn, within their timeout."""
FRESH_TRIES = 2
"""Tries after a kept connection turned out to be closed; the last one is on a new connection."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
_REASONS = {
    CATALOGUE.NAME_RESOLUTION: ("name", "no address for the name {}"),
    CATALOGUE.CONNECT: ("connect", "no connection to {}"),
    CATALOGUE.CONNECT_TIMEOUT: ("timeout", "connecting to {} took too long"),
    CATALOGUE.TLS: ("tls", "TLS with {} failed"),
    CATALOGUE.RESET: ("response", "{} closed the connection without a whole response"),
    CATALOGUE.READ_TIMEOUT: ("timeout", "{} took too long to answer"),
    CATALOGUE.WRITE_TIMEOUT: ("timeout", "{} took too long to read the request"),
    CATALOGUE.BAD_RESPONSE: ("response", "{} sent a bad response"),
}


@final
class Reply:
    """A response that came whole."""

    __slots__ = ("_head", "body")

    def __init__(self, head: ResponseHead, body: bytes) -> None:
        self._head = head
        self.body = body

    @property
    def status(self) -> int:
        """The status code."""
        return self._head.status

    def header(self, name: str) -> str | None:
        """The first value of a header, None when it is absent."""
        value = self._head.get(name.lower().encode("latin-1", "replace"))
        return None if value is None else value.decode("latin-1")

    def headers(self) -> list[tuple[str, str]]:
        """All header lines in order, names as they came."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.items()]

    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"


class _StaleError(Exception):
    """A kept connection was closed just when it was used."""


class _TooLongError(Exception):
    """The body is longer than it may be."""


class _Call(Exchange):
    """One request on one connection: the upstream connection's counterpart, which collects what comes."""

    __slots__ = ("limit", "pieces", "reply", "response_head", "size")

    def __init__(self, request: Encoded, timeout: float, limit: int) -> None:
        self.head = request.head
        self.method = request.head.method
        self.request_bytes = request.data
        self.request_done = True
        self.kept = None
        self.trailers = None
        self.body_bytes = 0
        self.request_length = request.head.length
        self.read_timeout = self.write_timeout = timeout  # the call's own deadline, for all together, is the stricter
        self.upstream: UpstreamStream | None = None
        self.over = False
        self.sent = 0.0
        self.limit = limit
        self.size = 0
        self.pieces: list[bytes] = []
        self.response_head: ResponseHead | None = None
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def connected(self, upstream: UpstreamStream, now: float) -> None:
        self.upstream = upstream
        self.sent = now
        upstream.send_request(self, self.request_bytes)

    def interim_response(self, head: ResponseHead) -> None:
        """Of no interest."""

    def response_begun(self, head: ResponseHead, length: int, body: bytes, ended: bool, now: float) -> None:  # noqa: ARG002
        self.response_head = head
        if ended:
            self.upstream = None
            self._take(body)
            self._finish()
        elif length > self.limit:
            self._refuse()
        else:
            self._take(body)

    def switched(self, head: ResponseHead, data: bytes) -> None:  # noqa: ARG002 - an upgrade is never asked for
        self.upstream_failed(CATALOGUE.BAD_RESPONSE, False)

    def response_data(self, data: bytes) -> None:
        if not self.over:
            self._take(data)

    def response_end(self, trailers: Trailers) -> None:  # noqa: ARG002 - nobody reads them
        self.upstream = None
        self._finish()

    def upstream_failed(self, failure: Failure, stale: bool) -> None:
        self.upstream = None
        if not self.over:
            retry = stale and failure.retry is Retry.MAYBE_SENT and self.response_head is None
            self._end(_StaleError() if retry else _Failed(failure))

    def upstream_paused(self) -> None:
        """The request is small: what is not read yet waits in the connection's buffer."""

    def upstream_resumed(self) -> None:
        """As above."""

    def cancel(self) -> None:
        """Nobody waits any more: the connection is closed."""
        self.over = True
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.cancel()

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.limit:
            self._refuse()
        elif data:
            self.pieces.append(data)

    def _finish(self) -> None:
        if not self.over and self.response_head is not None:
            self.over = True
            self.reply.set_result(Reply(self.response_head, b"".join(self.pieces)))

    def _refuse(self) -> None:
        if not self.over:
            self._end(_TooLongError())
            self.cancel()

    def _end(self, error: Exception) -> None:
        self.over = True
        if not self.reply.done():
            self.reply.set_exception(error)


class _Failed(Exception):  # noqa: N818 - a failure of the catalogue, on its way to become an HttpError
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.name)
        self.failure = failure


class _Server:
    """One server that is asked: its pool, and how many may ask at a time."""

    __slots__ = ("pool", "turns")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.turns = asyncio.Semaphore(IN_FLIGHT)


class Client:
    """Implements `pdk.node.HttpClient` for one worker. It owns its pools: they are for no one else."""

    def __init__(self, pools: Pools, authorities: tuple[str, ...] = ()) -> None:
        """`authorities`: PEM texts of the certificate authorities to trust, the system's when empty."""
        self._pools = pools
        self._authorities = authorities
        self._servers: OrderedDict[tuple[bool, str, int, bool], _Server] = OrderedDict()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: HeaderValues | None = None,
        body: bytes | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - part of the contract
        verify: bool = True,
        limit: int = 1024 * 1024,
    ) -> Reply:
        """Send one request and give its whole response; see `pdk.node.HttpClient.request`.

        A request is sent again only when a kept connection turned out to be closed and the method allows it.
        """
        address = address_of(url)
        request = encode(method, address, headers, body=body, json_body=json, form=form)
        server = self._server(address, verify)
        try:
            async with asyncio.timeout(timeout):
                async with server.turns:
                    return await _send(server.pool, request, timeout, limit, again=method in _IDEMPOTENT)
        except TimeoutError:
            raise HttpError("timeout", f"{address.authority} took longer than {timeout:g} s") from None
        except _TooLongError:
            raise HttpError("limit", f"the response of {address.authority} is longer than {limit} bytes") from None
        except _Failed as error:
            reason, sentence = _REASONS.get(error.failure, ("response", "{} gave no response"))
            raise HttpError(reason, sentence.format(address.authority)) from None

    def check_deadlines(self, now: float) -> None:
        """End connections that idled too long."""
        self._pools.check_deadlines(now)

    def stop(self) -> None:
        """Close every connection at once."""
        self._servers.clear()
        self._pools.stop()

    def _server(self, address: Address, verify: bool) -> _Server:
        key = (address.tls, address.host, address.port, verify)
        server = self._servers.get(key)
        if server is not None:
            self._servers.move_to_end(key)
            return server
        if len(self._servers) >= SERVERS:
            _, oldest = self._servers.popitem(last=False)
            self._pools.retire([oldest.pool.target])
        authorities = self._authorities if address.tls and verify else ()
        target = Target(
            address.host, address.port, address.tls, address.host, address.tls and verify, authorities=authorities
        )
        server = self._servers[key] = _Server(self._pools.get(target))
        return server


async def _send(pool: Pool, request: Encoded, timeout: float, limit: int, *, again: bool) -> Reply:  # noqa: ASYNC109
    for tries in range(FRESH_TRIES + 1):
        call = _Call(request, timeout, limit)
        upstream = pool.acquire() if tries < FRESH_TRIES else None
        if upstream is not None:
            call.connected(upstream, monotonic())
        else:
            pool.connect(call, timeout)
        try:
            return await call.reply
        except _StaleError:
            if not again or tries == FRESH_TRIES:
                raise _Failed(CATALOGUE.RESET) from None
        finally:
            call.cancel()
    raise _Failed(CATALOGUE.RESET)
