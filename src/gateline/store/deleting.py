"""What goes when an entity goes: everything below it that is declared to, or nothing, when something holds it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gateline.store import errors
from gateline.store.checking import chunks
from gateline.store.session import Session
from gateline.store.tables import Foreign, KindTable, Tables

Bodies = dict[str, Mapping[str, Any]]
"""id → wire form."""


@dataclass(slots=True)
class Deletion:
    """What a deletion comes to: what is deleted, and whose references become null."""

    deleted: dict[str, Bodies] = field(default_factory=dict)
    released: dict[str, Bodies] = field(default_factory=dict)
    """Wire forms as they are afterwards."""
    released_before: dict[str, Bodies] = field(default_factory=dict)


async def plan(session: Session, tables: Tables, of: KindTable, ids: Iterable[str]) -> Deletion:
    """Follow the references downwards. Raises EntityError when an entity that stays refers to one that would go."""
    deletion = Deletion()
    waiting: list[tuple[KindTable, Bodies]] = [(of, await bodies(session, of, of.table.c.id, ids))]
    while waiting:
        table, found = waiting.pop(0)
        doomed = deletion.deleted.setdefault(table.kind, {})
        new = {identifier: body for identifier, body in found.items() if identifier not in doomed}
        doomed.update(new)
        for child, foreign in tables.children(table.kind) if new else ():
            if foreign.on_delete == "cascade":
                waiting.append((child, await bodies(session, child, child.column(foreign.field), new)))
    for kind in list(deletion.deleted):
        for child, foreign in tables.children(kind):
            if foreign.on_delete == "restrict":
                await _refuse_held(session, tables.of(kind), child, foreign, deletion)
            elif foreign.on_delete == "null":
                await _release(session, child, foreign, kind, deletion)
        for child, field_name in tables.listing(kind):
            await _refuse_listed(session, tables.of(kind), child, field_name, deletion)
    return deletion


async def bodies(session: Session, of: KindTable, column: "sa.Column[Any]", values: Iterable[str]) -> Bodies:
    """The wire forms of the entities that have one of the values in a column."""
    found: Bodies = {}
    for part in chunks(list(values)):
        rows = await session.rows(sa.select(of.table.c.id, of.table.c.body).where(column.in_(part)))
        found.update((row.id, of.opened(row.body)) for row in rows)
    return found


async def _refuse_held(
    session: Session, parent: KindTable, child: KindTable, foreign: Foreign, deletion: Deletion
) -> None:
    going = deletion.deleted.get(child.kind, {})
    column = child.column(foreign.field)
    for part in chunks(list(deletion.deleted[parent.kind])):
        query = sa.select(child.table.c.id).where(column.in_(part)).limit(len(going) + 1)
        if any(row.id not in going for row in await session.rows(query)):
            raise errors.referenced(parent.kind, child.kind)


async def _refuse_listed(
    session: Session, parent: KindTable, child: KindTable, field_name: str, deletion: Deletion
) -> None:
    going = deletion.deleted.get(child.kind, {})
    text = sa.cast(child.table.c.body, sa.Text)
    for identifier in deletion.deleted[parent.kind]:
        for row in await session.rows(sa.select(child.table.c.body).where(text.contains(identifier))):
            if row.body["id"] not in going and identifier in (row.body.get(field_name) or ()):
                word = parent.model.singular.replace("_", " ")
                raise errors.listed(word, identifier, child.kind, row.body["id"])


async def _release(session: Session, child: KindTable, foreign: Foreign, kind: str, deletion: Deletion) -> None:
    going = deletion.deleted.get(child.kind, {})
    before = deletion.released_before.setdefault(child.kind, {})
    after = deletion.released.setdefault(child.kind, {})
    found = await bodies(session, child, child.column(foreign.field), deletion.deleted[kind])
    for identifier, body in found.items():
        if identifier not in going:
            before.setdefault(identifier, body)
            after[identifier] = {**after.get(identifier, body), foreign.field: None}
