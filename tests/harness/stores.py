"""Entities to put into stores, and stores to put them into."""

from pathlib import Path
from typing import Any

from gateline.entities import (
    Consumer,
    ConsumerGroup,
    ConsumerGroupMember,
    Entity,
    Plugin,
    Route,
    Service,
    Snapshot,
    Target,
    Upstream,
)
from gateline.store import MemoryStore, StoreOptions
from gateline.store.sql import SqlStore

__all__ = [
    "consumer",
    "filled",
    "group",
    "member",
    "plugin",
    "route",
    "service",
    "sqlite_options",
    "target",
    "upstream",
]


def service(name: str | None = None, **fields: Any) -> Service:
    return Service.parse({"name": name, "host": "h.test", **fields})


def route(to: Service | None = None, name: str | None = None, **fields: Any) -> Route:
    return Route.parse({"name": name, "paths": ["/"], "service": {"id": to.id} if to else None, **fields})


def upstream(name: str, **fields: Any) -> Upstream:
    return Upstream.parse({"name": name, **fields})


def target(of: Upstream, address: str, **fields: Any) -> Target:
    return Target.parse({"upstream": {"id": of.id}, "target": address, **fields})


def consumer(username: str | None = None, **fields: Any) -> Consumer:
    return Consumer.parse({"username": username, **fields})


def group(name: str) -> ConsumerGroup:
    return ConsumerGroup.parse({"name": name})


def member(of: ConsumerGroup, who: Consumer) -> ConsumerGroupMember:
    return ConsumerGroupMember.parse({"consumer_group": {"id": of.id}, "consumer": {"id": who.id}})


def plugin(name: str, **scope: Entity) -> Plugin:
    """A plugin that is not registered, with a scope: `service=...`, `consumer=...`."""
    row = {"id": service().id, "name": name, "created_at": 1, "updated_at": 1, "config": {}}
    return Plugin.from_wire({**row, **{field: {"id": entity.id} for field, entity in scope.items()}})


def sqlite_options(folder: Path, **others: Any) -> StoreOptions:
    return StoreOptions("sqlite", path=folder / "gateline.db", **{"poll_interval": 0.05, **others})


async def filled(store: "MemoryStore | SqlStore", *entities: Entity) -> None:
    """Put entities into a store: in one transaction, or as the snapshot that it shows."""
    if isinstance(store, MemoryStore):
        kinds: dict[str, Any] = {}
        for entity in entities:
            kinds.setdefault(entity.kind, {})[entity.id] = entity
        store.show(Snapshot(**kinds))
        return
    async with store.write() as transaction:
        await transaction.insert_many(entities)
