"""A transaction on a SQL store: checks first, then writes, and remembers what it did for the log of changes."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from gateline.entities import Entity
from gateline.entities.formats import is_uuid
from gateline.store import changes, deleting, errors, reading
from gateline.store.changes import State, Written
from gateline.store.checking import Candidate, chunks, from_constraint, refuse_dangling, refuse_taken
from gateline.store.errors import StoreUnavailable
from gateline.store.interface import ANYWHERE, Change, Page, TagFilter, Where
from gateline.store.session import Session
from gateline.store.tables import KindTable, Tables

_PART = 1000
"""Rows that one call of the driver writes: within the time limit of a statement."""


class SqlTransaction:
    """See `gateline.store.interface.Transaction`."""

    def __init__(self, session: Session, tables: Tables, state: State) -> None:
        self._session = session
        self._tables = tables
        self._state = state
        self._net: dict[tuple[str, str], Written] = {}
        self._read: dict[tuple[str, str], Entity] = {}
        self._finished: Change | None = None

    @property
    def change(self) -> Change:
        """What was written so far, net."""
        if self._finished is not None:
            return self._finished
        return changes.net_change(self._tables, self._net)

    async def get(self, kind: str, id: str) -> Entity | None:  # noqa: A002 - Kong's word
        """The entity with an id."""
        return self._noted(await reading.get(self._session, self._tables.of(kind), id))

    async def find(self, kind: str, field: str, value: str, *, where: Where = ANYWHERE) -> Entity | None:
        """The entity with a value in a unique field."""
        return self._noted(await reading.find(self._session, self._tables.of(kind), field, value, where))

    def _noted(self, entity: Entity | None) -> Entity | None:
        if entity is not None:
            self._read[entity.kind, entity.id] = entity
        return entity

    async def page(
        self,
        kind: str,
        *,
        size: int,
        after: str | None = None,
        where: Where = ANYWHERE,
        tags: TagFilter | None = None,
        descending: bool = False,
    ) -> Page:
        """Up to `size` entities in order."""
        return await reading.page(
            self._session,
            self._tables,
            self._tables.of(kind),
            size=size,
            after=after,
            where=where,
            tags=tags,
            descending=descending,
        )

    async def insert(self, entity: Entity) -> None:
        """Add an entity."""
        await self.insert_many((entity,))

    async def replace(self, entity: Entity) -> None:
        """Put an entity in the place of the one with its id."""
        await self.replace_many((entity,))

    async def upsert(self, entity: Entity) -> bool:
        """Replace, or insert when there is none with its id."""
        if await self.get(entity.kind, entity.id) is None:
            await self.insert(entity)
            return True
        await self.replace(entity)
        return False

    async def insert_many(self, entities: Iterable[Entity]) -> None:
        """Add entities of any kinds."""
        groups = self._by_kind(entities)
        for of, _ in groups:
            if of.expires:
                await self.delete_expired(of.kind)
        coming = {of.kind: {candidate.id for candidate in batch} for of, batch in groups}
        for of, batch in groups:
            await refuse_taken(self._session, of, batch)
            await refuse_dangling(self._session, self._tables, of, batch, coming)
        for of, batch in groups:
            async with self._writing(of, batch):
                await self._run(of.table.insert(), [candidate.row for candidate in batch])
                await self._tag(of, batch)
            for candidate in batch:
                self._remember(of.kind, candidate.id, None, candidate.entity)

    async def replace_many(self, entities: Iterable[Entity]) -> None:
        """Put entities of any kinds in the place of those with their ids."""
        groups = self._by_kind(entities)
        plans: list[tuple[KindTable, list[Candidate], deleting.Bodies, list[str]]] = []
        for of, batch in groups:
            before = await self._before(of, batch)
            changed = [candidate for candidate in batch if candidate.body != before[candidate.id]]
            was = {
                candidate.id: of.row(of.model.from_wire(before[candidate.id]), before[candidate.id])
                for candidate in changed
            }
            renamed = _differing(changed, was, [column for column, _ in of.unique_columns()])
            letting_go = await refuse_taken(self._session, of, renamed, replacing=True)
            moved = _differing(changed, was, [foreign.column for foreign in of.foreign.values()])
            await refuse_dangling(self._session, self._tables, of, moved, {})
            plans.append((of, changed, before, list(letting_go)))
        for of, changed, before, owners in plans:
            await self._update(of, changed, before, owners)

    async def delete(self, kind: str, id: str) -> bool:  # noqa: A002 - Kong's word
        """Delete an entity and what goes with it."""
        return bool(await self.delete_many(kind, (id,)))

    async def delete_many(self, kind: str, ids: Iterable[str]) -> int:
        """Delete entities of a kind and what goes with them."""
        of = self._tables.of(kind)
        wanted = [identifier.lower() for identifier in ids if is_uuid(identifier)]
        plan = await deleting.plan(self._session, self._tables, of, wanted)
        for child, after in plan.released.items():
            table = self._tables.of(child)
            batch = [Candidate.of(table, table.model.from_wire(body)) for body in after.values()]
            if batch:
                await self._update(table, batch, plan.released_before[child], ())
        for doomed in reversed(self._tables.kinds.values()):  # children before parents
            if bodies := plan.deleted.get(doomed.kind):
                await self._delete(doomed, bodies)
        return len(plan.deleted.get(kind, ()))

    async def delete_expired(self, kind: str) -> int:
        """Delete the entities of a kind that are over; how many there were."""
        of = self._tables.of(kind)
        if not of.expires:
            return 0
        rows = await self._session.rows(sa.select(of.table.c.id).where(of.table.c.expires_at <= time.time()))
        return await self.delete_many(kind, [row.id for row in rows])

    async def finish(self, *, actor: str | None, reason: str | None, kept: int) -> None:
        """Write the log; the commit comes next."""
        if self._session.broken:
            raise StoreUnavailable("the transaction was given up, because a part of it had failed")
        self._finished = await changes.record(
            self._session, self._tables, self._state, self._net, actor=actor, reason=reason, kept=kept
        )

    # How it is written.

    async def _before(self, of: KindTable, batch: Sequence[Candidate]) -> deleting.Bodies:
        """The wire forms of what is replaced. What the transaction has read already is not read again: nobody else
        writes meanwhile."""
        before: deleting.Bodies = {}
        unknown: list[str] = []
        for candidate in batch:
            known = self._read.get((of.kind, candidate.id))
            if known is None:
                unknown.append(candidate.id)
            else:
                before[candidate.id] = known.to_wire()
        before |= await deleting.bodies(self._session, of, of.table.c.id, unknown)
        for candidate in batch:
            if candidate.id not in before:
                raise errors.not_found(candidate.id)
        return before

    def _by_kind(self, entities: Iterable[Entity]) -> list[tuple[KindTable, list[Candidate]]]:
        """Candidates by kind, parents first."""
        groups: dict[str, list[Candidate]] = {}
        for entity in entities:
            groups.setdefault(entity.kind, []).append(Candidate.of(self._tables.of(entity.kind), entity))
        return [(of, groups[kind]) for kind, of in self._tables.kinds.items() if kind in groups]

    async def _update(
        self, of: KindTable, batch: Sequence[Candidate], before: deleting.Bodies, letting_go: Sequence[str]
    ) -> None:
        columns = of.table.c
        async with self._writing(of, batch):
            for part in chunks(letting_go):
                nothing = dict.fromkeys(column for column, _ in of.unique_columns())
                await self._session.run(of.table.update().where(columns.id.in_(part)).values(nothing))
            statement = of.table.update().where(columns.id == sa.bindparam("which"))
            await self._run(statement, [{**candidate.row, "which": candidate.id} for candidate in batch])
            if of.tagged:
                retagged = [
                    candidate for candidate in batch if candidate.body["tags"] != before[candidate.id].get("tags")
                ]
                await self._untag(of, [candidate.id for candidate in retagged])
                await self._tag(of, retagged)
        for candidate in batch:
            self._remember(of.kind, candidate.id, before[candidate.id], candidate.entity)

    async def _delete(self, of: KindTable, doomed: Mapping[str, Mapping[str, Any]]) -> None:
        try:
            for part in chunks(list(doomed)):
                await self._session.run(of.table.delete().where(of.table.c.id.in_(part)))
        except exc.IntegrityError as error:
            holding = next((child.kind for child, _ in self._tables.children(of.kind)), of.kind)
            raise errors.referenced(of.kind, holding) from error
        if of.tagged:
            await self._untag(of, list(doomed))
        for identifier, body in doomed.items():
            self._remember(of.kind, identifier, body, None)

    async def _tag(self, of: KindTable, batch: Iterable[Candidate]) -> None:
        if of.tagged:
            rows = [
                {"tag": tag, "kind": of.kind, "entity_id": candidate.id}
                for candidate in batch
                for tag in dict.fromkeys(candidate.body["tags"] or ())
            ]
            await self._run(self._tables.tags.insert(), rows)

    async def _untag(self, of: KindTable, ids: Sequence[str]) -> None:
        columns = self._tables.tags.c
        for part in chunks(ids):
            await self._session.run(
                self._tables.tags.delete().where(columns.kind == of.kind, columns.entity_id.in_(part))
            )

    async def _run(self, statement: sa.Executable, rows: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(rows), _PART):
            await self._session.run(statement, rows[start : start + _PART])

    @asynccontextmanager
    async def _writing(self, of: KindTable, batch: Sequence[Candidate]) -> AsyncIterator[None]:
        try:
            yield
        except exc.IntegrityError as error:
            constraint = self._session.database.constraint(error)
            raise from_constraint(of, batch, constraint) from error

    def _remember(self, kind: str, identifier: str, before: Mapping[str, Any] | None, after: Entity | None) -> None:
        self._read.pop((kind, identifier), None)
        known = self._net.get((kind, identifier))
        if known is None:
            self._net[kind, identifier] = Written(before, after)
        else:
            known.after = after


def _differing(
    batch: Sequence[Candidate], was: Mapping[str, Mapping[str, Any]], columns: Sequence[str]
) -> list[Candidate]:
    """Those that have another value in one of the columns than before."""
    return [
        candidate
        for candidate in batch
        if any(candidate.row[column] != was[candidate.id][column] for column in columns)
    ]
