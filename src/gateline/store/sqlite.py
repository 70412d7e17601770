"""SQLite: a file, one writer at a time, readers beside it. A commit is on the disk before it is acknowledged."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateline.store.coding import decode, encode
from gateline.store.errors import StoreUnavailable
from gateline.store.options import StoreOptions

_READERS = 4
_REASONS = {
    "SQLITE_FULL": "the disk with {place} is full",
    "SQLITE_BUSY": "another process has been writing to {place} for too long",
    "SQLITE_LOCKED": "another process has been writing to {place} for too long",
    "SQLITE_READONLY": "{place} cannot be written to",
    "SQLITE_CANTOPEN": "{place} cannot be opened",
    "SQLITE_PERM": "{place} cannot be opened: permission denied",
    "SQLITE_CORRUPT": "{place} is damaged",
    "SQLITE_NOTADB": "{place} is not a database of SQLite",
    "SQLITE_IOERR": "reading or writing {place} failed",
}


class SQLite:
    """A file of SQLite."""

    name = "sqlite"
    interruptible = False  # a thread does it: cut off, it would go on, and keep the lock on the file
    migrates_itself = True

    def __init__(self, options: StoreOptions) -> None:
        if options.path is None:
            raise ValueError("SQLite needs the path of its file")
        self._path = options.path
        self.place = str(options.path)
        self.limit = None
        self._writer = _engine(options.path, 1, patience=options.patience, writes=True)
        self._readers = _engine(options.path, _READERS, patience=options.patience, writes=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A deferred transaction: in WAL mode it sees the file as of its first statement."""
        _create(self._path)
        async with self._readers.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """An immediate transaction: no other process writes while it lasts."""
        _create(self._path)
        async with self._writer.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """As writing: changes of tables are transactional."""
        async with self.writing() as connection:
            yield connection
            await connection.commit()

    def fault(self, error: BaseException) -> StoreUnavailable:
        """What an error means."""
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, OSError):
            return StoreUnavailable(f"{self.place} cannot be opened: {cause.strerror or cause}")
        code = str(getattr(cause, "sqlite_errorname", ""))
        for name, reason in _REASONS.items():
            if code == name or code.startswith(f"{name}_"):
                return StoreUnavailable(reason.format(place=self.place))
        return StoreUnavailable(f"{self.place} failed: {cause}")

    def constraint(self, error: exc.IntegrityError) -> str:
        """`table.column` of "UNIQUE constraint failed: table.column"; SQLite does not name foreign keys."""
        return str(error.orig).partition("UNIQUE constraint failed: ")[2].partition(",")[0]

    def notifying(self, update: sa.Update, version: int) -> sa.Executable:  # noqa: ARG002 - as its interface
        """The update alone: nobody listens, other processes are found by looking."""
        return update

    def telling(self, message: str) -> sa.Executable | None:  # noqa: ARG002 - as its interface
        """None: a file belongs to one node."""
        return None

    def counting(self, table: str) -> sa.Executable | None:  # noqa: ARG002 - as its interface
        """None: its planner does well without."""
        return None

    def bell(self) -> "Silence":
        """What never rings."""
        return Silence()

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.dispose()
        await self._writer.dispose()


class Silence:
    """A bell that never rings."""

    async def wait(self, limit: float) -> None:
        """Wait for `limit` seconds."""
        await asyncio.sleep(limit)

    def hear(self, heard: Callable[[str], None]) -> None:
        """Nobody says anything."""

    async def close(self) -> None:
        """Nothing to let go of."""


def _create(path: Path) -> None:
    """Make the file, if there is none, readable for its owner alone: it holds credentials and keys."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _engine(path: Path, size: int, *, patience: float, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        sa.URL.create("sqlite+aiosqlite", database=str(path)),
        # Without the driver's own idea of when a transaction begins: `BEGIN` is said where one does.
        connect_args={"isolation_level": None, "timeout": patience},
        pool_size=size,
        max_overflow=0,
        pool_timeout=patience,
        json_serializer=encode,
        json_deserializer=decode,
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        if not writes:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return engine
