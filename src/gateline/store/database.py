"""What SQLite and PostgreSQL do differently, as one interface; `sqlite.py` and `postgres.py` have it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from gateline.entities import EntityError
from gateline.store.errors import StoreUnavailable
from gateline.store.options import StoreOptions


class Bell(Protocol):
    """Rings when another node has written."""

    async def wait(self, limit: float) -> None:
        """Wait until it rings, but not longer than `limit` seconds. What rang before counts."""

    def hear(self, heard: Callable[[str], None]) -> None:
        """Have texts of nodes told."""

    async def close(self) -> None:
        """Let go of what it listens with."""


class Database(Protocol):
    """A database of one sort, with its pools of connections."""

    name: str
    place: str
    """Where it is, for messages."""
    interruptible: bool
    """Whether what a connection does may be cancelled in the middle of it."""
    migrates_itself: bool
    """Whether its tables are made and brought up to date when the store is opened."""

    @property
    def limit(self) -> float | None:
        """Seconds that a statement may take; None: as long as the disk does."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for single statements that change nothing."""

    def snapshot(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection on which all statements see the store as of one moment."""

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction; what is not committed is rolled back at the end."""

    def migrating(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction, while which nobody else migrates. Committed at the end."""

    def fault(self, error: BaseException) -> StoreUnavailable | EntityError:
        """What an error of the driver or of the network means."""

    def constraint(self, error: exc.IntegrityError) -> str:
        """What was violated: the name of the constraint, or `table.column` for a unique column; may be empty."""

    def notifying(self, update: sa.Update, version: int) -> sa.Executable:
        """A statement that does the update, and tells the other nodes of a version, once it is committed."""

    def telling(self, message: str) -> sa.Executable | None:
        """A statement that tells all nodes a text, where they share the database."""

    def counting(self, table: str) -> sa.Executable | None:
        """A statement that lets the planner of queries know how many rows a table has, where it needs that."""

    def bell(self) -> Bell:
        """What tells of the other nodes' versions."""

    async def close(self) -> None:
        """Close all connections."""


def database_of(options: StoreOptions) -> Database:
    """The database that options name. Raises StoreUnavailable when its driver is not installed."""
    if options.database == "sqlite":
        from gateline.store.sqlite import SQLite

        return SQLite(options)
    if options.database == "postgres":
        try:
            from gateline.store.postgres import Postgres
        except ImportError:
            raise StoreUnavailable(
                "the driver of PostgreSQL is not installed: pip install 'gateline[postgres]'"
            ) from None
        return Postgres(options)
    raise ValueError(f"{options.database!r} is no database")
