"""The entities that a worker was sent, who refers to whom, and what a change of some of them concerns."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gateline.engine.draft import Draft, Ids, IdsDraft
from gateline.entities import Reference, Target, kinds

if TYPE_CHECKING:
    from gateline.entities import Entity, Plugin, Route, Service, Upstream

__all__ = ["KINDS", "PACKED", "EntityTables", "EntityTablesDraft", "pack", "taken"]

KINDS = ("services", "routes", "upstreams", "targets", "certificates", "snis", "plugins")
"""The kinds of entities that a worker keeps; it has no use for others."""

_STEP = 16
"""So many entities are read between two steps."""

_PIECE = 64
"""So many rows are packed together."""

_PARENTS = {"routes": "service", "targets": "upstream"}
"""What points to an entity of a kind that is read before."""
_WORD = 24
"""Characters that a word has at most."""

_SHARED = {"targets": "upstream", "upstreams": "healthchecks"}


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[dict[str, Any]]).decode


PACKED = frozenset({"services", "routes", "upstreams", "targets"})
"""Kinds of which there can be very many."""


def pack(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Rows in the form in which many of them wait to be read: it takes a third of the memory, in pieces that the system
    gets back and that are not much each when they are read."""
    return [_pack(rows[start : start + _PIECE]) for start in range(0, len(rows), _PIECE)]


def taken(rows: list[Any]) -> Iterator[dict[str, Any]]:
    """The rows of a list, packed or not, taken out of it: keeping all of them to the end would be a second copy."""
    rows.reverse()
    while rows:
        row = rows.pop()
        if isinstance(row, bytes):
            yield from taken(_unpack(row))
        else:
            yield row


class EntityTables:
    """The entities by kind and id, and indexes of them."""

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self.upstream_ids: dict[str, str] = {}
        """By the upstreams' names."""
        self.targets_of: dict[str, Ids] = {}
        """The ids of targets by upstream."""
        self.services_at: dict[str, Ids] = {}
        """The ids of services by host."""
        self.routes_of: dict[str, Ids] = {}
        """The ids of routes by service."""
        self.timeouts: dict[int, int] = {}
        """How many services have this shortest timeout, in milliseconds."""


