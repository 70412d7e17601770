"""Counters in Redis, which nodes share: one round trip a request, whatever the number of windows, and exact.

The client is an extra (`gateline[redis]`). Connections are opened when they are needed first, are kept, and never wait
longer than `timeout`; a request for which there is none to be had fails as one for which Redis is gone.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

from gateline.pdk import Node, PluginError
from gateline.pdk.fields import (
    Conditional,
    Field,
    Host,
    Milliseconds,
    OneOf,
    Port,
    Record,
    Ref,
    Secret,
    Shorthand,
    There,
    old_name,
)

__all__ = ["OLD_NAMES", "REDIS_NEEDED", "Redis", "RedisCounters", "RedisError"]

_CONNECTIONS = 64
"""Connections that one plugin of one worker has open at a time, at most."""

_SCRIPT = """
local windows = (#ARGV - 1) / 3
local fields = {}
for place = 1, windows do
  fields[2 * place - 1] = place .. 'n'
  fields[2 * place] = place .. 'v'
end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local after, values, free, adds = {}, {}, 1, false
for place = 1, windows do
  local number, limit, by = tonumber(ARGV[3 * place - 1]), tonumber(ARGV[3 * place]), tonumber(ARGV[3 * place + 1])
  local before, value = tonumber(stored[2 * place - 1] or -1), tonumber(stored[2 * place] or 0)
  if before ~= number then
    if before == number + 1 then number = before else value = 0 end
  end
  if by > 0 then
    adds = true
    if value >= limit then free = 0 end
  end
  after[4 * place - 3], after[4 * place - 2] = place .. 'n', number
  after[4 * place - 1], after[4 * place] = place .. 'v', string.format('%.0f', value + by)
  values[place] = value
end
if free == 1 and adds then
  redis.call('HSET', KEYS[1], unpack(after))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  for place = 1, windows do values[place] = values[place] + tonumber(ARGV[3 * place + 1]) end
end
table.insert(values, free)
return values
"""
"""As `Counters.count` of the kit: add to all windows, or to none where one has reached its limit."""


class RedisError(Exception):
    """Redis did not answer, or not with what was asked for."""


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
    server_name: Annotated[Host | None, Field(description="The name asked for in TLS; only that of `host` is.")] = None


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

REDIS_NEEDED = tuple(
    Conditional("config.policy", OneOf(("redis",)), f"config.redis.{name}", There())
    for name in ("host", "port", "timeout")
)
"""What the policy `redis` cannot be without."""


class RedisCounters:
    """Counters in the Redis of a configuration. Raises PluginError where it cannot be used as it is configured."""

    def __init__(self, redis: Redis, node: Node) -> None:
        if find_spec("redis") is None:
            raise PluginError("policy: redis needs the Redis client: pip install 'gateline[redis]'")
        if redis.ssl and redis.server_name not in (None, redis.host):
            raise PluginError("redis.server_name: another name than redis.host is not supported")
        self._redis = redis
        self._node = node
        self._client: Any = None
        self._script: Any = None
        self._refusals: tuple[type[Exception], ...] = ()

    async def count(self, key: str, windows: Sequence[tuple[int, int, int]], *, ttl: float) -> tuple[list[int], bool]:
        """As `Counters.count` of the kit. Raises RedisError."""
        if self._client is None:
            self._open()
        arguments: list[int] = [int(ttl) + 1]
        for window in windows:
            arguments += window
        try:
            *values, added = await self._script(keys=[key], args=arguments)
        except self._refusals as error:
            raise RedisError(f"Redis at {self._redis.host}:{self._redis.port}: {error}") from error
        return values, bool(added)

    def _open(self) -> None:
        client, exceptions = import_module("redis.asyncio"), import_module("redis.exceptions")
        redis = self._redis
        seconds = redis.timeout / 1000
        options: dict[str, Any] = {}
        if redis.ssl:
            verified = "required" if redis.ssl_verify else "none"
            options = {
                "connection_class": client.SSLConnection,
                "ssl_cert_reqs": verified,
                "ssl_check_hostname": redis.ssl_verify,
            }
        pool = client.BlockingConnectionPool(
            max_connections=_CONNECTIONS,
            timeout=seconds,
            host=redis.host,
            port=redis.port,
            db=redis.database,
            username=redis.username,
            password=redis.password,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=None,
            **options,
        )
        self._client = client.Redis.from_pool(pool)
        self._script = self._client.register_script(_SCRIPT)
        self._refusals = (exceptions.RedisError, OSError, TimeoutError)
        self._node.when_closed(self._client.aclose)
