"""Connections to one target: kept ones for the next request, new ones when there is none.

A pool belongs to a target (host, port and how TLS is spoken), not to a runtime: a change of configuration keeps the
connections of every target that is still in use. Limits are Kong's `upstream_keepalive_*` settings.
"""

import asyncio
import errno
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING, cast

from gateline.engine import tasks
from gateline.engine.errors import CATALOGUE, Failure
from gateline.engine.streams import PooledStream
from gateline.engine.upstream.dns import NameResolutionError, Resolver
from gateline.engine.upstream.health import Addresses
from gateline.engine.upstream.places import Place, Places
from gateline.engine.upstream.racing import alternating, race

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["KeepAlive", "Pool", "Pools", "Target"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How many idle connections a pool keeps, how many requests one serves, and how many seconds one may idle.

    No requests or seconds at all stand for no limit.
    """

    pool_size: int = 512
    max_requests: int = 10000
    idle_timeout: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "max_requests", self.max_requests or sys.maxsize)
        object.__setattr__(self, "idle_timeout", self.idle_timeout or float("inf"))


@dataclass(frozen=True, slots=True)
class Target:
    """Where connections lead: a host (name or address), a port; with `tls` the name to ask for and whom to trust."""

    host: str
    port: int
    tls: bool = False
    server_name: str = ""
    verify: bool = False
    verify_depth: int | None = None
    authorities: tuple[str, ...] = ()
    """PEM texts of the certificate authorities to trust; empty for the system's."""
    among: Addresses | None = None
    """Which addresses of the name may be used; None for all."""
    srv_names: int = 0
    """The port that a Host need not tell, where the Host is the name in an SRV record; 0 where it is not."""


Factory = Callable[["Pool"], asyncio.Protocol]


class Pool:
    """The connections of one target: to its only place, or to all places of its name in turn."""

    def __init__(self, target: Target, pools: "Pools") -> None:
        self.target = target
        keep = pools.keep_alive
        self._idle_timeout = keep.idle_timeout
        self._max_requests = keep.max_requests
        self._size = keep.pool_size
        self._places = Places(target, pools.resolver)
        self._open = 0
        self._pools = pools
        self._tls = tls_context(target.verify, target.authorities) if target.tls else None

    @property
    def retired(self) -> bool:
        """Whether the target is not used any more."""
        return self._places.retired

    def acquire(self) -> PooledStream | None:
        """A kept connection to the place whose turn it is, the one used last first; None when there is none."""
        places = self._places
        place = places.sole
        if place is None:
            place = places.next()
        return place.kept()

    def release(self, connection: PooledStream, now: float) -> None:
        """Take back a connection whose exchange is over: keep it within the limits, else close it."""
        place = connection.place
        if place.gone or connection.requests >= self._max_requests or len(place.idle) >= self._size:
            connection.close()
            return
        connection.deadline = now + self._idle_timeout
        place.idle.append(connection)

    def opened(self, connection: PooledStream) -> None:
        """A connection was made: from now on its deadline is watched."""
        self._pools.connections.add(connection)
        self._open += 1

    def lost(self, connection: PooledStream) -> None:
        """A connection is gone."""
        self._pools.connections.discard(connection)
        self._open -= 1
        if not self._open:
            self._places.unfollow()
        idle = connection.place.idle
        if connection in idle:
            idle.remove(connection)

    def retire(self) -> None:
        """No runtime uses the target any more: close what is idle, and what is busy when it is done."""
        self._places.retire()

    def connect(self, exchange: "Exchange", timeout: float) -> None:
        """Open a connection for `exchange`, which hears `connected` or `upstream_failed`; `timeout` in seconds."""
        first, self._places.chosen = self._places.chosen, None
        tasks.start(self._connect(exchange, timeout, first), name=f"connect to {self.target.host}:{self.target.port}")

    async def _connect(self, exchange: "Exchange", timeout: float, first: Place | None) -> None:  # noqa: ASYNC109
        target = self.target
        failure: Failure
        try:
            async with asyncio.timeout(timeout):
                connection = await self._connected(await self._places.to_try(first))
        except NameResolutionError as error:
            failure = CATALOGUE.NAME_RESOLUTION
            _log.info("name resolution failed for %s: %s", target.host, error)
        except TimeoutError:
            failure = CATALOGUE.CONNECT_TIMEOUT
        except ssl.SSLError as error:
            failure = CATALOGUE.TLS
            _log.warning("TLS with %s:%d failed: %s", target.host, target.port, error)
        except OSError as error:
            failure = CATALOGUE.CONNECT_TIMEOUT if error.errno == errno.ETIMEDOUT else CATALOGUE.CONNECT
            _log.info("connecting to %s:%d failed: %s", target.host, target.port, error)
        else:
            if connection.usable():
                self._places.follow()
                if exchange.over:  # its client left meanwhile
                    self.release(connection, monotonic())
                else:
                    exchange.connected(connection, monotonic())
                return
            failure = CATALOGUE.CONNECT
            _log.info("%s:%d closed a connection before anything was sent", target.host, target.port)
        exchange.upstream_failed(failure, False)

    async def _connected(self, places: list[Place]) -> PooledStream:
        """A connection to the first of the places that takes one. Raises OSError: the last one's."""
        if len(places) == 1:
            return await self._open_at(places[0])
        left = alternating(places)
        while True:
            place, made = await race(left, self._rest)
            if not isinstance(made, socket.socket):
                return made
            try:
                return await self._open_at(place, made)
            except OSError as error:  # TLS, that is
                if not left:
                    raise
                self._rest(place, error)

    def _rest(self, place: Place, error: OSError | None) -> None:
        self._places.rest(place)
        reason = "it took longer than another" if error is None else error
        _log.info("%s of %s takes no connection: %s", place.address, self.target.host, reason)

    async def _open_at(self, place: Place, connected: socket.socket | None = None) -> PooledStream:
        target = self.target
        name = (target.server_name or target.host) if self._tls else None
        made = partial(self._made, place)  # a closure would be part of a cycle
        connect = asyncio.get_running_loop().create_connection
        if connected is None:
            _, connection = await connect(made, place.address, place.port, ssl=self._tls, server_hostname=name)
        else:
            _, connection = await connect(made, sock=connected, ssl=self._tls, server_hostname=name)
        return cast(PooledStream, connection)

    def _made(self, place: Place) -> asyncio.Protocol:
        made = self._pools.factory(self)
        made.place = place  # type: ignore[attr-defined]  # the factory makes pooled streams
        return made


class Pools:
    """Every pool of a worker, by target, and every connection, for the watch on deadlines."""

    def __init__(self, factory: Factory, keep_alive: KeepAlive, resolver: Resolver | None = None) -> None:
        self.factory = factory
        self.keep_alive = keep_alive
        self.resolver = resolver or Resolver()
        self.connections: set[PooledStream] = set()
        self.users: dict[Pool, int] = {}
        """How many of those that open targets use a pool."""
        self._by_target: dict[Target, Pool] = {}

    def has(self, target: Target) -> bool:
        """Whether there is a pool of `target`."""
        return target in self._by_target

    def use(self, target: Target) -> Pool:
        """The pool of `target`, which has one more user."""
        pool = self.get(target)
        self.users[pool] = self.users.get(pool, 0) + 1
        return pool

    def leave(self, pool: Pool) -> None:
        """A pool has one user less; with the last one it is retired."""
        left = self.users.pop(pool) - 1
        if left:
            self.users[pool] = left
        else:
            self.retire([pool.target])

    def get(self, target: Target) -> Pool:
        """The pool of `target`, made when it is asked for first."""
        pool = self._by_target.get(target)
        if pool is None:
            pool = self._by_target[target] = Pool(target, self)
        return pool

    def keep_only(self, targets: set[Target]) -> None:
        """Retire the pools of all targets but these."""
        self.retire(self._by_target.keys() - targets)

    def retire(self, targets: Iterable[Target]) -> None:
        """Retire the pools of these targets."""
        for target in targets:
            pool = self._by_target.pop(target, None)
            if pool is not None:
                pool.retire()

    def check_deadlines(self, now: float) -> None:
        """End what has waited too long: silent upstreams and connections that idled."""
        for connection in tuple(self.connections):
            if connection.deadline <= now:
                connection.timed_out(now)

    def stop(self) -> None:
        """Close every connection at once."""
        self.keep_only(set())
        for connection in tuple(self.connections):
            connection.stop()


@lru_cache(maxsize=256)
def tls_context(
    verify: bool, authorities: tuple[str, ...], protocols: tuple[str, ...] = ("http/1.1",)
) -> ssl.SSLContext:
    """Shared by pools, as reading the system's authorities takes 40 ms. `protocols` are offered by ALPN."""
    if verify:
        context = ssl.create_default_context(cadata="\n".join(authorities) or None)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context
