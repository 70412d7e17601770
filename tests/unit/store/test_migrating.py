"""The tables of a database: made by migrations, the same as the declarations say, and refused when they are not."""

import asyncio
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
import sqlalchemy as sa

from gateline.entities import Entity, brought_kinds, kinds
from gateline.entities.marks import Unique
from gateline.entities.schema import FOREIGN_MODELS
from gateline.store import NotMigrated, StoreOptions
from gateline.store.migrating import list_migrations, migrate, migration_state, reset
from gateline.store.sql import SqlStore
from gateline.store.tables import MIGRATIONS_TABLE, PREFIX, present_tables, table_name
from harness.postgres import Postgres
from harness.stores import filled, service, sqlite_options


@pytest.fixture(params=["sqlite", "postgres"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOptions:
    """A database without tables."""
    if request.param == "sqlite":
        return sqlite_options(tmp_path)
    server: Postgres = request.getfixturevalue("postgres")
    return server.options(request.getfixturevalue("postgres_database"))


def described(connection: sa.Connection, of: sa.MetaData | None = None) -> dict[str, Any]:
    """Every table of Gateline: columns, constraints, indexes. With `of`, these are made first, by themselves."""
    if of is not None:
        of.create_all(connection)
    inspector = sa.inspect(connection)
    found: dict[str, Any] = {}
    for name in inspector.get_table_names():
        if name == MIGRATIONS_TABLE or not name.startswith(PREFIX):
            continue
        found[name] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], getattr(column["type"], "collation", None))
                for column in inspector.get_columns(name)
            },
            "primary key": inspector.get_pk_constraint(name),
            "unique": _sorted(inspector.get_unique_constraints(name)),
            "foreign": _sorted(inspector.get_foreign_keys(name)),
            "indexes": _sorted(inspector.get_indexes(name)),
        }
    return found


def _sorted(rows: Any) -> list[Any]:
    return sorted((dict(row) for row in rows), key=lambda row: str(row["name"]))


async def tables_of(options: StoreOptions, made: sa.MetaData | None = None) -> dict[str, Any]:
    store = SqlStore(options)
    try:
        async with store._database.migrating() as connection:
            return await connection.run_sync(described, made)
    finally:
        await store.close()


async def test_migrations_make_what_the_declarations_say(bare: StoreOptions) -> None:
    expected = await tables_of(bare, present_tables().metadata)
    await reset(bare)
    await migrate(bare)
    migrated = await tables_of(bare)
    assert sorted(migrated) == sorted(expected)
    for name, table in expected.items():
        assert migrated[name] == table, f"{name}: a migration is missing"


def own(done: tuple[str, ...]) -> tuple[str, ...]:
    """What was done, without the tables of plugins that another test has loaded."""
    return tuple(one for one in done if one not in brought_kinds())


async def test_every_kind_of_the_product_has_a_migration(bare: StoreOptions) -> None:
    assert own(await migrate(bare)) == tuple(migration.revision for migration in list_migrations())
    assert {table_name(kind) for kind in kinds()} <= set(await tables_of(bare))


async def test_a_database_is_set_up_once(bare: StoreOptions) -> None:
    before = await migration_state(bare)
    assert (before.bootstrapped, before.current, before.executed) == (False, False, ())
    assert before.pending == list_migrations()
    assert await migrate(bare)
    after = await migration_state(bare)
    assert (after.bootstrapped, after.current, after.pending) == (True, True, ())
    assert after.executed == list_migrations()
    assert await migrate(bare) == ()


async def test_migrations_are_numbered_and_named() -> None:
    revisions = [migration.revision for migration in list_migrations()]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert all(migration.description for migration in list_migrations())


async def test_a_reset_leaves_what_is_not_gatelines(bare: StoreOptions) -> None:
    await migrate(bare)
    store = SqlStore(bare)
    await store.open()
    await filled(store, service("one", tags=["a"]))
    async with store._database.migrating() as connection:
        await connection.exec_driver_sql("CREATE TABLE services (id integer)")
    await reset(bare)
    async with store._database.reading() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == ["services"]
    assert not (await migration_state(bare)).bootstrapped
    await store.close()
    await reset(bare)


async def test_nodes_that_set_up_a_database_at_once_take_turns(bare: StoreOptions) -> None:
    done = await asyncio.gather(*(migrate(bare) for _ in range(4)))
    assert sorted(map(own, done), key=len) == [(), (), (), tuple(migration.revision for migration in list_migrations())]


async def test_sqlite_is_set_up_when_it_is_opened(tmp_path: Path) -> None:
    options = sqlite_options(tmp_path / "new" / "folder")
    store = SqlStore(options)
    await store.open()
    await store.close()
    assert options.path is not None
    assert stat.S_IMODE(options.path.stat().st_mode) == 0o600
    assert (await migration_state(options)).current


async def test_postgres_is_not_set_up_unasked(postgres: Postgres, postgres_database: str) -> None:
    store = SqlStore(postgres.options(postgres_database))
    with pytest.raises(NotMigrated, match="is not set up: run `gateline migrations bootstrap`"):
        await store.open()
    with pytest.raises(NotMigrated):
        await store.version()
    await migrate(postgres.options(postgres_database))
    await store.open()
    await store.close()


async def test_a_schema_is_made_when_it_is_named(postgres: Postgres, postgres_database: str) -> None:
    options = postgres.options(postgres_database, pg_schema='a "schema"')
    assert not (await migration_state(options)).bootstrapped
    await migrate(options)
    store = SqlStore(options)
    await store.open()
    await filled(store, service("one"))
    await store.close()
    assert not (await migration_state(replace(options, pg_schema=None))).bootstrapped
    await reset(options)


async def test_a_database_of_a_newer_release_is_left_alone(bare: StoreOptions) -> None:
    await migrate(bare)
    store = SqlStore(bare)
    async with store._database.migrating() as connection:
        await connection.exec_driver_sql(f"UPDATE {MIGRATIONS_TABLE} SET version_num = '9999'")
    with pytest.raises(NotMigrated, match=r"was migrated by a newer release \(revision 9999\)"):
        await store.open()
    await store.close()
    assert (await migration_state(bare)).unknown == "9999"
    assert await migrate(bare) == ()


@pytest.fixture
def new_kind() -> Iterator[type[Entity]]:
    """A kind that a plugin brings, of which no migration knows."""
    before = dict(FOREIGN_MODELS)

    class Token(Entity):
        kind: ClassVar = "tokens"
        singular: ClassVar = "token"
        value: Annotated[str, Unique()]

    yield Token
    FOREIGN_MODELS.clear()
    FOREIGN_MODELS.update(before)


async def test_a_kind_of_a_plugin_gets_its_table(
    bare: StoreOptions, new_kind: type[Entity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FOREIGN_MODELS, "tokens")
    await migrate(bare)
    monkeypatch.undo()
    state = await migration_state(bare)
    assert state.missing_kinds == ("tokens",)
    store = SqlStore(bare)
    if bare.database == "postgres":
        with pytest.raises(NotMigrated, match="is not up to date: run `gateline migrations up`"):
            await store.open()
        assert await migrate(bare) == ("tokens",)
    await store.open()
    token = new_kind.parse({"value": "x"})
    await filled(store, token)
    assert await store.find("tokens", "value", "x") == token
    await store.close()
