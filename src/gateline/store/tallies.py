"""Counters that nodes share in the database: how often something happened in a period of time.

They are no entities: no change is recorded, and nobody is told. Several questions are answered in one transaction, one
after the other, with one statement where all may be counted, and a second one to take back what may not: rows that were
written stay locked until the end, so what is admitted is exact over all nodes.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateline.store.interface import Period, Tally, Total
from gateline.store.session import Session
from gateline.store.tables import Tables

__all__ = ["forget", "tally"]


_Row = tuple[str, str, int]


async def tally(session: Session, tables: Tables, asked: Sequence[Tally]) -> list[Total]:
    """Answer some questions, as if one came after the other; the caller commits."""
    sums: dict[_Row, int] = {}
    ends: dict[_Row, int] = {}
    read: set[_Row] = set()
    for key, periods in asked:
        for period in periods:
            row = (key, period.name, period.began)
            if period.by:
                sums[row] = sums.get(row, 0) + period.by
                ends[row] = max(period.ends, ends.get(row, 0))
            else:
                read.add(row)
    values = dict.fromkeys(read, 0)
    if only_read := sorted(read - sums.keys()):
        columns = tables.metrics.c
        row_of = sa.tuple_(columns.identifier, columns.period, columns.period_date)
        found = await session.rows(sa.select(*_columns(tables)).where(row_of.in_(only_read)))
        values.update(_values(found))
    after = await _add(session, tables, sums, ends)
    values.update({row: value - sums[row] for row, value in after.items()})
    totals = [_one(values, key, periods) for key, periods in asked]
    if surplus := {row: values[row] - value for row, value in after.items() if values[row] != value}:
        await _add(session, tables, surplus, ends)
    return totals


def _one(values: dict[_Row, int], key: str, periods: Sequence[Period]) -> Total:
    rows = [(key, period.name, period.began) for period in periods]
    pairs = list(zip(rows, periods, strict=True))
    added = all(values[row] < period.limit for row, period in pairs if period.by)
    if added:
        for row, period in pairs:
            values[row] += period.by
    return Total([values[row] for row in rows], added)


async def _add(session: Session, tables: Tables, sums: dict[_Row, int], ends: dict[_Row, int]) -> dict[_Row, int]:
    """Add to rows, which are made where they are missing; their values then. In an order that all nodes keep, so that
    none waits for one that waits for it."""
    if not sums:
        return {}
    insert: Any = (sqlite if session.database.name == "sqlite" else postgresql).insert(tables.metrics)
    rows = [
        {"identifier": row[0], "period": row[1], "period_date": row[2], "ends": ends[row], "value": sums[row]}
        for row in sorted(sums)
    ]
    statement = insert.values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=["identifier", "period", "period_date"],
        set_={"value": tables.metrics.c.value + statement.excluded.value},
    ).returning(*_columns(tables))
    return _values(await session.rows(statement))


def _columns(tables: Tables) -> list[Any]:
    columns = tables.metrics.c
    return [columns.identifier, columns.period, columns.period_date, columns.value]


def _values(found: Sequence[Any]) -> dict[_Row, int]:
    return {(identifier, period, date): value for identifier, period, date, value in found}


async def forget(session: Session, tables: Tables, now: int) -> None:
    """Do away with the periods that are over."""
    await session.run(sa.delete(tables.metrics).where(tables.metrics.c.ends < now))
