"""Bringing the secrets that are stored already into the form that is wanted now: after another `credential_storage`, or
another first key. Neither the entities nor their versions change by it.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateline.entities.sealing import SEALED
from gateline.store.errors import StoreUnavailable
from gateline.store.session import Session
from gateline.store.tables import KindTable, Tables

logger = logging.getLogger(__name__)

PART = 500
"""Rows that one transaction changes: others want to write meanwhile."""
LOOK = 20_000
"""Rows that one transaction looks at: within the time limit of a statement."""
_HASHED = "sha256$%$" + 64 * "_"


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
        beyond = [] if self._after is None else [key > self._after]
        last = await session.row(sa.select(key.label("key")).where(*beyond).order_by(key).offset(LOOK - 1).limit(1))
        within = [*beyond, key <= last.key] if last else beyond
        if table is not of.table:
            within.append(table.c.kind == of.kind)
        query = sa.select(key.label("key"), *(table.c[name] for name in columns)).order_by(key).limit(PART)
        rows = await session.rows(query.where(*within, sa.or_(*(_suspect(of, table.c[name]) for name in columns))))
        for row in rows:
            bodies = {name: getattr(row, name) for name in columns}
            changed = {name: new for name, body in bodies.items() if (new := _resealed(of, body)) is not None}
            if changed:
                await session.run(table.update().where(key == row.key).values(changed))
                self.count += 1
        if len(rows) == PART:
            self._after = rows[-1].key
        elif last is not None:
            self._after = last.key
        else:
            self._places.pop(0)
            self._after = None
        return bool(self._places)


def _suspect(of: KindTable, body: "sa.Column[Any]") -> sa.ColumnElement[bool]:
    """Whether what is kept may be in another form than the wanted one, as the database can tell: mostly nothing is, and
    then nothing has to be read. What is hashed stays so."""
    found: list[sa.ColumnElement[bool]] = []
    for field, compared in of.model.secrets.items():
        text, sealed = body[field].as_string(), body[(field, SEALED)].as_string()
        wanted = of.sealer.key_for(compared=compared)
        if wanted is not None:
            other = sa.func.coalesce(sealed, "").not_like(f"{wanted}:%")
            found.append(sa.and_(text.is_not(None), other, text.not_like(_HASHED)))
        elif of.sealer.manner == "plain":
            found.append(sealed.is_not(None))
        else:
            found.append(sa.and_(text.is_not(None), text.not_like(_HASHED)))
    return sa.or_(*found)


def _resealed(of: KindTable, body: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What is to be kept instead; None where it is right, or cannot be read."""
    if body is None or of.sealer.current(body, of.model.secrets):
        return None
    try:
        return of.kept(of.opened(body))
    except StoreUnavailable as error:
        logger.error("%s %s: %s", of.kind, body.get("id"), error)
        return None
