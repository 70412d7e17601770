"""Makes the client library's objects for an endpoint: one server, one that Sentinels name, a Cluster; with TLS or not.

The only module that imports the library, which is an extra. Nothing here connects: connections are made when they are
needed first. Nothing is tried again here either, as a counter must not be added to twice.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    DataError,
    MasterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from gateline.pdk.redis.endpoint import Endpoint

__all__ = ["FAULTS", "Opened", "is_fault", "is_unknown_script", "opened"]

Command = tuple[Any, ...]

FAULTS = (RedisError, OSError, TimeoutError)
"""What the library and the network raise."""

_UNUSABLE = (BusyLoadingError, ClusterDownError, MasterDownError, ReadOnlyError)
"""Answers that say that this server cannot be asked now."""


class Opened:
    """Something that commands can be sent to. `send` gives an answer, or an exception, for each of some commands."""

    def __init__(self, client: Any, reset: Callable[[], Awaitable[None]], close: Sequence[Any]) -> None:
        self._client = client
        self.reset = reset
        """Let go of all connections; the next ones are made to whoever is the right server then."""
        self._close = close

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go. Raises one of FAULTS."""
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return cast(list[Any], await pipeline.execute(raise_on_error=False))

    async def close(self) -> None:
        """Close all connections."""
        for one in self._close:
            await one.aclose()


def is_fault(answer: object) -> bool:
    """Whether an answer says that the server cannot be asked at all, rather than that a command was wrong."""
    wrong = isinstance(answer, ResponseError | DataError)
    return isinstance(answer, _UNUSABLE) or (isinstance(answer, FAULTS) and not wrong)


def is_unknown_script(answer: object) -> bool:
    """Whether an answer says that the server does not know the script."""
    return isinstance(answer, NoScriptError)


def opened(endpoint: Endpoint, tls: ssl.SSLContext | None, connections: int) -> Opened:
    """What reaches an endpoint, over so many connections (to each server) at most. `tls`: None for plain TCP."""
    if endpoint.cluster:
        return _cluster(endpoint, tls, connections)
    options: dict[str, Any] = {
        **_options(endpoint),
        "db": endpoint.database,
        "username": endpoint.username,
        "password": endpoint.password,
        "max_connections": connections,
        "retry": _never(),
    }
    if endpoint.sentinels:
        return _named_by_sentinels(endpoint, tls, options)
    host, port = endpoint.server
    kind = _tls_connection(tls, endpoint.server_name) if tls else Connection
    pool = ConnectionPool(connection_class=kind, host=host, port=port, **options)
    client = Redis.from_pool(pool)
    return Opened(client, pool.disconnect, (client,))


def _named_by_sentinels(endpoint: Endpoint, tls: ssl.SSLContext | None, options: dict[str, Any]) -> Opened:
    at_sentinels = {
        **_options(endpoint),
        "username": endpoint.sentinel_username,
        "password": endpoint.sentinel_password,
        "retry": _never(),
    }
    sentinels = Sentinel(())  # type: ignore[no-untyped-call]
    asked = []
    for host, port in endpoint.sentinels:
        kind = _tls_connection(tls, endpoint.server_name) if tls else Connection
        asked.append(Redis.from_pool(ConnectionPool(connection_class=kind, host=host, port=port, **at_sentinels)))
    sentinels.sentinels = asked
    named: type[Any] = SentinelManagedConnection
    if tls:
        named = _tls_connection(tls, endpoint.server_name, SentinelManagedSSLConnection)
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
        endpoint.sentinel_master, sentinels, connection_class=named, **options
    )
    client = Redis.from_pool(pool)
    return Opened(client, pool.disconnect, (client, *asked))


def _cluster(endpoint: Endpoint, tls: ssl.SSLContext | None, connections: int) -> Opened:
    client = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in endpoint.cluster],
        username=endpoint.username,
        password=endpoint.password,
        max_connections=connections,
        retry=_never(),
        ssl=tls is not None,
        require_full_coverage=False,
        reinitialize_steps=1,
        **_options(endpoint),
    )
    client.RedisClusterRequestTTL = endpoint.redirections + 1
    if tls is not None:
        kind = _tls_connection(tls, endpoint.server_name)
        client.connection_kwargs["connection_class"] = kind  # of those that it will hear of
        for node in client.startup_nodes:
            node.connection_class = kind
    return Opened(client, client.aclose, (client,))


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "socket_timeout": endpoint.timeout,
        "socket_connect_timeout": endpoint.connect_timeout,
        "socket_keepalive": True,
        "protocol": 2,
    }


def _never() -> Retry:
    return Retry(NoBackoff(), 0)


def _tls_connection(context: ssl.SSLContext, server_name: str | None, kind: type[Any] = SSLConnection) -> type[Any]:
    """A sort of connection that begins TLS as it is told, and asks for a name of its own."""

    class TLSConnection(kind):  # type: ignore[misc]  # which sort is known when it is made
        def _connection_arguments(self) -> dict[str, Any]:
            return {
                "host": self.host,
                "port": self.port,
                "ssl": context,
                "server_hostname": server_name or self.host,
            }

    return TLSConnection
