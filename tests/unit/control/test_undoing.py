"""Undoing a committed change: everything is as before, or nothing is touched."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateline.control.undoing import OvertakenError, undo
from gateline.entities import EntityError, Snapshot
from gateline.store import Change, Store, StoreOptions, open_store
from harness.stores import consumer, route, service, target, upstream

Script = Callable[[Store], Awaitable[None]]


def play(tmp_path: Path, script: Script) -> None:
    async def main() -> None:
        store = open_store(StoreOptions("sqlite", tmp_path / "g.db"))
        await store.open()
        try:
            await asyncio.wait_for(script(store), 20)
        finally:
            await store.close()

    asyncio.run(main())


async def everything(store: Store) -> Snapshot:
    return Snapshot(hash="", **(await store.whole()).kinds)


async def take_back(store: Store, change: Change) -> None:
    async with store.write() as transaction:
        await undo(transaction, change)


def test_what_was_made_changed_and_deleted_is_as_before(tmp_path: Path) -> None:
    async def script(store: Store) -> None:
        one, two, pool = service("one"), service("two"), upstream("u")
        member = target(pool, "10.0.0.1:80")
        async with store.write() as transaction:
            await transaction.insert_many([one, two, pool, member, consumer("c")])
        before = await everything(store)
        async with store.write() as transaction:
            # Names pass from one to the other, and what hangs below goes along.
            await transaction.replace_many([service("two", id=one.id), service("one", id=two.id)])
            await transaction.delete("upstreams", pool.id)
            new = service("three")
            await transaction.insert_many([new, route(new, "r")])
        change = transaction.change
        assert set(change.delete) == {"upstreams", "targets"}
        assert await everything(store) != before
        await take_back(store, change)
        assert await everything(store) == before

    play(tmp_path, script)


def test_what_was_written_again_since_is_not_undone(tmp_path: Path) -> None:
    async def script(store: Store) -> None:
        one = service("one")
        async with store.write() as transaction:
            await transaction.insert(one)
        change = transaction.change
        async with store.write() as transaction:
            await transaction.replace(service("later", id=one.id))
        with pytest.raises(OvertakenError):
            await take_back(store, change)
        assert await store.find("services", "name", "later") is not None

    play(tmp_path, script)


def test_what_something_else_depends_on_is_not_undone(tmp_path: Path) -> None:
    async def script(store: Store) -> None:
        one = service("one")
        async with store.write() as transaction:
            await transaction.insert(one)
        change = transaction.change
        async with store.write() as transaction:
            await transaction.insert(route(one, "r"))
        with pytest.raises(EntityError):
            await take_back(store, change)
        assert await store.get("services", one.id) is not None

    play(tmp_path, script)
