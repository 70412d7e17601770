"""The feed of changes: what other nodes get to know, in which order, how long it is kept, and how they are woken."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateline.entities import Service
from gateline.store import Change, StoreOptions
from gateline.store.migrating import migrate, reset
from gateline.store.sql import SqlStore
from harness.stores import filled, route, service, sqlite_options

PATIENCE = 20.0


def changed(entity: Service, **fields: Any) -> Service:
    return Service.parse({**entity.to_wire(), **fields})


async def add(store: SqlStore, *names: str) -> list[int]:
    """Versions of transactions that each add a service."""
    versions = []
    for name in names:
        async with store.write() as transaction:
            await transaction.insert(service(name))
        versions.append(transaction.change.version)
    return versions


def names(changes: list[Change] | None) -> list[str]:
    assert changes is not None
    return [entity.to_wire()["name"] for change in changes for entity in change.put["services"]]


async def test_each_transaction_has_the_next_version(store: SqlStore) -> None:
    assert await store.version() == 0
    assert await add(store, "a", "b", "c") == [1, 2, 3]
    assert await store.version() == 3


async def test_the_feed_gives_what_came_after_a_version(store: SqlStore, second: SqlStore) -> None:
    await add(store, "a", "b", "c")
    assert names(await second.since(0)) == ["a", "b", "c"]
    assert names(await second.since(2)) == ["c"]
    assert await second.since(3) == []
    assert await second.since(4) is None
    assert await second.since(-1) is None


async def test_a_change_is_the_net_of_its_transaction(store: SqlStore) -> None:
    kept, gone, fleeting = service("kept"), service("gone"), service("fleeting")
    await filled(store, kept, gone)
    async with store.write() as transaction:
        await transaction.replace(changed(kept, host="one.test"))
        await transaction.replace(last := changed(kept, host="two.test"))
        await transaction.insert(fleeting)
        await transaction.delete("services", fleeting.id)
        await transaction.delete("services", gone.id)
        await transaction.insert(path := route(kept, "r"))
        assert transaction.change.version == 0
    expected = Change(2, {"services": [last], "routes": [path]}, {"services": [gone.id]})
    assert replace(transaction.change, before={}) == expected
    assert transaction.change.before == {"services": {kept.id: kept.to_wire(), gone.id: gone.to_wire()}}
    assert await store.since(1) == [expected]


async def test_what_is_undone_in_the_same_transaction_never_happened(store: SqlStore) -> None:
    one = service("one")
    await filled(store, one)
    async with store.write() as transaction:
        await transaction.replace(changed(one, host="new.test"))
        await transaction.replace(one)
        await transaction.delete("services", one.id)
        await transaction.insert(one)
    assert not transaction.change
    assert await store.version() == 1


async def test_a_transaction_without_writes_has_no_version(store: SqlStore) -> None:
    async with store.write() as transaction:
        await transaction.get("services", service().id)
    assert transaction.change == Change()
    assert await store.version() == 0


async def test_who_changed_something_and_why_is_kept(store: SqlStore) -> None:
    one = service("one")
    async with store.write(actor="ann", reason="apply") as transaction:
        await transaction.insert(one)
    async with store.write() as transaction:
        await transaction.delete("services", one.id)
    async with store._database.reading() as connection:
        rows = (await connection.execute(sa.select(store._tables.changes))).all()
    told = [(row.version, row.actor, row.reason, row.kind, row.entity_id, row.operation) for row in rows]
    assert told == [
        (1, "ann", "apply", "services", one.id, "create"),
        (2, None, None, "services", one.id, "delete"),
    ]
    assert [(row.before, row.after) for row in rows] == [(None, one.to_wire()), (one.to_wire(), None)]


async def test_the_oldest_changes_are_forgotten_in_whole_transactions(options: StoreOptions) -> None:
    store = SqlStore(replace(options, changes_kept=100))
    await store.open()
    try:
        await filled(store, *(service(f"first{number}") for number in range(600)))
        await filled(store, *(service(f"second{number}") for number in range(450)))
        assert len(names(await store.since(0))) == 1050
        await add(store, *(f"single{number}" for number in range(60)))
        assert await store.since(0) is None
        kept = await store.since(1)
        assert kept is not None
        assert [change.version for change in kept] == list(range(2, 63))
        assert len(names(kept)) == 450 + 60
        assert len(names(await store.since(60))) == 2
    finally:
        await store.close()


async def test_a_long_transaction_is_kept_until_all_of_it_is_old(options: StoreOptions) -> None:
    store = SqlStore(replace(options, changes_kept=100))
    await store.open()
    try:
        await filled(store, *(service(f"first{number}") for number in range(1200)))
        await add(store, "a", "b")
        assert len(names(await store.since(0))) == 1202
    finally:
        await store.close()


async def test_a_feed_that_is_too_long_is_not_read(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateline.store.changes.MOST", 3)
    await add(store, "a", "b", "c", "d")
    assert await store.since(0) is None
    assert names(await store.since(1)) == ["b", "c", "d"]


async def test_a_store_that_was_set_up_anew_has_no_feed_for_old_versions(options: StoreOptions) -> None:
    store = SqlStore(options)
    await migrate(options)
    await store.open()
    try:
        await add(store, "a", "b")
        await store.whole()
        await reset(options)
        await migrate(options)
        other = SqlStore(options)
        await other.open()
        await add(other, "c", "d")
        await other.close()
        assert await store.since(2) is None
        async with asyncio.timeout(PATIENCE):
            assert await store.wait_for_change(2) == 2
        assert len((await store.whole()).kinds["services"]) == 2
        assert await store.since(2) == []
    finally:
        await store.close()


# Being woken.


async def test_a_change_of_another_node_wakes(store: SqlStore, second: SqlStore) -> None:
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        await store.whole()
        waiting = group.create_task(store.wait_for_change(0))
        await asyncio.sleep(0)
        await add(second, "a")
        assert await waiting == 1
        assert names(await store.since(0)) == ["a"]


async def test_a_change_from_before_is_told_at_once(store: SqlStore, second: SqlStore) -> None:
    await store.whole()
    await add(second, "a", "b")
    async with asyncio.timeout(PATIENCE):
        assert await store.wait_for_change(0) == 2
        assert await store.wait_for_change(1) == 2
        assert await store.wait_for_change() == 2


async def test_what_a_node_wrote_itself_does_not_wake_it(store: SqlStore) -> None:
    await store.whole()
    waiting = asyncio.get_running_loop().create_task(store.wait_for_change())
    await add(store, "a", "b", "c")
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_foreign_change_between_own_ones_wakes(store: SqlStore, second: SqlStore) -> None:
    await store.whole()
    await add(store, "a")
    await add(second, "b")
    await add(store, "c")
    async with asyncio.timeout(PATIENCE):
        assert await store.wait_for_change() == 3
    assert names(await store.since(1)) == ["b", "c"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await store.wait_for_change()


async def test_without_notifications_a_look_now_and_then_finds_changes(
    store: SqlStore, second: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(*_: object) -> None:
        raise OSError

    if store.name == "postgres":
        monkeypatch.setattr(store._bell, "_listen", deaf)
        monkeypatch.setattr(store._bell, "_not_before", float("inf"))
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        waiting = group.create_task(store.wait_for_change(0))
        await asyncio.sleep(0)
        await add(second, "a")
        assert await waiting == 1


async def test_nodes_in_different_schemas_do_not_hear_each_other(postgres_options: StoreOptions) -> None:
    stores = [SqlStore(replace(postgres_options, pg_schema=name, poll_interval=60.0)) for name in ("one", 'tw"o')]
    for store in stores:
        await migrate(store._options)
        await store.open()
    try:
        waiting = asyncio.get_running_loop().create_task(stores[0].wait_for_change(0))
        await add(stores[1], "a")
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        other = SqlStore(replace(postgres_options, pg_schema="one"))
        await other.open()
        await add(other, "a")
        await other.close()
        async with asyncio.timeout(PATIENCE):
            assert await waiting == 1
    finally:
        for store in stores:
            await store.close()


async def test_other_programs_of_the_node_are_noticed_on_sqlite(tmp_path: Path) -> None:
    store, program = SqlStore(sqlite_options(tmp_path)), SqlStore(sqlite_options(tmp_path))
    await store.open()
    await program.open()
    await store.whole()
    await add(program, "a")
    async with asyncio.timeout(PATIENCE):
        assert await store.wait_for_change() == 1
    await store.close()
    await program.close()
