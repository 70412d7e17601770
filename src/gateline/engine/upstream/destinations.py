"""Where the requests of services go: a balancer over compiled targets, made from entities.

All services that name an upstream entity and speak to it in the same manner share one balancer.
"""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from gateline.engine.upstream.balancer import Balancer
from gateline.engine.upstream.choosing import Member, algorithm_for, keeps_load, watches_load
from gateline.engine.upstream.health import WELL, Health
from gateline.engine.upstream.load import Load
from gateline.engine.upstream.opening import Manner, Opening
from gateline.engine.upstream.pool import Pools
from gateline.engine.upstream.watch import Watch, WatchMaker, joined

if TYPE_CHECKING:
    from gateline.engine.upstream.gates import Gates
    from gateline.entities import Service, Upstream
    from gateline.entities import Target as TargetEntity

__all__ = ["Destinations", "Kept", "Manner", "balanced", "manner_of", "single"]

_PLAIN = {protocol: Manner(protocol) for protocol in ("http", "grpc")}


class Kept(NamedTuple):
    """What is kept of a target while it or others change: its load, where it is healthy, and a watch of each maker."""

    load: Load | None
    watches: tuple[Watch | None, ...]


_NOTHING: Mapping[str, Kept] = MappingProxyType({})


class Destinations(NamedTuple):
    """A balancer, what opens its targets, and what is kept of them, by their ids."""

    balancer: Balancer
    opening: Opening
    kept: Mapping[str, Kept]


def manner_of(service: "Service", verify: bool) -> Manner:
    """A service's manner; `verify`: whether certificates are verified where the service does not say."""
    plain = _PLAIN.get(service.protocol)
    if plain is not None:
        return plain
    own = service.tls_verify
    return Manner(service.protocol, verify if own is None else own, service.tls_verify_depth)


def single(pools: Pools, manner: Manner, host: str, port: int) -> Destinations:
    """The one target of a service whose host is no upstream entity."""
    opening = Opening(pools, manner, None)
    target = opening.target(f"{host}:{port}")
    if not target.host_line:
        opening.open(target)
    return Destinations(Balancer(only=target), opening, _NOTHING)


def balanced(
    pools: Pools,
    manner: Manner,
    upstream: "Upstream",
    entities: Iterable["TargetEntity"],
    healths: Mapping[str, Health],
    *,
    makers: Sequence[WatchMaker] = (),
    before: Mapping[str, Kept] = _NOTHING,
    gates: "Gates | None" = None,
    locality: str | None = None,
) -> Destinations:
    """The targets of an upstream entity that are healthy (`healths` by their ids; what is not there is well), or none
    when that is too little, or all where that means panic.

    Each gets the watches that `makers` make, and a gate where `gates` makes one. `before` is what was kept of them: a
    target that is not among it, or was not healthy, is new to the others and begins slowly, where the upstream says so.
    `locality` is the node's own.
    """
    ordered = sorted(entities, key=lambda entity: entity.target)
    if healths and upstream.panic_threshold is not None:
        well = [entity.weight for entity in ordered if healths.get(entity.id, WELL).serving]
        if upstream.is_in_panic(sum(well), sum([entity.weight for entity in ordered])):
            healths = {}
    keeps = keeps_load(upstream, [entity.weight for entity in ordered])
    since = monotonic() if before and upstream.slow_start else 0.0
    opening = Opening(pools, manner, upstream.host_header, srv_names=upstream.use_srv_name and not upstream.host_header)
    members = []
    kept = {}
    for entity in ordered:
        health = healths.get(entity.id, WELL)
        known = before.get(entity.id)
        load = None
        if keeps and health.serving:
            load = known.load if known is not None and known.load is not None else Load(since)
        watches = _watches(makers, upstream, entity, known)
        if watches or load is not None:
            kept[entity.id] = Kept(load, watches)
        target = None
        if health.serving:
            target = opening.target(entity.target, health.addresses)
            target.weight = entity.weight
            target.load = load
            target.gate = None if gates is None else gates.of_target(upstream, entity)
            target.watch = joined((load if watches_load(upstream) else None, *watches))
        members.append(Member(entity, target))
    return Destinations(_balancer(upstream, members, locality), opening, kept or _NOTHING)


def _watches(
    makers: Sequence[WatchMaker], upstream: "Upstream", entity: "TargetEntity", known: Kept | None
) -> tuple[Watch | None, ...]:
    """What the makers make for a target; nothing when none of them has anything to watch."""
    before = known.watches if known is not None and known.watches else (None,) * len(makers)
    watches = tuple([make(upstream, entity, one) for make, one in zip(makers, before, strict=True)])
    return watches if any(watches) else ()


def _balancer(upstream: "Upstream", members: Sequence[Member], locality: str | None) -> Balancer:
    available = sum([member.entity.weight for member in members if member.target is not None])
    if not upstream.is_healthy(available, sum([member.entity.weight for member in members])):
        return Balancer()
    return Balancer(algorithm_for(upstream, members, locality))
