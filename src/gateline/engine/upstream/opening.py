"""How targets are opened: which pool a target has and how its host is named, found out when a request is for it first.

With thousands of upstreams most targets are cold, and a cold target is little more than its address.
"""

from typing import TYPE_CHECKING, NamedTuple, cast

from gateline.engine.upstream.balancer import CompiledTarget
from gateline.engine.upstream.pool import Pool, Pools, Target, tls_context

if TYPE_CHECKING:
    from gateline.engine.upstream.health import Addresses

__all__ = ["Manner", "Opening"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_TLS_PROTOCOLS = frozenset({"https", "grpcs"})


class Manner(NamedTuple):
    """How a service speaks to its targets: all of the service that they depend on but their addresses."""

    protocol: str
    verify: bool = False
    verify_depth: int | None = None


class Opening:
    """Opens the targets of one balancer; `host_header` overrides the Host, with `srv_names` an SRV record does.

    It uses their pools until `leave`.
    """

    __slots__ = ("_default_port", "_host_header", "_left", "_manner", "_pools", "_used")

    def __init__(self, pools: Pools, manner: Manner, host_header: str | None, *, srv_names: bool = False) -> None:
        self._pools = pools
        self._manner = manner
        self._default_port = _DEFAULT_PORTS.get(manner.protocol, 0) if srv_names else 0
        self._host_header = host_header
        self._left = False
        self._used: list[Pool] = []
        if manner.protocol in _TLS_PROTOCOLS:
            tls_context(manner.verify, ())  # takes long the first time: not while a request waits

    def target(self, place: str, among: "Addresses | None" = None) -> CompiledTarget:
        """The target at a host and port; it is open at once where there is a pool, for its connections."""
        target = CompiledTarget(cast(Pool, None), b"")
        target.opening = self
        target.place = place
        target.among = among
        if self._pools.has(self._key(target)):
            self.open(target)
        return target

    def open(self, target: CompiledTarget) -> None:
        """Give a target its pool and its Host."""
        key = self._key(target)
        name = _authority(self._host_header or key.host, key.port, self._manner.protocol)
        target.host_line = f" HTTP/1.1\r\nHost: {name}\r\n".encode()
        target.pool = self._pools.use(key)
        self._used.append(target.pool)
        if self._left:
            self.leave()

    def leave(self) -> None:
        """The targets are not in force any more: let go of their pools."""
        self._left = True
        while self._used:
            self._pools.leave(self._used.pop())

    def _key(self, target: CompiledTarget) -> Target:
        host, _, port = target.place.rpartition(":")
        host = host.strip("[]")
        manner = self._manner
        if manner.protocol not in _TLS_PROTOCOLS:
            return Target(host, int(port), among=target.among, srv_names=self._default_port)
        return Target(
            host,
            int(port),
            True,
            self._host_header or host,
            manner.verify,
            manner.verify_depth,
            among=target.among,
            srv_names=self._default_port,
        )


def _authority(host: str, port: int, protocol: str) -> str:
    """Host and port as a Host header has them: no default port, brackets around an IPv6 address."""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return host if port == _DEFAULT_PORTS.get(protocol) else f"{host}:{port}"
