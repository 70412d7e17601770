"""Bringing the secrets that are stored already into the form that is wanted now: after another `credential_storage`, or
another first key. Neither the entities nor their versions change by it.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateline.store.errors import StoreUnavailable
from gateline.store.session import Session
from gateline.store.tables import KindTable, Tables

logger = logging.getLogger(__name__)

PART = 500
"""Rows of one transaction: others want to write meanwhile."""


class Resealing:
    """Goes over all rows with secrets; `step` does a part and says whether there is more."""

    def __init__(self, tables: Tables) -> None:
        self.count = 0
        """Rows that were changed."""
        changes = tables.changes
        self._places: list[tuple[KindTable, sa.Table, Any, tuple[str, ...]]] = []
        for of in tables.kinds.values():
            if of.model.secrets:
                self._places.append((of, of.table, of.table.c.id, ("body",)))
                self._places.append((of, changes, changes.c.number, ("before", "after")))
        self._after: Any = None

    async def step(self, session: Session) -> bool:
        """Do a part. Raises StoreUnavailable."""
        if not self._places:
            return False
        of, table, key, columns = self._places[0]
        query = sa.select(key.label("key"), *(table.c[name] for name in columns)).order_by(key).limit(PART)
        if table is not of.table:
            query = query.where(table.c.kind == of.kind)
        rows = await session.rows(query if self._after is None else query.where(key > self._after))
        for row in rows:
            bodies = {name: getattr(row, name) for name in columns}
            changed = {name: new for name, body in bodies.items() if (new := _resealed(of, body)) is not None}
            if changed:
                await session.run(table.update().where(key == row.key).values(changed))
                self.count += 1
        if len(rows) < PART:
            self._places.pop(0)
            self._after = None
        else:
            self._after = rows[-1].key
        return bool(self._places)


def _resealed(of: KindTable, body: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What is to be kept instead; None where it is right, or cannot be read."""
    if body is None or of.sealer.current(body, of.model.secrets):
        return None
    try:
        return of.kept(of.opened(body))
    except StoreUnavailable as error:
        logger.error("%s %s: %s", of.kind, body.get("id"), error)
        return None
