"""Bringing a database's tables up to date, and saying how they stand.

The tables of Gateline's own kinds come from the packaged migrations. A kind that no migration knows (it came with a
plugin) gets its table as the registry describes it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection

from gateline.store.database import Database, database_of
from gateline.store.options import StoreOptions
from gateline.store.session import FAULTS, translated
from gateline.store.tables import MIGRATIONS_TABLE, PREFIX, KindTable, present_tables

T = TypeVar("T")

_LIMIT = 60.0
"""Seconds that all migrations together, and waiting for another node's, may take."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step in the history of the tables."""

    revision: str
    description: str


@dataclass(frozen=True, slots=True)
class MigrationState:
    """How a database stands."""

    executed: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    unknown: str | None = None
    """A revision that the database has and this release does not know: a newer release migrated it."""
    missing_kinds: tuple[str, ...] = ()
    """Kinds of plugins that have no table yet."""

    @property
    def bootstrapped(self) -> bool:
        """Whether Gateline has tables there at all."""
        return bool(self.executed) or self.unknown is not None

    @property
    def current(self) -> bool:
        """Whether there is nothing to do."""
        return self.bootstrapped and not (self.pending or self.unknown or self.missing_kinds)


@cache
def list_migrations() -> tuple[Migration, ...]:
    """Every migration of this release, oldest first."""
    revisions = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(Migration(script.revision, script.doc) for script in reversed(list(revisions)))


async def migration_state(options: StoreOptions) -> MigrationState:
    """How a database stands. Raises StoreUnavailable."""
    return await _using(options, state_with)


async def migrate(options: StoreOptions) -> tuple[str, ...]:
    """Make what is missing; gives what was done, as revisions and kinds. Raises StoreUnavailable.

    All or nothing, and only one at a time, however many nodes do it.
    """
    return await _using(options, migrate_with)


async def reset(options: StoreOptions) -> None:
    """Drop Gateline's tables, with everything in them. Raises StoreUnavailable."""
    await _using(options, _reset_with)


async def _using(options: StoreOptions, work: Callable[[Database], Awaitable[T]]) -> T:
    database = database_of(options)
    try:
        return await work(database)
    finally:
        await database.close()


async def state_with(database: Database) -> MigrationState:
    """How a database stands."""
    return await _in_database(database.snapshot, database, _state)


async def migrate_with(database: Database) -> tuple[str, ...]:
    """Make what is missing."""
    return await _in_database(database.migrating, database, _migrate)


def remedy(state: MigrationState, database: Database) -> str | None:
    """What a person has to do before the database can be used, None when it is ready."""
    if not state.bootstrapped:
        return f"the database at {database.place} is not set up: run `gateline migrations bootstrap`"
    if state.unknown:
        return f"the database at {database.place} was migrated by a newer release (revision {state.unknown})"
    if not state.current:
        return f"the database at {database.place} is not up to date: run `gateline migrations up`"
    return None


async def _reset_with(database: Database) -> None:
    await _in_database(database.migrating, database, _reset)


async def _in_database(
    source: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
    database: Database,
    work: Callable[[sa.Connection], T],
) -> T:
    try:
        async with asyncio.timeout(_LIMIT), source() as connection:
            return await connection.run_sync(work)
    except FAULTS as error:
        raise translated(database, error) from error


# On a connection.


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: sa.Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": MIGRATIONS_TABLE})
    return context.get_current_revision()


def _state(connection: sa.Connection) -> MigrationState:
    revision = _revision(connection)
    known = list_migrations()
    place = next((place for place, one in enumerate(known, start=1) if one.revision == revision), 0)
    if revision is not None and not place:
        return MigrationState((), (), unknown=revision)
    without = tuple(of.kind for of in _without_table(connection)) if place == len(known) else ()
    return MigrationState(known[:place], known[place:], missing_kinds=without)


def _without_table(connection: sa.Connection) -> list[KindTable]:
    present = set(sa.inspect(connection).get_table_names())
    return [of for of in present_tables().kinds.values() if of.table.name not in present]


def _migrate(connection: sa.Connection) -> tuple[str, ...]:
    before = _state(connection)
    if before.unknown:
        return ()
    if before.pending:
        command.upgrade(_config(connection), "head")
    new = _without_table(connection)
    for of in new:
        of.table.create(connection)
    return (*(migration.revision for migration in before.pending), *(of.kind for of in new))


def _reset(connection: sa.Connection) -> None:
    metadata = sa.MetaData()
    metadata.reflect(connection, only=lambda name, _: name.startswith(PREFIX))
    metadata.drop_all(connection)
