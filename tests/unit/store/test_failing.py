"""A store that cannot be used says why, in a sentence, and is used again as soon as it can be."""

import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateline.store import StoreOptions, StoreUnavailable, open_store
from gateline.store.sql import SqlStore
from harness.postgres import Postgres
from harness.stores import filled, service, sqlite_options


async def reason_of(work: Any) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await work
    return caught.value.reason


async def write(store: SqlStore) -> None:
    async with store.write() as transaction:
        await transaction.insert(service())


async def test_a_full_disk_is_told_and_gets_over(tmp_path: Path) -> None:
    store = SqlStore(sqlite_options(tmp_path))
    await store.open()
    await filled(store, service("one"))
    async with store._database.writing() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    many = [service(f"s{number}", tags=["t"]) for number in range(500)]
    assert await reason_of(filled(store, *many)) == f"the disk with {store._database.place} is full"
    assert len((await store.page("services", size=9)).entities) == 1
    async with store._database.writing() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    await filled(store, *many)
    await store.close()


async def test_a_file_that_another_process_holds_is_told(tmp_path: Path) -> None:
    store, holder = SqlStore(sqlite_options(tmp_path, patience=0.1)), SqlStore(sqlite_options(tmp_path))
    await store.open()
    await holder.open()
    async with holder.write():
        assert "another process has been writing to" in await reason_of(write(store))
        assert await store.version() == 0
    await write(store)
    await store.close()
    await holder.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    options = sqlite_options(tmp_path)
    assert options.path is not None
    options.path.write_bytes(b"no database at all" * 99)
    store = SqlStore(options)
    assert await reason_of(store.open()) == f"{options.path} is not a database of SQLite"
    await store.close()


async def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqlStore(sqlite_options(tmp_path / "file" / "folder"))
    assert "cannot be opened" in await reason_of(store.open())
    await store.close()


async def test_a_write_waits_for_the_one_before_it_but_not_for_ever(options: StoreOptions) -> None:
    store = SqlStore(replace(options, patience=0.1))
    await store.open()
    async with store.write() as transaction:
        await transaction.insert(service("one"))
        assert await reason_of(write(store)) == "the writes before this one take too long"
    await write(store)
    assert await store.version() == 2
    await store.close()


async def test_a_writer_of_another_node_is_not_waited_for_for_ever(
    postgres: Postgres, postgres_options: StoreOptions
) -> None:
    options = postgres.options(postgres_options.pg_database, patience=0.2, pg_timeout=2.0)
    store, other = SqlStore(options), SqlStore(options)
    await store.open()
    await other.open()
    async with other.write() as transaction:
        await transaction.insert(service("one"))
        assert "did not answer in time" in await reason_of(write(store))
    await write(store)
    assert await store.version() == 2
    await store.close()
    await other.close()


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = StoreOptions("postgres", pg_port=port)
    store = SqlStore(options)
    for work in (store.open(), store.version(), store.whole(), write(store), store.check()):
        assert await reason_of(work) == f"nothing listens at {options.place}"
    await store.close()


async def test_a_server_that_does_not_answer_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = SqlStore(StoreOptions("postgres", pg_port=silent.getsockname()[1], pg_timeout=0.2))
        assert "did not answer in time" in await reason_of(store.version())
        assert "did not answer in time" in await reason_of(write(store))
        await store.close()


async def test_a_database_that_does_not_exist_is_told(postgres: Postgres) -> None:
    store = SqlStore(postgres.options("nowhere"))
    assert await reason_of(store.open()) == f"the server has no database {store._database.place}"
    await store.close()


async def test_a_server_without_tls_is_refused_when_tls_is_required(postgres: Postgres) -> None:
    required = SqlStore(postgres.options("postgres", pg_ssl=True, pg_ssl_required=True))
    assert "cannot be made" in await reason_of(required.version())
    await required.close()
    preferred = SqlStore(postgres.options("postgres", pg_ssl=True))
    assert "is not set up" in await reason_of(preferred.version())
    await preferred.close()


async def test_a_socket_in_the_file_system_can_be_used(postgres: Postgres, postgres_options: StoreOptions) -> None:
    store = SqlStore(postgres.options(postgres_options.pg_database, pg_host=str(postgres.folder)))
    await store.open()
    await write(store)
    await store.close()


async def test_tables_that_vanish_are_told(options: StoreOptions) -> None:
    store = SqlStore(options)
    await store.open()
    async with store._database.migrating() as connection:
        await connection.exec_driver_sql("DELETE FROM gateline_state")
    assert "is not set up" in await reason_of(store.version())
    await store.close()


async def test_a_connection_that_the_server_cut_costs_nothing(
    postgres: Postgres, postgres_options: StoreOptions
) -> None:
    store = SqlStore(postgres_options)
    await store.open()
    await asyncio.gather(*(store.version() for _ in range(5)))
    connection = await postgres.connect()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
    await connection.execute(cut, postgres_options.pg_database)
    assert await store.version() == 0
    await connection.execute(cut, postgres_options.pg_database)
    await write(store)
    await connection.close()
    await store.close()


async def test_a_connection_cut_in_a_transaction_undoes_it(postgres: Postgres, postgres_options: StoreOptions) -> None:
    store = SqlStore(postgres_options)
    await store.open()

    async def interrupted() -> None:
        async with store.write() as transaction:
            await transaction.insert(service("one"))
            connection = await postgres.connect()
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
            await connection.execute(cut, postgres_options.pg_database)
            await connection.close()
            await transaction.insert(service("two"))

    assert await reason_of(interrupted())
    assert await store.version() == 0
    await write(store)
    await store.close()


async def test_a_writer_that_is_cancelled_leaves_the_store_usable(store: SqlStore) -> None:
    async def endless() -> None:
        async with store.write() as transaction:
            while True:
                await transaction.insert(service())

    for delay in (0.0, 0.01, 0.05):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(delay):
                await endless()
        await write(store)
    assert len((await store.page("services", size=99)).entities) == 3


async def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gateline.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StoreUnavailable, match=r"pip install 'gateline\[postgres\]'"):
        open_store(StoreOptions("postgres"))


def test_no_password_is_shown() -> None:
    options = StoreOptions("postgres", pg_password="secret", pg_host="::1")
    assert "secret" not in repr(options)
    assert options.place == "[::1]:5432/kong"
    assert repr(sqlite_options(Path("/nowhere"))) == f"<sqlite {os.sep}nowhere{os.sep}gateline.db>"
