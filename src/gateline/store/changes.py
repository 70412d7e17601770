"""The log of changes: what each transaction did, net, in the order of commits.

Other nodes follow it, and it is what a history is shown from. A writer holds the row of `state` from its first
statement on, so versions are given out in the order in which transactions are committed. Only so many rows are kept;
who is further behind reads everything.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from gateline.entities import Entity
from gateline.store.errors import NotMigrated
from gateline.store.interface import Change
from gateline.store.session import Session
from gateline.store.tables import Tables

MOST = 20_000
"""Rows up to which the log is read; reading everything is cheaper then."""
MANY = 1000
"""Rows from which on a transaction is told to the planner of queries."""
_PART = 1000

T = TypeVar("T")
_SLACK = 1000
"""Rows over the bound at which the log is cut, so that not every write cuts it."""


@dataclass(slots=True)
class Written:
    """What became of one entity in a transaction: its wire form before (None: there was none), and what it is now."""

    before: Mapping[str, Any] | None
    after: Entity | None


Net = Mapping[tuple[str, str], Written]
"""(kind, id) → what became of it."""


@dataclass(frozen=True, slots=True)
class State:
    """The row of `state`: the version and number of the last row of the log, and of the last one cut off."""

    lineage: str
    version: int
    number: int
    pruned_version: int
    pruned_number: int


async def read_state(session: Session, tables: Tables, *, lock: float | None = None) -> State:
    """The state; with `lock`, nobody else gets so far until this transaction has ended, and `lock` is how many
    seconds to wait until nobody else is."""
    columns = tables.state.c
    query = sa.select(
        columns.lineage, columns.version, columns.number, columns.pruned_version, columns.pruned_number
    ).where(columns.id == 1)
    row = await session.row(query if lock is None else query.with_for_update(), longer=lock or 0.0)
    if row is None:
        raise NotMigrated(f"the database at {session.database.place} is not set up: run `gateline migrations up`")
    return State(row.lineage, row.version, row.number, row.pruned_version, row.pruned_number)


def net_change(tables: Tables, net: Net, version: int = 0) -> Change:
    """What a transaction did."""
    put: dict[str, list[Entity]] = {}
    delete: dict[str, list[str]] = {}
    before: dict[str, dict[str, Mapping[str, Any]]] = {}
    for (kind, identifier), written in net.items():
        if _unchanged(written):
            continue
        if written.before is not None:
            before.setdefault(kind, {})[identifier] = written.before
        if written.after is None:
            delete.setdefault(kind, []).append(identifier)
        else:
            put.setdefault(kind, []).append(written.after)
    return Change(version, _parents_first(tables, put), _parents_first(tables, delete), before)


def _parents_first(tables: Tables, by_kind: Mapping[str, list[T]]) -> dict[str, list[T]]:
    return {kind: by_kind[kind] for kind in tables.kinds if kind in by_kind}


def _unchanged(written: Written) -> bool:
    if written.after is None or written.before is None:
        return written.after is None and written.before is None
    return written.after.to_wire() == written.before


async def record(
    session: Session, tables: Tables, state: State, net: Net, *, actor: str | None, reason: str | None, kept: int
) -> Change:
    """Write what a transaction did into the log, under a version of its own; nothing when it did nothing."""
    change = net_change(tables, net, state.version + 1)
    if not change:
        return Change()
    row = {"version": change.version, "at": time.time(), "actor": actor, "reason": reason}
    rows: list[dict[str, Any]] = []
    for kind, entities in change.put.items():
        of = tables.of(kind)
        for entity in entities:
            before = net[kind, entity.id].before
            operation = "create" if before is None else "update"
            told = {"kind": kind, "entity_id": entity.id, "operation": operation}
            after = of.kept(entity.to_wire())
            rows.append({**row, **told, "before": None if before is None else of.kept(before), "after": after})
    for kind, ids in change.delete.items():
        for identifier in ids:
            told = {"kind": kind, "entity_id": identifier, "operation": "delete"}
            before = net[kind, identifier].before
            rows.append(
                {**row, **told, "before": None if before is None else tables.of(kind).kept(before), "after": None}
            )
    for number, numbered in enumerate(rows, start=state.number + 1):
        numbered["number"] = number
    for start in range(0, len(rows), _PART):
        await session.run(tables.changes.insert(), rows[start : start + _PART])
    values = {"version": change.version, "number": state.number + len(rows)}
    if values["number"] - state.pruned_number >= kept + max(_SLACK, kept // 10):
        values |= await _prune(session, tables, values["number"] - kept)
    if len(rows) >= MANY:
        for name in (*(tables.of(kind).table.name for kind in change.put), tables.tags.name):
            if (counting := session.database.counting(name)) is not None:
                await session.run(counting)
    update = tables.state.update().where(tables.state.c.id == 1).values(values)
    await session.run(session.database.notifying(update, change.version))
    return change


async def _prune(session: Session, tables: Tables, number: int) -> dict[str, int]:
    """Cut off what is older than the transaction of a row; no transaction is cut in two."""
    # In two steps, each one look into an index: the transaction of the row may be all that the log holds, and is then
    # looked at by every write.
    columns = tables.changes.c
    cut = sa.select(columns.version).where(columns.number == number).scalar_subquery()
    found = await session.row(sa.select(sa.func.max(columns.version).label("version")).where(columns.version < cut))
    if found is None or found.version is None:
        return {}
    last = sa.select(columns.version, columns.number).where(columns.version == found.version)
    row = await session.row(last.order_by(columns.number.desc()).limit(1))
    if row is None:
        return {}
    await session.run(tables.changes.delete().where(columns.number <= row.number))
    return {"pruned_version": row.version, "pruned_number": row.number}


async def read_since(session: Session, tables: Tables, state: State, version: int) -> list[Change] | None:
    """The changes after a version; None when they are not all there, or too many to be worth it."""
    if not state.pruned_version <= version <= state.version:
        return None
    columns = tables.changes.c
    query = sa.select(columns.number, columns.version, columns.kind, columns.entity_id, columns.after)
    first = await session.row(
        sa.select(columns.number)
        .where(columns.version > version)
        .order_by(columns.version, columns.number)  # there is an index of the versions
        .limit(1)
    )
    if first is None:
        return []
    if state.number - first.number >= MOST:
        return None
    query = query.order_by(columns.number).limit(_PART)
    number = first.number - 1
    changes: list[Change] = []
    while rows := await session.rows(query.where(columns.number > number)):
        _collect(changes, tables, rows)
        number = rows[-1].number
    return changes


def _collect(changes: list[Change], tables: Tables, rows: Sequence[sa.Row[Any]]) -> None:
    for row in rows:
        if not changes or changes[-1].version != row.version:
            changes.append(Change(row.version))
        of = tables.kinds.get(row.kind)
        if of is None:  # a kind of a plugin that this node does not have
            continue
        if row.after is None:
            changes[-1].delete.setdefault(row.kind, []).append(row.entity_id)
        else:
            changes[-1].put.setdefault(row.kind, []).append(of.entity(row.after))
