"""Which Redis a configuration means, as a value: plugins that mean the same one share its client."""

from dataclasses import dataclass, field

from gateline.pdk.redis.fields import Redis, RedisAnywhere

__all__ = ["Address", "Endpoint", "endpoint_of"]

Address = tuple[str, int]

_TIMEOUT = 2000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`timeout`: seconds that an answer may take, with everything; `connect_timeout`: seconds to connect."""

    server: Address
    timeout: float
    connect_timeout: float
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: bool = False
    verify: bool = False
    server_name: str | None = None
    connections: int = 256
    sentinel_master: str | None = None
    sentinels: tuple[Address, ...] = ()
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    cluster: tuple[Address, ...] = ()
    redirections: int = 5

    def __str__(self) -> str:
        if self.cluster:
            return f"the Redis Cluster at {_text(self.cluster)}"
        if self.sentinels:
            return f"the Redis that the Sentinels at {_text(self.sentinels)} call {self.sentinel_master}"
        return f"Redis at {_text((self.server,))}"


def endpoint_of(redis: Redis | RedisAnywhere) -> Endpoint:
    """The Redis that a configuration means."""
    server = redis.host or "127.0.0.1", redis.port or 6379
    if isinstance(redis, Redis):
        seconds = redis.timeout / 1000
        return Endpoint(
            server=server,
            timeout=seconds,
            connect_timeout=seconds,
            username=redis.username,
            password=redis.password,
            database=redis.database,
            tls=redis.ssl,
            verify=redis.ssl_verify,
            server_name=redis.server_name,
        )
    return Endpoint(
        server=server,
        timeout=max(redis.send_timeout or _TIMEOUT, redis.read_timeout or _TIMEOUT) / 1000,
        connect_timeout=(redis.connect_timeout or _TIMEOUT) / 1000,
        username=redis.username,
        password=redis.password,
        database=redis.database or 0,
        tls=bool(redis.ssl),
        verify=bool(redis.ssl_verify),
        server_name=redis.server_name,
        connections=redis.keepalive_pool_size or 1,
        sentinel_master=redis.sentinel_master,
        sentinels=tuple((node.host, node.port) for node in redis.sentinel_nodes or ()),
        sentinel_username=redis.sentinel_username,
        sentinel_password=redis.sentinel_password,
        cluster=tuple((node.ip, node.port) for node in redis.cluster_nodes or ()),
        redirections=5 if redis.cluster_max_redirections is None else redis.cluster_max_redirections,
    )


def _text(addresses: tuple[Address, ...]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in addresses)
