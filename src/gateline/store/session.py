"""One connection in use: statements with a time limit, and errors in the store's own words."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from gateline.entities import EntityError
from gateline.store.database import Database
from gateline.store.errors import StoreUnavailable

T = TypeVar("T")

FAULTS = (exc.DBAPIError, exc.TimeoutError, OSError, TimeoutError)
"""What a driver, a pool or a network raises; everything else is a mistake in the program."""


@asynccontextmanager
async def guarded(database: Database, *, longer: float = 0.0) -> AsyncIterator[None]:
    """What is done inside takes at most the database's limit, or `longer` seconds more than it; what goes wrong is
    EntityError or StoreUnavailable.

    Constraint violations pass as they are (`IntegrityError`): whoever wrote knows what they mean.
    """
    try:
        async with asyncio.timeout(None if database.limit is None else database.limit + longer):
            yield
    except exc.IntegrityError:
        raise
    except FAULTS as error:
        raise translated(database, error) from error


def translated(database: Database, error: BaseException) -> StoreUnavailable | EntityError:
    """What a fault means."""
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable(f"all connections to the database at {database.place} are in use")
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"the database at {database.place} did not answer in time")
    return database.fault(error)


async def to_the_end(database: Database, work: Coroutine[Any, Any, T]) -> T:
    """Do work on a connection, to its end even when the caller is cancelled, where it may not be cut off."""
    if database.interruptible:
        return await work
    task = asyncio.get_running_loop().create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody asks for it any more
        raise


class Session:
    """A connection that somebody else opens and closes."""

    def __init__(self, connection: AsyncConnection, database: Database) -> None:
        self.connection = connection
        self.database = database
        self.broken = False
        """Whether a statement failed or was cut off: its transaction can only be rolled back."""

    async def rows(self, statement: sa.Executable) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return (await self._execute(statement, None)).all()

    async def row(self, statement: sa.Executable, *, longer: float = 0.0) -> Row[Any] | None:
        """The first row of a query, which may take some seconds longer than others."""
        return (await self._execute(statement, None, longer)).first()

    async def run(self, statement: sa.Executable, rows: Sequence[dict[str, Any]] | None = None) -> None:
        """A statement without an answer, once or for each of `rows`."""
        await self._execute(statement, rows)

    async def _execute(
        self, statement: sa.Executable, rows: Sequence[dict[str, Any]] | None, longer: float = 0.0
    ) -> CursorResult[Any]:
        try:
            async with guarded(self.database, longer=longer):
                return await to_the_end(self.database, self.connection.execute(statement, rows))
        except BaseException:
            self.broken = True
            raise
