"""A worker's configuration: what it was sent, what was compiled of that, and how changes get in.

A `Change` compiles what depends on the entities that it names, in slices while the worker serves, and is in force with
`commit`, which takes next to no time and cannot fail. Until then nothing is changed: a change that cannot be compiled
is simply dropped. What it costs follows from what depends on it, not from how much there is:

- a route: its places in the router;
- a service: itself and its routes;
- an upstream, a target or its health: a balancer, while services and routes stay; or the services that name the
  upstream, when it comes, goes or takes another name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gateline.engine.draft import Draft
from gateline.engine.entity_tables import KINDS, EntityTables, EntityTablesDraft
from gateline.engine.plugin_draft import Make, PluginsDraft, PluginsInForce
from gateline.engine.router import Flavor, Router, RouterBuilder, RouterEntry, UpstreamPath
from gateline.engine.runtime import CompiledRoute, CompiledService, Runtime
from gateline.engine.upstream.balancer import Balancer
from gateline.engine.upstream.destinations import Destinations, Manner, balanced, manner_of, single
from gateline.engine.upstream.health import KIND as HEALTH
from gateline.engine.upstream.health import Health, health_from_wire
from gateline.engine.upstream.pool import Pool, Pools
from gateline.engine.upstream.watch import WatchMaker

if TYPE_CHECKING:
    from gateline.engine.upstream.gates import Gates
    from gateline.entities import Plugin, Route, Service, Target, Upstream

__all__ = ["Change", "Configuration"]

_STEP = 16
"""So many entities are compiled between two steps."""


class _Shared(NamedTuple):
    """An upstream entity's destinations in one manner, and how many services use them."""

    destinations: Destinations
    users: int


class _Service(NamedTuple):
    """A compiled service with destinations of its own, or with those of an upstream entity (its id)."""

    compiled: CompiledService
    manner: Manner
    own: Destinations | None
    upstream: str
    path: str | None


class Configuration:
    """What is in force in a worker. Changes are prepared one after the other."""

    def __init__(
        self,
        flavor: Flavor,
        pools: Pools,
        *,
        verify_upstreams: bool = False,
        make_plugin: Make | None = None,
        watch_makers: Sequence[WatchMaker] = (),
        gates: "Gates | None" = None,
        locality: str | None = None,
    ) -> None:
        self.flavor: Flavor = flavor
        self.pools = pools
        self.verify_upstreams = verify_upstreams
        self.watch_makers = tuple(watch_makers)
        """They make the watches of upstreams' targets."""
        self.gates = gates
        """Makes the gates of targets and services."""
        self.locality = locality
        """Where the node is: targets of the same locality come first."""
        self.plugins = PluginsInForce(make_plugin or _no_plugins)
        self.runtime = Runtime(0, "", Router())
        self.tables = EntityTables()
        self.services: dict[str, _Service] = {}
        """The services that are enabled."""
        self.shared: dict[str, dict[Manner, _Shared]] = {}
        """By upstream."""
        self.router_entries: dict[str, RouterEntry] = {}
        """By route."""
        self.pool_users: dict[Pool, int] = {}
        """How many destinations have the pool."""
        self.healths: dict[str, Health] = {}
        """By target, where it is not as good as can be."""

    @property
    def entities(self) -> Mapping[str, Mapping[str, Any]]:
        """What the worker was sent, by kind and id."""
        return self.tables.by_kind


def _no_plugins(entity: "Plugin") -> Any:
    raise LookupError(f"there is no plugin '{entity.name}'")


