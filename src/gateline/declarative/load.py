"""A declarative configuration to a snapshot, or to one error that tells everything that is wrong with it.

Two passes: entities by themselves (`collecting`), then together (`linking`). Kong tells violations of the schema first
and looks at references and uniqueness only when there are none; the error's `fields` follow it, while its `problems`
hold all at once.
"""

import time
from collections.abc import Sequence
from hashlib import md5
from typing import Any

from gateline.declarative.collecting import FORMAT_VERSIONS, Collection
from gateline.declarative.items import Source
from gateline.declarative.linking import Linking
from gateline.declarative.report import refusal
from gateline.entities import Entity, Snapshot

__all__ = ["FORMAT_VERSIONS", "digest_of", "snapshot_of"]


def snapshot_of(
    sources: Sequence[Source],
    *,
    digest: str,
    router_flavor: str,
    now: float | None = None,
    previous: Snapshot | None = None,
) -> Snapshot:
    """Make the snapshot that the documents together describe. Raises `DeclarativeError`."""
    collection = Collection(router_flavor)
    for source in sources:
        collection.collect(source)
    late = Linking(collection).run()
    if collection.keys or collection.shapes or collection.broken or late:
        raise refusal(collection.keys, collection.shapes, collection.broken, late)
    return _snapshot(collection, digest, time.time() if now is None else now, previous)


def digest_of(text: str | bytes) -> str:
    """The hash of a configuration: md5 of its text, 32 hex digits, as Kong reports it."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return md5(data, usedforsecurity=False).hexdigest()


def _snapshot(collection: Collection, digest: str, now: float, previous: Snapshot | None) -> Snapshot:
    """The entities. One that says the same as in the previous snapshot keeps its timestamps from there."""
    made: dict[str, dict[str, Entity]] = {}
    for kind, items in collection.items.items():
        before = previous.kind(kind) if previous else {}
        made[kind] = rows = {}
        for item in items:
            values = item.values
            identity = values["id"]
            old = before.get(identity)
            if old is not None:
                _keep_times(values, old)
            rows[identity] = item.entity.completed(values, now=now)
    return Snapshot(hash=digest, **made)


def _keep_times(values: dict[str, Any], old: Entity) -> None:
    if values["created_at"] is None:
        values["created_at"] = old.created_at
    if values["updated_at"] is None:
        held = old.__dict__
        if all(held[name] == value for name, value in values.items() if name != "updated_at"):
            values["updated_at"] = old.updated_at
