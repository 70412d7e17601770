"""The plugins of a request, compiled: which of the configured ones run, in which order, phase by phase.

A `PluginSet` holds every plugin that is in force. For a route and a protocol it gives a `Chain`: flat tuples of steps,
scoping already resolved, worked out when the route is asked for first and kept as long as the set. Once it is known who
sends a request, `Chain.personal` gives the chain with the configurations of that consumer and its groups; where there
are none it is the same object. Of each plugin name the one with the most specific scope runs (`RANKS`); plugins run by
priority, the higher first, equal ones by name from z to a, unless an entity's `ordering` says otherwise.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from gateline.pdk.plugin import PHASES, Plugin

if TYPE_CHECKING:
    from gateline.entities import Plugin as PluginEntity
    from gateline.pdk.identity import Identity

__all__ = ["RANKS", "Chain", "InForce", "OrderingError", "PluginSet", "Step", "ordered", "scope_key"]

_log = logging.getLogger(__name__)

RANKS = {
    ("consumer", "route", "service"): 12,
    ("consumer_group", "route", "service"): 11,
    ("consumer", "route"): 10,
    ("consumer", "service"): 9,
    ("consumer_group", "route"): 8,
    ("consumer_group", "service"): 7,
    ("route", "service"): 6,
    ("consumer",): 5,
    ("consumer_group",): 4,
    ("route",): 3,
    ("service",): 2,
    (): 1,
}
"""Scopes (in the order of the alphabet), the most specific with the highest number. Source: Kong."""

PERSONAL_LIMIT = 4096
"""So many chains of consumers a route's chain remembers."""

_SCOPES = ("consumer", "consumer_group", "route", "service")
_KINDS = {"consumer": "c", "consumer_group": "g", "route": "r", "service": "s"}


class OrderingError(ValueError):
    """Plugins cannot be brought in an order: each of some must run before another of them."""


class InForce:
    """A plugin entity in force: its instance, and where it applies."""

    __slots__ = ("entity", "name", "ordering", "plugin", "priority", "protocols", "rank", "scopes")

    def __init__(self, entity: "PluginEntity", plugin: Plugin[Any]) -> None:
        self.entity = entity
        self.plugin = plugin
        self.name = entity.name
        self.priority = plugin.priority
        self.protocols = frozenset(entity.protocols)
        self.ordering = entity.ordering
        self.scopes: dict[str, str] = {
            scope: reference.id for scope in _SCOPES if (reference := getattr(entity, scope)) is not None
        }
        self.rank = RANKS.get(tuple(self.scopes), 13)  # a consumer and a group at once is more specific still

    def fits(self, route: str, service: str) -> bool:
        """Whether its route and its service, where it has them, are these."""
        scopes = self.scopes
        return scopes.get("route", route) == route and scopes.get("service", service) == service


class Step:
    """One plugin in one phase. `reads`: it has a say in whether bodies are kept for it."""

    __slots__ = ("call", "coroutine", "name", "plugin", "reads")

    def __init__(self, phase: str, one: InForce) -> None:
        self.plugin = one.plugin
        self.name = one.name
        self.call = getattr(one.plugin, phase)
        self.coroutine = iscoroutinefunction(self.call)
        asked = "reads_request" if phase == "access" else "reads_response"
        self.reads = getattr(type(one.plugin), asked) is not getattr(Plugin, asked)
        if phase == "access":
            self.reads = self.reads and one.plugin.needs_bodies


class Chain:
    """The steps of each phase for the requests of one route.

    `filters`: some step has a say in answers. `empty`: no step has anything to do with the route's requests.
    """

    __slots__ = (
        "_base",
        "_personal",
        "_protocol",
        "_route",
        "_service",
        "access",
        "body_filter",
        "certificate",
        "empty",
        "filters",
        "header_filter",
        "log",
        "order",
        "plugins",
        "response",
        "rewrite",
    )

    def __init__(
        self,
        plugins: "PluginSet",
        chosen: Sequence[InForce],
        *,
        route: str,
        service: str,
        protocol: str,
        base: "Chain | None" = None,
    ) -> None:
        self.plugins = plugins
        self._route = route
        self._service = service
        self._protocol = protocol
        self._base = base
        self._personal: dict[object, Chain] = {}
        self.order = {one.name: place for place, one in enumerate(_in_order(chosen, "access"))}
        self.certificate = _steps("certificate", chosen)
        self.rewrite = _steps("rewrite", chosen)
        self.access = _steps("access", chosen)
        self.response = _steps("response", chosen)
        self.header_filter = _steps("header_filter", chosen)
        self.body_filter = _steps("body_filter", chosen)
        self.log = _steps("log", chosen)
        self.filters = bool(self.response or self.header_filter or self.body_filter)
        self.empty = not (self.filters or self.access or self.log)

    def personal(self, identity: "Identity") -> "Chain":
        """The chain for requests of the route from that consumer and its groups."""
        base = self if self._base is None else self._base
        consumer = identity.consumer
        return base if consumer is None else base.for_people(consumer.id, consumer.group_ids)

    def for_people(self, consumer: str, groups: tuple[str, ...]) -> "Chain":
        """The chain for requests of the route from a consumer with these groups; all are ids."""
        if not self.plugins.personal:
            return self
        key = (consumer, groups)
        known = self._personal.get(key)
        if known is None:
            known = self._made_for(consumer, groups)
            if len(self._personal) >= PERSONAL_LIMIT:
                self._personal.clear()
            self._personal[key] = known
        return known

    def after(self, name: str) -> int:
        """The place of the first step in `access` that comes after the plugin of that name."""
        order = self.order
        place = order.get(name, -1)
        for index, step in enumerate(self.access):
            if order[step.name] > place:
                return index
        return len(self.access)

    def _made_for(self, consumer: str, groups: Collection[str]) -> "Chain":
        plugins = self.plugins
        keys = [f"c:{consumer}", *(f"g:{group}" for group in groups)]
        if not any(plugins.has(key) for key in keys):
            return self
        chosen = plugins.chosen(keys, self._route, self._service, self._protocol, {consumer, *groups})
        return Chain(plugins, chosen, route=self._route, service=self._service, protocol=self._protocol, base=self)


