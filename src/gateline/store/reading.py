"""Queries: single entities, pages, tags. Pages continue after a key, never at an offset: the last costs what the first
does."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import sqlalchemy as sa

from gateline.entities import Entity
from gateline.entities.formats import is_uuid
from gateline.store.interface import Page, TagFilter, Tagged, TagPage, Where
from gateline.store.positions import id_position, newest_position, newest_token, tag_position, tag_token
from gateline.store.session import Session
from gateline.store.tables import KindTable, Tables

_CHUNK = 1000
"""Entities that are read at once when all are: making them takes some milliseconds, in which nothing else runs."""


async def get(session: Session, of: KindTable, identifier: str) -> Entity | None:
    """The entity with an id."""
    if not is_uuid(identifier):
        return None
    row = await session.row(sa.select(of.table.c.body).where(of.table.c.id == identifier.lower(), *_there(of)))
    return of.entity(row.body) if row else None


async def find(session: Session, of: KindTable, field: str, value: str, where: Where) -> Entity | None:
    """The entity with a value in a field; of several, the one with the lowest id."""
    conditions = _conditions(of, {field: value, **where})
    if conditions is None:
        return None
    row = await session.row(sa.select(of.table.c.body).where(*conditions).order_by(of.table.c.id).limit(1))
    return of.entity(row.body) if row else None


async def page(
    session: Session,
    tables: Tables,
    of: KindTable,
    *,
    size: int,
    after: str | None,
    where: Where,
    tags: TagFilter | None,
    descending: bool,
) -> Page:
    """A page, see `Store.page`. One entity more than wanted is asked for, to know whether another page follows."""
    columns = of.table.c
    conditions = _conditions(of, where)
    if conditions is None:
        return Page([], None)
    if tags is not None:
        if any("\0" in tag for tag in tags.tags):
            return Page([], None)
        # The first ids with the tags are the first of the page, unless something else has a say in it.
        first = not where and not descending
        conditions.append(
            columns.id.in_(_tagged(tables, of, tags, after if first else None, size + 1 if first else None))
        )
    query = sa.select(columns.id, columns.created_at, columns.body).where(*conditions).limit(size + 1)
    if descending:
        query = query.order_by(columns.created_at.desc(), columns.id.desc())
        if after is not None:
            created, identifier = newest_position(after)
            position = sa.tuple_(sa.literal(created, sa.Double), sa.literal(identifier, columns.id.type))
            query = query.where(sa.tuple_(columns.created_at, columns.id) < position)
    else:
        query = query.order_by(columns.id)
        if after is not None:
            query = query.where(columns.id > id_position(after))
    rows = await session.rows(query)
    following = None
    if len(rows) > size:
        last = rows[size - 1]
        following = newest_token(last.created_at, last.id) if descending else str(last.id)
    return Page([of.entity(row.body) for row in rows[:size]], following)


async def tags_page(session: Session, tables: Tables, tag: str | None, *, size: int, after: str | None) -> TagPage:
    """A page of tags, see `Store.tags`."""
    columns = tables.tags.c
    query = sa.select(columns.tag, columns.kind, columns.entity_id).limit(size + 1)
    query = query.order_by(columns.tag, columns.kind, columns.entity_id)
    if tag is not None:
        if "\0" in tag:
            return TagPage([], None)
        query = query.where(columns.tag == tag)
    if after is not None:
        key = sa.tuple_(columns.tag, columns.kind, columns.entity_id)
        given = zip(tag_position(after), key.clauses, strict=True)
        query = query.where(key > sa.tuple_(*(sa.literal(value, column.type) for value, column in given)))
    rows = [Tagged(row.tag, row.kind, row.entity_id) for row in await session.rows(query)]
    return TagPage(rows[:size], tag_token(rows[size - 1]) if len(rows) > size else None)


async def everything(
    session: Session, tables: Tables, of: KindTable, tags: TagFilter | None = None
) -> AsyncIterator[list[Entity]]:
    """All entities of a kind, or all with some tags, in order of their ids, some at a time."""
    columns = of.table.c
    query = sa.select(columns.id, columns.body).where(*_there(of)).order_by(columns.id).limit(_CHUNK)
    if tags is not None:
        query = query.where(columns.id.in_(_tagged(tables, of, tags, None, None)))
    after: str | None = None
    while True:
        rows = await session.rows(query if after is None else query.where(columns.id > after))
        if rows:
            yield [of.entity(row.body) for row in rows]
        if len(rows) < _CHUNK:
            return
        after = str(rows[-1].id)


def _conditions(of: KindTable, where: Mapping[str, str | None]) -> list[sa.ColumnElement[bool]] | None:
    """Conditions on columns; None when nothing can fulfil them."""
    conditions = _there(of)
    for field, value in where.items():
        column: sa.Column[Any] = of.column(field)
        if value is None:
            conditions.append(column.is_(None))
        elif isinstance(column.type, sa.Uuid):
            if not is_uuid(value):
                return None
            conditions.append(column == value.lower())
        elif "\0" in value:
            return None
        else:
            conditions.append(column == of.column_value(field, value))
    return conditions


def _there(of: KindTable) -> list[sa.ColumnElement[bool]]:
    """Conditions on what is not over."""
    if not of.expires:
        return []
    end = of.table.c.expires_at
    return [sa.or_(end.is_(None), end > time.time())]


def _tagged(tables: Tables, of: KindTable, tags: TagFilter, after: str | None, limit: int | None) -> "sa.Select[Any]":
    """The ids of the entities with some tags, after a position; with a limit, the first ones."""
    columns = tables.tags.c

    def first_of(*conditions: sa.ColumnElement[bool]) -> "sa.Select[Any]":
        query = sa.select(columns.entity_id).where(columns.kind == of.kind, *conditions)
        if after is not None:
            query = query.where(columns.entity_id > after.lower())
        return query if limit is None else query.order_by(columns.entity_id).limit(limit)

    first, *others = dict.fromkeys(tags.tags)
    if tags.every or not others:
        other = tables.tags.alias()
        same = [other.c.kind == of.kind, other.c.entity_id == columns.entity_id]
        if after is not None:  # follows from the above, but not every planner sees it
            same.append(other.c.entity_id > after.lower())
        return first_of(
            columns.tag == first,
            *(sa.exists().where(*same, other.c.tag == tag).correlate(tables.tags) for tag in others),
        )
    each = [first_of(columns.tag == tag).subquery() for tag in (first, *others)]
    return sa.select(sa.union(*(sa.select(found.c.entity_id) for found in each)).subquery().c.entity_id)
