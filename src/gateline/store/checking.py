"""Whether entities may be written: what must be unique, what must exist. Asked inside the transaction, while no other
one runs, so that the answer still holds when it is written; the database's own constraints stand behind it."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Row

from gateline.entities import Entity, EntityError
from gateline.store import errors
from gateline.store.session import Session
from gateline.store.tables import KindTable, Tables

CHUNK = 500
"""How many values one statement asks for."""

NOT_IN_KONG = frozenset({"consumer_group"})
"""Fields that Kong's free edition does not have: while they are null, its sentences do not name them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that is to be written: itself, its wire form, and the columns of its row."""

    entity: Entity
    body: Mapping[str, Any]
    row: dict[str, Any]

    @classmethod
    def of(cls, table: KindTable, entity: Entity) -> "Candidate":
        """A candidate for the table of its kind."""
        body = entity.to_wire()
        return cls(entity, body, table.row(entity, body))

    @property
    def id(self) -> str:
        """The entity's id."""
        return self.entity.id

    def unique_error(self, fields: tuple[str, ...]) -> EntityError:
        """Some other entity has the values of these fields."""
        return errors.unique({name: self.body[name] for name in fields}, hidden=NOT_IN_KONG)


async def refuse_taken(
    session: Session, of: KindTable, batch: Sequence[Candidate], *, replacing: bool = False
) -> set[str]:
    """Raise EntityError when an id or a unique value is taken, within the batch or by a stored entity.

    When the batch replaces what is stored, its ids are of course taken, and values that the batch itself gives up are
    free: the ids of those that have to let go of theirs first are returned.
    """
    if not batch:
        return set()
    owners = _owners(of, batch)
    ids = {candidate.id: candidate for candidate in batch}
    places = {candidate.id: place for place, candidate in enumerate(batch)}
    first: tuple[int, int, EntityError] | None = None
    letting_go: set[str] = set()
    async for row in _present(session, of, () if replacing else ids, owners):
        found: list[tuple[int, int, EntityError]] = []
        if not replacing and row.id in ids:
            found.append((places[row.id], 0, errors.primary_key(row.id)))
        for rank, (column, fields) in enumerate(of.unique_columns(), start=1):
            owner = owners[column].get(getattr(row, column))
            if owner is None or owner.id == row.id:
                continue
            if replacing and row.id in ids:
                letting_go.add(row.id)
            else:
                found.append((places[owner.id], rank, owner.unique_error(fields)))
        for one in found:
            if first is None or one[:2] < first[:2]:
                first = one
    if first is not None:
        raise first[2]
    return letting_go


def _owners(of: KindTable, batch: Sequence[Candidate]) -> dict[str, dict[Any, Candidate]]:
    """Column → value → who wants it."""
    owners: dict[str, dict[Any, Candidate]] = {column: {} for column, _ in of.unique_columns()}
    ids: set[str] = set()
    for candidate in batch:
        if candidate.id in ids:
            raise errors.primary_key(candidate.id)
        ids.add(candidate.id)
        for column, fields in of.unique_columns():
            value = candidate.row[column]
            if value is not None and owners[column].setdefault(value, candidate) is not candidate:
                raise candidate.unique_error(fields)
    return owners


async def _present(
    session: Session, of: KindTable, ids: Iterable[str], owners: Mapping[str, Mapping[Any, Candidate]]
) -> AsyncIterator[Row[Any]]:
    """The stored rows that have one of the ids or one of the values."""
    columns = of.table.c
    wanted = {columns.id: list(ids), **{columns[column]: list(values) for column, values in owners.items()}}
    chosen = sa.select(columns.id, *(columns[column] for column in owners))
    longest = max(map(len, wanted.values()))
    for start in range(0, longest, CHUNK):
        parts = [column.in_(part) for column, values in wanted.items() if (part := values[start : start + CHUNK])]
        for row in await session.rows(chosen.where(sa.or_(*parts))):
            yield row


async def refuse_dangling(
    session: Session, tables: Tables, of: KindTable, batch: Sequence[Candidate], coming: Mapping[str, Set[str]]
) -> None:
    """Raise EntityError when a reference points to nothing that is stored, nor to what is `coming` (kind → ids)."""
    for foreign in of.foreign.values():
        present = coming.get(foreign.parent, frozenset())
        wanted: dict[str, None] = {}
        for candidate in batch:
            pointed = candidate.row[foreign.column]
            if pointed is not None and pointed not in present:
                wanted[pointed] = None
        if not wanted:
            continue
        found = await existing(session, tables.of(foreign.parent), wanted)
        for pointed in wanted:
            if pointed not in found:
                raise errors.dangling(foreign.field, pointed, foreign.parent)


async def existing(session: Session, of: KindTable, ids: Iterable[str]) -> set[str]:
    """Which of the ids are there."""
    found: set[str] = set()
    for part in chunks(list(ids)):
        rows = await session.rows(sa.select(of.table.c.id).where(of.table.c.id.in_(part)))
        found.update(row.id for row in rows)
    return found


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many values at a time as one statement takes."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def from_constraint(of: KindTable, batch: Sequence[Candidate], constraint: str) -> EntityError:
    """What a violated constraint of the database means: only a writer that goes past the lock can bring it about."""
    name, candidate = of.table.name, batch[0]
    if constraint in (f"{name}_pk", f"{name}.id"):
        return errors.primary_key(candidate.id)
    for column, fields in of.unique_columns():
        if constraint in (f"{name}_{column}_unique", f"{name}.{column}"):
            return candidate.unique_error(fields)
    pointing = [foreign for foreign in of.foreign.values() if candidate.row[foreign.column] is not None]
    for foreign in pointing:
        if constraint in (f"{name}_{foreign.column}_exists", ""):
            return errors.dangling(foreign.field, candidate.row[foreign.column], foreign.parent)
    return errors.unstorable("another writer changed the same entities; try again")