class PluginSet:
    """All plugins in force, found by where they apply (`scope_key`).

    `by_key`: key → the id, or the ids, of plugin entities. What is given is not copied.
    """

    __slots__ = ("_by_key", "_in_force", "certificates", "everywhere", "everywhere_tls", "personal", "rewrites")

    def __init__(self, in_force: Mapping[str, InForce], by_key: Mapping[str, str | Collection[str]]) -> None:
        self._in_force = in_force
        self._by_key = by_key
        self.personal = any(key.startswith(("c:", "g:")) for key in by_key)
        """Whether a plugin is configured for a consumer or a group."""
        self.everywhere = self.chain("", "", "http")
        """The chain of requests without a route."""
        self.everywhere_tls = self.chain("", "", "https")
        self.rewrites = bool(self.everywhere.rewrite or self.everywhere_tls.rewrite)
        self.certificates = self.everywhere_tls.certificate

    def chain(self, route: str, service: str, protocol: str) -> Chain:
        """The chain of a route's requests before it is known who sends them."""
        chosen = self.chosen([], route, service, protocol, ())
        return Chain(self, chosen, route=route, service=service, protocol=protocol)

    def has(self, key: str) -> bool:
        """Whether some plugin has this key."""
        return key in self._by_key

    def chosen(
        self, keys: Iterable[str], route: str, service: str, protocol: str, people: Collection[str]
    ) -> list[InForce]:
        """Of each plugin the one that runs, for the route, its service and the further keys, unordered.

        `people` are the ids of consumer and groups that count.
        """
        best: dict[str, InForce] = {}
        for key in ("", f"s:{service}", f"r:{route}", *keys):
            for one in self._at(key):
                if protocol not in one.protocols or not one.fits(route, service):
                    continue
                if any(one.scopes.get(scope, None) not in (None, *people) for scope in ("consumer", "consumer_group")):
                    continue
                known = best.get(one.name)
                if known is None or known.rank < one.rank:
                    best[one.name] = one
        return list(best.values())

    def _at(self, key: str) -> list[InForce]:
        ids = self._by_key.get(key)
        if ids is None:
            return []
        return [
            self._in_force[one] for one in ((ids,) if isinstance(ids, str) else sorted(ids)) if one in self._in_force
        ]


def scope_key(entity: "PluginEntity") -> str:
    """Where a plugin is looked for: its consumer, else its group, its route, its service, else everywhere."""
    for scope in _SCOPES:
        reference = getattr(entity, scope)
        if reference is not None:
            return f"{_KINDS[scope]}:{reference.id}"
    return ""


def ordered(plugins: Iterable[InForce], phase: str) -> list[InForce]:
    """In the order in which they run. Raises OrderingError for `ordering`s that cannot all be kept."""
    order = _by_priority(plugins)
    before = _edges(order, phase)
    if not before:
        return order
    waiting = list(order)
    done: list[InForce] = []
    while waiting:
        names = {one.name for one in waiting}
        free = next((one for one in waiting if before.get(one.name, set()).isdisjoint(names)), None)
        if free is None:
            raise OrderingError(
                f"plugins {', '.join(sorted(names))} cannot be ordered in {phase}: each must run before another of them"
            )
        waiting.remove(free)
        done.append(free)
    return done


def _by_priority(plugins: Iterable[InForce]) -> list[InForce]:
    return sorted(plugins, key=lambda one: (one.priority, one.name), reverse=True)


def _edges(plugins: Sequence[InForce], phase: str) -> dict[str, set[str]]:
    """Name → names of the plugins that must run before it, where an entity's ordering says so."""
    names = {one.name for one in plugins}
    before: dict[str, set[str]] = {}
    for one in plugins:
        if one.ordering is None:
            continue
        for later in (one.ordering.before or {}).get(phase, ()):
            if later in names:
                before.setdefault(later, set()).add(one.name)
        for earlier in (one.ordering.after or {}).get(phase, ()):
            if earlier in names:
                before.setdefault(one.name, set()).add(earlier)
    return before


def _steps(phase: str, plugins: Sequence[InForce]) -> tuple[Step, ...]:
    assert phase in PHASES  # noqa: S101 - ours
    there = [one for one in plugins if hasattr(one.plugin, phase)]
    return tuple([Step(phase, one) for one in _in_order(there, phase)])


def _in_order(plugins: Sequence[InForce], phase: str) -> list[InForce]:
    """As `ordered`; where that cannot be, by priority alone."""
    try:
        return ordered(plugins, phase)
    except OrderingError as error:
        _log.error("%s; they run by priority", error)
        return _by_priority(plugins)
