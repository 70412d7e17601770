"""Part of a configuration: the entities that have certain tags, so that several teams may share one gateway."""

from collections.abc import Collection

from gateline.entities import Entity, Reference, Snapshot, foreign_fields, kinds, schema_of


def select(snapshot: Snapshot, tags: Collection[str]) -> Snapshot:
    """The entities that have all the tags; without tags, everything.

    An entity that cannot have tags (a membership) goes with what it points to.
    """
    if not tags:
        return snapshot
    wanted = set(tags)
    chosen: dict[str, dict[str, Entity]] = {}
    for kind in kinds():
        rows = snapshot.kind(kind)
        if takes_tags(kind):
            chosen[kind] = {id_: row for id_, row in rows.items() if wanted.issubset(getattr(row, "tags", None) or ())}
        else:
            chosen[kind] = {id_: row for id_, row in rows.items() if _has_parents(row, chosen)}
    return Snapshot(hash=snapshot.hash, **chosen)


def tagged(snapshot: Snapshot, tags: Collection[str]) -> Snapshot:
    """The same entities, each with these tags added to its own."""
    if not tags:
        return snapshot
    made: dict[str, dict[str, Entity]] = {}
    for kind in kinds():
        rows = snapshot.kind(kind)
        made[kind] = {id_: _with_tags(row, tags) for id_, row in rows.items()} if takes_tags(kind) else dict(rows)
    return Snapshot(hash=snapshot.hash, **made)


def takes_tags(kind: str) -> bool:
    """Whether entities of a kind can have tags."""
    return "tags" in schema_of(kinds()[kind]).fields


def _has_parents(entity: Entity, chosen: dict[str, dict[str, Entity]]) -> bool:
    pointed = [(foreign.to.kind, getattr(entity, foreign.field)) for foreign in foreign_fields(entity.kind)]
    return all(isinstance(to, Reference) and to.id in chosen.get(kind, {}) for kind, to in pointed)


def _with_tags(entity: Entity, tags: Collection[str]) -> Entity:
    own: tuple[str, ...] = getattr(entity, "tags", None) or ()
    added = tuple(dict.fromkeys((*own, *tags)))
    return entity if added == own else type(entity).built({**entity.__dict__, "tags": added})
