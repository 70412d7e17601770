"""Where the requests of services go: a balancer over compiled targets, made from entities.

All services that name an upstream entity and speak to it in the same manner share one balancer.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from gateline.engine.upstream.balancer import Balancer, CompiledTarget
from gateline.engine.upstream.health import WELL, Addresses, Health
from gateline.engine.upstream.pool import Pool, Pools, Target
from gateline.engine.upstream.round_robin import RoundRobin
from gateline.engine.upstream.watch import Watch, WatchMaker, joined

if TYPE_CHECKING:
    from gateline.entities import Service, Upstream
    from gateline.entities import Target as TargetEntity

__all__ = ["Destinations", "Made", "Manner", "balanced", "manner_of", "single"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_TLS_PROTOCOLS = frozenset({"https", "grpcs"})


class Manner(NamedTuple):
    """How a service speaks to its targets: all of the service that they depend on but their addresses."""

    protocol: str
    verify: bool = False
    verify_depth: int | None = None


_PLAIN = {protocol: Manner(protocol) for protocol in ("http", "grpc")}


Made = Mapping[str, tuple[Watch | None, ...]]
"""The watches that were made for an upstream's targets, one a maker, by the targets' ids."""

_NOTHING: Made = MappingProxyType({})


class Destinations(NamedTuple):
    """A balancer, the pools that it uses, and the watches of its targets."""

    balancer: Balancer
    pools: tuple[Pool, ...]
    made: Made


def manner_of(service: "Service", verify: bool) -> Manner:
    """A service's manner; `verify`: whether certificates are verified where the service does not say."""
    plain = _PLAIN.get(service.protocol)
    if plain is not None:
        return plain
    own = service.tls_verify
    return Manner(service.protocol, verify if own is None else own, service.tls_verify_depth)


def single(pools: Pools, manner: Manner, host: str, port: int) -> Destinations:
    """The one target of a service whose host is no upstream entity."""
    target = _target(pools, manner, host, port, None)
    return Destinations(Balancer(only=target), (target.pool,), {})


def balanced(
    pools: Pools,
    manner: Manner,
    upstream: "Upstream",
    members: Iterable["TargetEntity"],
    healths: Mapping[str, Health],
    makers: Sequence[WatchMaker] = (),
    before: Made = _NOTHING,
) -> Destinations:
    """The targets of an upstream entity that are healthy (`healths` by their ids; what is not there is well), or none
    when that is too little. Each gets the watches that `makers` make; `before`: what they made last time."""
    weighted = []
    total = 0
    made = {}
    for member in sorted(members, key=lambda member: member.target):
        total += member.weight
        if makers:
            known = before.get(member.id) or (None,) * len(makers)
            made[member.id] = tuple([make(upstream, member, one) for make, one in zip(makers, known, strict=True)])
        health = healths.get(member.id, WELL)
        if not health.serving:
            continue
        host, _, port = member.target.rpartition(":")
        target = _target(
            pools,
            manner,
            host.strip("[]"),
            int(port),
            upstream.host_header,
            health.addresses,
            srv_names=upstream.use_srv_name and not upstream.host_header,
        )
        target.watch = joined(made.get(member.id, ()))
        weighted.append((target, member.weight))
    enough = upstream.is_healthy(sum([weight for _, weight in weighted]), total)
    return Destinations(
        Balancer(RoundRobin(weighted if enough else ())), tuple([target.pool for target, _ in weighted]), made
    )


def _target(
    pools: Pools,
    manner: Manner,
    host: str,
    port: int,
    host_header: str | None,
    among: Addresses | None = None,
    *,
    srv_names: bool = False,
) -> CompiledTarget:
    """Where a request goes that goes to `host` and `port`; `host_header` overrides the Host, with `srv_names` an SRV
    record does."""
    default_port = _DEFAULT_PORTS.get(manner.protocol, 0) if srv_names else 0
    if manner.protocol in _TLS_PROTOCOLS:
        target = Target(
            host,
            port,
            True,
            host_header or host,
            manner.verify,
            manner.verify_depth,
            among=among,
            srv_names=default_port,
        )
    else:
        target = Target(host, port, among=among, srv_names=default_port)
    named = _authority(host_header or host, port, manner.protocol)
    return CompiledTarget(pools.get(target), f" HTTP/1.1\r\nHost: {named}\r\n".encode())


def _authority(host: str, port: int, protocol: str) -> str:
    """Host and port as a Host header has them: no default port, brackets around an IPv6 address."""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return host if port == _DEFAULT_PORTS.get(protocol) else f"{host}:{port}"