class EntityTablesDraft:
    """The tables with a change in preparation, and the ids of what must be compiled again for it."""

    def __init__(self, tables: EntityTables) -> None:
        self._tables = tables
        self.by_kind: dict[str, Draft[str, Any]] = {kind: Draft(tables.by_kind[kind]) for kind in KINDS}
        self._upstream_ids = Draft(tables.upstream_ids)
        self._targets_of = IdsDraft(tables.targets_of)
        self._services_at = IdsDraft(tables.services_at)
        self._routes_of = IdsDraft(tables.routes_of)
        self._timeouts = Draft(tables.timeouts)
        self._timeout_counts: Counter[int] = Counter()
        self._renamed: set[str] = set()
        self.services: dict[str, None] = {}
        """Ids of services, in the order in which they came, that are new, other or gone, or lead elsewhere."""
        self.routes: dict[str, None] = {}
        """Ids of routes that are new, other or gone."""
        self.plugins: dict[str, None] = {}
        """Ids of plugins that are new, other or gone."""
        self.upstreams: dict[str, None] = {}
        """Ids of upstreams that are new, other or gone, or have other targets."""

    def read(self, put: Mapping[str, list[Any]], delete: Mapping[str, Sequence[str]], *, full: bool) -> Iterator[None]:
        """Take in entities in their wire form, packed or not, and ids of deleted ones, by kind.

        `full`: there is nothing else.

        The rows are taken out of `put` as they are read.
        """
        ids: dict[str, str] = {}
        for kind in KINDS:
            rows = put.get(kind, [])
            table = self.by_kind[kind]
            model = kinds()[kind]
            note = self._notes().get(kind)
            others = self._tables.by_kind[kind] if full else delete.get(kind, ())
            there: set[str] = set()
            alike = _Alike(kind, ids)
            for place, row in enumerate(taken(rows)):
                if place % _STEP == _STEP - 1:
                    yield
                entity: Any = model.from_wire(row)
                alike.share(entity, row)
                if isinstance(entity, Target):
                    entity = KeptTarget(entity)
                if others:
                    there.add(entity.id)
                before = table.get(entity.id)
                if before is None or _differs(before, entity):
                    table.put(entity.id, entity)
                    if note is not None:
                        note(before, entity)
            for place, one in enumerate(others):
                if place % _STEP == _STEP - 1:
                    yield
                before = table.get(one)
                if before is not None and one not in there:
                    table.put(one, None)
                    if note is not None:
                        note(before, None)
        self._note_names()
        for name in self._renamed:
            for one in self._services_at.of(name):
                self.services[one] = None
        for timeout, count in self._timeout_counts.items():
            self._timeouts.put(timeout, ((self._timeouts.get(timeout) or 0) + count) or None)
        yield

    def upstream_named(self, name: str) -> "Upstream | None":
        """The upstream of that name."""
        one = self._upstream_ids.get(name)
        return None if one is None else self.by_kind["upstreams"].get(one)

    def targets_of(self, upstream: str) -> list["Target"]:
        """The targets of an upstream."""
        table = self.by_kind["targets"]
        return [target for one in self._targets_of.of(upstream) if (target := table.get(one)) is not None]

    def services_at(self, host: str) -> Collection[str]:
        """The ids of the services that name this host."""
        return self._services_at.of(host)

    def routes_of(self, service: str) -> Collection[str]:
        """The ids of the routes of a service."""
        return self._routes_of.of(service)

    def shortest_timeout(self) -> float:
        """The shortest timeout of all services, in seconds."""
        return min(self._timeouts.keys(), default=60000) / 1000

    def changed(self, kind: str) -> int:
        """How many entities of this kind change."""
        return len(self.by_kind[kind].changed)

    def drafts(self) -> list[Draft[Any, Any]]:
        """The drafts of all tables."""
        indexes = (self._upstream_ids, self._targets_of, self._services_at, self._routes_of, self._timeouts)
        return [*self.by_kind.values(), *indexes]

    def commit(self) -> None:
        """Change the tables."""
        tables = self._tables
        tables.by_kind = {kind: draft.commit() for kind, draft in self.by_kind.items()}
        tables.upstream_ids = self._upstream_ids.commit()
        tables.targets_of = self._targets_of.commit()
        tables.services_at = self._services_at.commit()
        tables.routes_of = self._routes_of.commit()
        tables.timeouts = self._timeouts.commit()

    def _notes(self) -> dict[str, Callable[[Any, Any], None]]:
        """What to do, by kind, with an entity that was and what it is now (None: was not there, is gone)."""
        return {
            "services": self._note_service,
            "routes": self._note_route,
            "upstreams": self._note_upstream,
            "targets": self._note_target,
            "plugins": self._note_plugin,
        }

    def _note_service(self, before: "Service | None", now: "Service | None") -> None:
        if before is not None:
            self._services_at.discard(before.host, before.id)
            self._timeout_counts[_shortest_timeout(before)] -= 1
            self.services[before.id] = None
        if now is not None:
            self._services_at.add(now.host, now.id)
            self._timeout_counts[_shortest_timeout(now)] += 1
            self.services[now.id] = None

    def _note_route(self, before: "Route | None", now: "Route | None") -> None:
        if before is not None:
            self.routes[before.id] = None
            if before.service is not None:
                self._routes_of.discard(before.service.id, before.id)
        if now is not None:
            self.routes[now.id] = None
            if now.service is not None:
                self._routes_of.add(now.service.id, now.id)

    def _note_upstream(self, before: "Upstream | None", now: "Upstream | None") -> None:
        if before is not None:
            self.upstreams[before.id] = None
        if now is not None:
            self.upstreams[now.id] = None

    def _note_names(self) -> None:
        """Bring the names of upstreams up to date, first those that go, as others may take them over."""
        come = {}
        for one, upstream in self.by_kind["upstreams"].changed.items():
            before = self._tables.by_kind["upstreams"].get(one)
            name = None if upstream is None else upstream.name
            if before is not None and before.name != name:
                self._renamed.add(before.name)
                self._upstream_ids.put(before.name, None)
            if name is not None and (before is None or before.name != name):
                come[name] = one
        for name, one in come.items():
            self._renamed.add(name)
            self._upstream_ids.put(name, one)

    def _note_target(self, before: "Target | None", now: "Target | None") -> None:
        if before is not None:
            self.upstreams[before.upstream.id] = None
            self._targets_of.discard(before.upstream.id, before.id)
        if now is not None:
            self.upstreams[now.upstream.id] = None
            self._targets_of.add(now.upstream.id, now.id)

    def _note_plugin(self, before: "Plugin | None", now: "Plugin | None") -> None:
        for one in (before, now):
            if one is not None:
                self.plugins[one.id] = None


class KeptTarget:
    """A target with all that a worker needs of it, in less than half of the memory: without its times."""

    __slots__ = tuple([name for name in Target.model_fields if not name.endswith("_at")])

    def __init__(self, target: Target) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(target, name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeptTarget) and not _differs(self, other)

    def __hash__(self) -> int:
        return hash(self.id)  # type: ignore[attr-defined]  # a target has one


def _differs(before: Any, now: Any) -> bool:
    if isinstance(now, KeptTarget):
        return any(getattr(before, name) != getattr(now, name) for name in KeptTarget.__slots__)
    return bool(vars(before) != vars(now))


class _Alike:
    """Keeps once what is the same in many entities of a kind that a change brings: 50,000 targets are too many for a
    reference each, and 5,000 upstreams for the same twenty words."""

    def __init__(self, kind: str, ids: dict[str, str]) -> None:
        self._field = _SHARED.get(kind)
        self._ids = ids
        self._parent = _PARENTS.get(kind)
        self._known: dict[bytes, Any] = {}
        self._words: dict[str, str] | None = None if kind == "targets" else {}

    def share(self, entity: "Entity", row: Mapping[str, Any]) -> None:
        """Let the entity, which was made of the row, have what an earlier one has."""
        held = vars(entity)
        parent = self._parent
        if parent is None:
            self._ids[entity.id] = entity.id
        elif held[parent] is not None:
            held[parent] = Reference(self._ids.get(held[parent].id, held[parent].id))
        field = self._field
        if field is not None:
            held[field] = self._known.setdefault(msgspec.json.encode(row.get(field)), held[field])
        words = self._words
        if words is not None:
            for name, value in held.items():
                if type(value) is str and len(value) <= _WORD:
                    held[name] = words.setdefault(value, value)


def _shortest_timeout(service: "Service") -> int:
    return min(service.connect_timeout, service.read_timeout, service.write_timeout)
