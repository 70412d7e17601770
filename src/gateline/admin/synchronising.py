"""A whole configuration in the place of what is stored: what that changes, and doing it in one transaction."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateline.admin.node import Node
from gateline.declarative import Difference, difference, matched, select, tagged, takes_tags
from gateline.entities import Entity, EntityError, Snapshot, kinds
from gateline.entities.errors import FOREIGN_KEY_VIOLATION
from gateline.store import Store, TagFilter, Transaction


class MovedOnError(Exception):
    """What is stored is not of the version that was expected."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What changes when a configuration takes the place of the stored one of a version."""

    version: int
    difference: Difference
    stored: Snapshot


async def plan(store: Store, wanted: Snapshot, tags: Collection[str] = ()) -> Plan:
    """Compare a configuration with what is stored; with tags, with those entities that have all of them.

    The wanted entities get the tags. One of them that is stored without the tags is changed, not made again; nothing
    else without the tags is touched. Raises StoreUnavailable.
    """
    # Of a kind that the configuration does not have, what is stored without the tags has no part in this. A store that
    # cannot be written gets the whole of what is to be there.
    tagged_only = {
        kind: TagFilter(tuple(tags))
        for kind in kinds()
        if tags and store.writable and takes_tags(kind) and not wanted.kind(kind)
    }
    whole = await store.whole(tagged=tagged_only)

    def compare() -> Plan:
        stored = Snapshot(hash="", **whole.kinds)
        new = matched(stored, tagged(wanted, tags))
        return Plan(whole.version, difference(_affected(stored, new, tags), new), stored)

    return await asyncio.to_thread(compare)


def _affected(stored: Snapshot, new: Snapshot, tags: Collection[str]) -> Snapshot:
    """The stored entities that the new ones take the place of."""
    if not tags:
        return stored
    chosen = select(stored, tags)
    return Snapshot(
        hash="",
        **{
            kind: {
                identifier: entity
                for identifier, entity in stored.kind(kind).items()
                if identifier in chosen.kind(kind) or identifier in new.kind(kind)
            }
            for kind in kinds()
        },
    )


async def synchronise(
    node: Node,
    wanted: Snapshot,
    *,
    tags: Collection[str] = (),
    dry_run: bool = False,
    expected: int | None = None,
    actor: str | None = None,
    reason: str | None = None,
) -> Plan:
    """Put a configuration in the place of what is stored, all or nothing; gives what was done, or would be.

    With `expected`, only when what is stored is of that version: MovedOnError else. Raises EntityError for what the
    store refuses, StoreUnavailable, and as `Node.writing`.
    """
    made = await plan(node.store, wanted, tags)
    if expected is not None and made.version != expected:
        raise MovedOnError
    if dry_run or not made.difference:
        return made
    if not node.store.writable:
        await node.load(_document(after(made)), unless_loaded=False)
        return Plan(await node.store.version(), made.difference, made.stored)
    async with node.writing(actor=actor, reason=reason) as transaction:
        # Nobody else writes from here on, so what is stored now is what will be changed.
        if await node.store.version() != made.version:
            if expected is not None:
                raise MovedOnError
            made = await plan(node.store, wanted, tags)
        await carry_out(transaction, made.difference)
    return Plan(transaction.change.version or made.version, made.difference, made.stored)


async def carry_out(transaction: Transaction, what: Difference) -> None:
    """Do what a difference says. Raises EntityError when the store refuses a part of it."""
    later: list[tuple[str, list[str]]] = []
    for kind, gone in _by_kind(what.deleted):
        ids = [entity.id for entity in gone]
        try:
            await transaction.delete_many(kind, ids)
        except EntityError as error:
            if error.kind is not FOREIGN_KEY_VIOLATION:
                raise
            later.append((kind, ids))  # something that changes still points there
    created = dict(_by_kind(what.created))
    changed = dict(_by_kind([one.after for one in what.changed]))
    for kind in kinds():
        # A name may pass from one that changes to one that is new.
        await transaction.replace_many(changed.get(kind, ()))
        await transaction.insert_many(created.get(kind, ()))
    for kind, ids in later:
        await transaction.delete_many(kind, ids)


def after(made: Plan) -> Snapshot:
    """What is there when a plan was carried out."""
    rows: dict[str, dict[str, Entity]] = {kind: dict(made.stored.kind(kind)) for kind in kinds()}
    for entity in made.difference.deleted:
        rows[entity.kind].pop(entity.id, None)
    for entity in (*made.difference.created, *(one.after for one in made.difference.changed)):
        rows[entity.kind][entity.id] = entity
    return Snapshot(hash="", **rows)


def _document(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as a declarative document."""
    document: dict[str, Any] = {"_format_version": "3.0", "_transform": False}
    for kind in kinds():
        if rows := snapshot.kind(kind):
            document[kind] = [
                {name: value for name, value in entity.to_wire().items() if value is not None}
                for entity in rows.values()
            ]
    return document


def _by_kind(entities: Iterable[Entity]) -> Sequence[tuple[str, list[Entity]]]:
    """Entities by kind, kinds in the order in which they come."""
    groups: dict[str, list[Entity]] = {}
    for entity in entities:
        groups.setdefault(entity.kind, []).append(entity)
    return list(groups.items())