class Change:
    """A change of a configuration. Exhaust `steps`, then `commit`, then `release` when there is time for it.

    `put` are entities in their wire form, trusted, and `delete` ids, by kind; the lists of rows are emptied as they are
    read. A `full` change leaves nothing else.
    """

    def __init__(
        self,
        configuration: Configuration,
        version: int,
        config_hash: str,
        *,
        put: Mapping[str, list[dict[str, Any]]],
        delete: Mapping[str, Sequence[str]],
        full: bool = False,
    ) -> None:
        self._configuration = configuration
        self._version = version
        self._hash = config_hash
        self._sent = put, delete, full
        self._tables = EntityTablesDraft(configuration.tables)
        self._services = Draft(configuration.services)
        self._shared = Draft(configuration.shared)
        self._entries = Draft(configuration.router_entries)
        self._pool_users = Draft(configuration.pool_users)
        self._healths = Draft(configuration.healths)
        self._router = RouterBuilder(configuration.flavor, configuration.runtime.router)
        self._plugins = PluginsDraft(configuration.plugins)
        self._rebalanced: list[tuple[Balancer, Balancer]] = []
        self._unused: list[Pool] = []
        self._runtime: Runtime | None = None

    def changed(self, *kinds: str) -> int:
        """How many entities of these kinds change, all kinds if none is named."""
        return sum(self._tables.changed(kind) for kind in kinds or KINDS)

    def steps(self) -> Iterator[None]:
        """The work, in slices of well under a millisecond: others may have their turn between two of them.

        Raises `RouteError` for a route that cannot be compiled, `UnusablePluginError` for such a plugin.
        """
        put, delete, full = self._sent
        try:
            yield from self._tables.read(put, delete, full=full)
            yield from self._read_healths(put.get(HEALTH, ()), delete.get(HEALTH, ()), full=full)
            yield from self._balance_upstreams()
            yield from self._compile_services()
            yield from self._compile_routes()
            yield from self._plugins.compile(self._tables.plugins, self._tables.by_kind["plugins"])
            yield from self._router.steps()
            for draft in self._drafts():
                yield from draft.steps()
            shortest = self._tables.shortest_timeout()
            self._runtime = Runtime(self._version, self._hash, self._router.build(), shortest)
        finally:
            if self._runtime is None:  # nobody will use what was made for it
                self._plugins.dropped()
                self._configuration.pools.retire([pool.target for pool in self._pool_users.news()])

    def commit(self) -> Runtime:
        """Put the change in force: the configuration's new runtime."""
        assert self._runtime is not None, "the steps are not exhausted"  # noqa: S101
        configuration = self._configuration
        for balancer, fresh in self._rebalanced:
            balancer.take_over(fresh)
        self._unused = list(self._pool_users.gone())
        self._tables.commit()
        configuration.services = self._services.commit()
        configuration.shared = self._shared.commit()
        configuration.router_entries = self._entries.commit()
        configuration.pool_users = self._pool_users.commit()
        self._runtime.plugins = self._plugins.commit()
        configuration.healths = self._healths.commit()
        configuration.runtime = self._runtime
        return self._runtime

    def release(self) -> Iterator[None]:
        """After `commit`: retire pools and let go of what else is not used any more.

        Also in slices, as freeing much takes long, too. There is no other change before this has come to its end.
        """
        self._rebalanced = []
        self._plugins.release()
        pools = self._configuration.pools
        while self._unused:
            pools.retire([pool.target for pool in self._unused[-_STEP:]])
            del self._unused[-_STEP:]
            yield
        yield from self._router.release()
        for draft in self._drafts():
            yield from draft.release()

    def _drafts(self) -> list[Draft[Any, Any]]:
        own = (self._entries, self._services, self._shared, self._pool_users, self._healths)
        return [*own, *self._tables.drafts(), *self._plugins.drafts()]

    # -- health ----------------------------------------------------------------------------------------------------
    def _read_healths(
        self, rows: Sequence[Mapping[str, Any]], recovered: Sequence[str], *, full: bool
    ) -> Iterator[None]:
        """Take in what is known of targets; their upstreams are balanced anew."""
        told = {row["id"]: health_from_wire(row) for row in rows}
        others = list(self._configuration.healths) if full else recovered
        news: dict[str, Health | None] = {**dict.fromkeys(others), **told}
        for place, (one, now) in enumerate(news.items()):
            if self._healths.get(one) == now:
                continue
            self._healths.put(one, now)
            target: Target | None = self._tables.by_kind["targets"].get(one)
            if target is not None:
                self._tables.upstreams[target.upstream.id] = None
            if place % _STEP == _STEP - 1:
                yield

    # -- upstreams -------------------------------------------------------------------------------------------------
    def _balance_upstreams(self) -> Iterator[None]:
        """Other turns for the balancers of upstreams of which the targets have changed."""
        for one in self._tables.upstreams:
            upstream = self._tables.by_kind["upstreams"].get(one)
            known = self._shared.get(one)
            if upstream is None or known is None:
                continue
            changed = {}
            for manner, shared in known.items():
                balancer = shared.destinations.balancer
                fresh = self._balanced(upstream, manner, shared.destinations)
                self._rebalanced.append((balancer, fresh.balancer))
                self._count(shared.destinations, -1)
                changed[manner] = _Shared(fresh._replace(balancer=balancer), shared.users)
                yield
            self._shared.put(one, changed)

    def _balanced(self, upstream: "Upstream", manner: Manner, before: Destinations | None = None) -> Destinations:
        members = self._tables.targets_of(upstream.id)
        healths = {member.id: now for member in members if (now := self._healths.get(member.id)) is not None}
        configuration = self._configuration
        destinations = balanced(
            configuration.pools,
            manner,
            upstream,
            members,
            healths,
            makers=configuration.watch_makers,
            before={} if before is None else before.kept,
            gates=configuration.gates,
            locality=configuration.locality,
        )
        self._count(destinations, 1)
        return destinations

    # -- services --------------------------------------------------------------------------------------------------
    def _compile_services(self) -> Iterator[None]:
        services: Draft[str, Service] = self._tables.by_kind["services"]
        for place, one in enumerate(self._tables.services):
            service = services.get(one)
            before = self._services.get(one)
            if service is not None and service.enabled:
                self._services.put(one, self._compile_service(service, before))
            elif before is not None:
                self._services.put(one, None)
            if before is not None:
                self._drop(before)
            for route in self._tables.routes_of(one):
                self._tables.routes[route] = None
            if place % _STEP == _STEP - 1:
                yield

    def _compile_service(self, service: "Service", before: _Service | None) -> _Service:
        load = None if before is None else before.compiled.load
        pools = self._configuration.pools
        manner = manner_of(service, self._configuration.verify_upstreams)
        gates = self._configuration.gates
        gate = None if gates is None else gates.of_service(service)
        upstream = self._tables.upstream_named(service.host)
        if upstream is None:
            own = single(pools, manner, service.host, service.port)
            self._count(own, 1)
            return _Service(CompiledService(service, own.balancer, False, load, gate), manner, own, "", service.path)
        in_use = self._shared.get(upstream.id) or {}
        shared = in_use.get(manner) or _Shared(self._balanced(upstream, manner), 0)
        self._shared.put(upstream.id, {**in_use, manner: shared._replace(users=shared.users + 1)})
        return _Service(
            CompiledService(service, shared.destinations.balancer, True, load, gate),
            manner,
            None,
            upstream.id,
            service.path,
        )

    def _drop(self, service: _Service) -> None:
        """A compiled service does not use its destinations any more."""
        if service.own is not None:
            self._count(service.own, -1)
            return
        in_use = dict(self._shared.get(service.upstream) or {})
        shared = in_use.pop(service.manner)
        if shared.users > 1:
            in_use[service.manner] = shared._replace(users=shared.users - 1)
        else:
            self._count(shared.destinations, -1)
        self._shared.put(service.upstream, in_use or None)

    def _count(self, destinations: Destinations, change: int) -> None:
        users = self._pool_users
        for pool in destinations.pools:
            users.put(pool, ((users.get(pool) or 0) + change) or None)

    # -- routes ----------------------------------------------------------------------------------------------------
    def _compile_routes(self) -> Iterator[None]:
        routes: Draft[str, Route] = self._tables.by_kind["routes"]
        for place, one in enumerate(self._tables.routes):
            before = self._entries.get(one)
            if before is not None:
                self._router.remove(before)
            route = routes.get(one)
            entry = None if route is None else self._entry(route)
            if entry is not None or before is not None:
                self._entries.put(one, entry)
            if place % _STEP == _STEP - 1:
                yield

    def _entry(self, route: "Route") -> RouterEntry | None:
        """Add a route to the router; None where its service is disabled."""
        compiled = None
        path = None
        if route.service is not None:
            service = self._services.get(route.service.id)
            if service is None:
                return None
            compiled = service.compiled
            path = service.path
        handling = route.path_handling if self._configuration.flavor == "traditional" else "v0"
        return self._router.add(route, CompiledRoute(route, compiled, UpstreamPath(path, route.strip_path, handling)))
