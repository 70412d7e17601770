"""The fields of configurations that say where Redis is. Names and defaults are Kong's.

`Redis` is one server; `RedisAnywhere` may be one that Sentinels name, or a Cluster.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from gateline.pdk.fields import (
    AllOrNoneOf,
    AtMostOneOf,
    Between,
    Check,
    Conditional,
    Field,
    Host,
    Milliseconds,
    MinLength,
    OneOf,
    Port,
    Record,
    Ref,
    Secret,
    Shorthand,
    There,
    old_name,
)

__all__ = ["OLD_NAMES", "ClusterNode", "Redis", "RedisAnywhere", "SentinelNode", "redis_needed"]


_TIMEOUTS = ("connect_timeout", "send_timeout", "read_timeout")


class Redis(Record):
    """Where Redis is, and who asks."""

    host: Annotated[Host | None, Field(description="Host of the Redis server.")] = None
    port: Annotated[Port, Field(description="Its port.")] = 6379
    timeout: Annotated[Milliseconds, Field(description="Milliseconds to connect, and to wait for an answer.")] = 2000
    username: Annotated[str | None, Ref(), Field(description="User, where Redis has access lists.")] = None
    password: Annotated[str | None, Ref(), Secret(), Field(description="Password; without one nobody logs in.")] = None
    database: Annotated[int, Field(description="Number of the database.")] = 0
    ssl: Annotated[bool, Field(description="Whether TLS is spoken.")] = False
    ssl_verify: Annotated[bool, Field(description="Whether the certificate must be good.")] = False
    server_name: Annotated[
        Host | None, Field(description="The name asked for in TLS, and looked for in the certificate; else `host`.")
    ] = None


class SentinelNode(Record):
    """Where a Sentinel is."""

    host: Annotated[Host, Field(description="Its host.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Its port.")] = 6379


class ClusterNode(Record):
    """Where a server of a Redis Cluster is."""

    ip: Annotated[Host, Field(description="Its host or address.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Its port.")] = 6379


def _timeouts(milliseconds: int | None) -> dict[str, Any]:
    """The timeouts that one stood for in older releases."""
    return {} if milliseconds is None else dict.fromkeys(_TIMEOUTS, milliseconds)


class RedisAnywhere(Record):
    """Where Redis is, be it one server, one that Sentinels name, or a Cluster; and who asks."""

    checks: ClassVar = (
        AllOrNoneOf(("sentinel_master", "sentinel_role", "sentinel_nodes")),
        AllOrNoneOf(("host", "port")),
        AllOrNoneOf(_TIMEOUTS),
        AtMostOneOf(("sentinel_nodes", "cluster_nodes")),
    )
    shorthands: ClassVar = {"timeout": Shorthand(_timeouts, int, shows="connect_timeout")}

    host: Annotated[Host | None, Field(description="Host of the Redis server.")] = "127.0.0.1"
    port: Annotated[Port | None, Field(description="Its port.")] = 6379
    connect_timeout: Annotated[Milliseconds | None, Field(description="Milliseconds to connect.")] = 2000
    send_timeout: Annotated[Milliseconds | None, Field(description="Milliseconds to send something.")] = 2000
    read_timeout: Annotated[Milliseconds | None, Field(description="Milliseconds to wait for an answer.")] = 2000
    username: Annotated[str | None, Ref(), Field(description="User, where Redis has access lists.")] = None
    password: Annotated[str | None, Ref(), Secret(), Field(description="Password; without one nobody logs in.")] = None
    sentinel_username: Annotated[str | None, Ref(), Field(description="User at the Sentinels.")] = None
    sentinel_password: Annotated[str | None, Ref(), Secret(), Field(description="Password at the Sentinels.")] = None
    database: Annotated[int | None, Field(description="Number of the database; a Cluster has one.")] = 0
    keepalive_pool_size: Annotated[
        Annotated[int, Between(1, 2147483646)] | None,
        Field(description="Connections that a worker keeps, at most; a few serve any number of requests."),
    ] = 256
    keepalive_backlog: Annotated[
        Annotated[int, Between(0, 2147483646)] | None,
        Field(description="Accepted for Kong's sake: what waits for a connection shares it."),
    ] = None
    sentinel_master: Annotated[str | None, Field(description="The name under which Sentinels know the server.")] = None
    sentinel_role: Annotated[
        Annotated[str, OneOf(("master", "slave", "any"))] | None,
        Field(description="Accepted for Kong's sake: whatever it is, the master is asked, as plugins write."),
    ] = None
    sentinel_nodes: Annotated[
        Annotated[tuple[SentinelNode, ...], MinLength(1)] | None, Field(description="Where the Sentinels are.")
    ] = None
    cluster_nodes: Annotated[
        Annotated[tuple[ClusterNode, ...], MinLength(1)] | None,
        Field(description="Some servers of a Redis Cluster, which tell of the others."),
    ] = None
    cluster_max_redirections: Annotated[
        int | None, Field(description="How often a Cluster may send a command elsewhere.")
    ] = 5
    ssl: Annotated[bool | None, Field(description="Whether TLS is spoken.")] = False
    ssl_verify: Annotated[bool | None, Field(description="Whether the certificate must be good.")] = False
    server_name: Annotated[
        Host | None, Field(description="The name asked for in TLS, and looked for in the certificate; else the host.")
    ] = None
    connection_is_proxied: Annotated[
        bool | None, Field(description="Accepted for Kong's sake: a proxy is reached as Redis itself is.")
    ] = False


OLD_NAMES: Mapping[str, Shorthand] = {
    "redis_host": old_name("redis.host"),
    "redis_port": old_name("redis.port", int),
    "redis_timeout": old_name("redis.timeout", int),
    "redis_username": old_name("redis.username"),
    "redis_password": old_name("redis.password"),
    "redis_database": old_name("redis.database", int),
    "redis_ssl": old_name("redis.ssl", bool),
    "redis_ssl_verify": old_name("redis.ssl_verify", bool),
    "redis_server_name": old_name("redis.server_name"),
}
"""The names that the fields had in older releases."""


def redis_needed(field: str, *values: str) -> tuple[Check, ...]:
    """What a configuration cannot be without when a field (`config.policy`) has one of some values."""
    return tuple(
        Conditional(field, OneOf(values), f"config.redis.{name}", There()) for name in ("host", "port", "timeout")
    )
