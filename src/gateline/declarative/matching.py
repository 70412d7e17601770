"""Which entity of a file is which one of a store.

A file need not know the ids that a store gave. An entity whose id was left out, and so derived, is the stored one of
the same name or of the same unique fields; one without any is the stored one that says the same. It takes over that id.
"""

from collections.abc import Mapping
from typing import Any

from gateline.declarative.identity import base_key, content_key, derived_id
from gateline.entities import Entity, Reference, Snapshot, foreign_fields, kinds
from gateline.entities.sealing import digest_of


def matched(old: Snapshot, new: Snapshot) -> Snapshot:
    """The new configuration with the old one's ids, for what is the same in both."""
    ids: dict[str, dict[str, str]] = {}
    made: dict[str, dict[str, Entity]] = {}
    for kind in kinds():
        ids[kind], made[kind] = _matched_kind(kind, old.kind(kind), new.kind(kind), ids)
    return Snapshot(hash=new.hash, **made)


def _matched_kind(
    kind: str, old: Mapping[str, Entity], new: Mapping[str, Entity], ids: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, str], dict[str, Entity]]:
    """(id → the id that it becomes, entities by that id)."""
    references = [(foreign.field, foreign.to.kind) for foreign in foreign_fields(kind)]
    taken: dict[str, str] = {}
    made: dict[str, Entity] = {}
    free: dict[str, list[str]] | None = None
    for identity, entity in new.items():
        values = _pointing(entity, references, ids)
        if identity not in old and _is_derived(entity):
            if free is None:
                free = _by_key(kind, old, new)
            candidates = free.get(_key(kinds()[kind], values))
            if candidates:
                taken[identity] = values["id"] = candidates.pop(0)
        made[values["id"]] = entity if values is entity.__dict__ else type(entity).built(values)
    return taken, made


def _pointing(
    entity: Entity, references: list[tuple[str, str]], ids: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The entity's values, in which references point to the ids that their targets have become."""
    values = dict(entity.__dict__)
    for field, target in references:
        to = values[field]
        if isinstance(to, Reference) and to.id in ids.get(target, {}):
            values[field] = Reference(ids[target][to.id])
    return values


def _is_derived(entity: Entity) -> bool:
    key, named = base_key(type(entity), entity.__dict__)
    return not named or entity.id == derived_id(entity.kind, key)


def _by_key(kind: str, old: Mapping[str, Entity], new: Mapping[str, Entity]) -> dict[str, list[str]]:
    """Key → ids of the old entities that no new one names by its id."""
    found: dict[str, list[str]] = {}
    for identity, entity in old.items():
        if identity not in new:
            found.setdefault(_key(kinds()[kind], entity.__dict__), []).append(identity)
    return found


def _key(entity: type[Entity], values: Mapping[str, Any]) -> str:
    secret = entity.endpoint_key
    if (
        secret is not None and secret in entity.secrets and values[secret] is not None
    ):  # it may be hashed in one of the two
        return digest_of(entity.kind, secret, values[secret]).hex()
    key, named = base_key(entity, values)
    return key if named else content_key(values)
