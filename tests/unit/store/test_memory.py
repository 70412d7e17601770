"""What is special about the store of a declarative file: nothing can be written, and it shows what it is told to."""

import asyncio

import pytest

from gateline.entities import EntityError, Snapshot
from gateline.store import MemoryStore, StoreOptions, open_store
from harness.stores import filled, service


async def test_writing_is_refused() -> None:
    store = MemoryStore()
    assert not store.writable
    with pytest.raises(EntityError) as refused:
        async with store.write():
            pass
    assert (refused.value.kind.code, refused.value.kind.status) == (12, 405)


async def test_it_shows_one_snapshot_after_the_other() -> None:
    store = MemoryStore()
    one, two = service("one", tags=["a"]), service("two", tags=["b"])
    await filled(store, one)
    assert await store.find("services", "name", "one") == one
    assert len((await store.tags(size=9)).rows) == 1
    store.show(Snapshot(services={two.id: two}))
    assert await store.find("services", "name", "one") is None
    assert await store.find("services", "name", "two") == two
    assert [row.tag for row in (await store.tags(size=9)).rows] == ["b"]
    assert await store.since(1) is None
    assert await store.version() == 2


async def test_nothing_changes_behind_it() -> None:
    store = MemoryStore()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await store.wait_for_change()


def test_it_is_the_store_of_a_node_without_a_database() -> None:
    store = open_store(StoreOptions("off"))
    assert isinstance(store, MemoryStore)
    assert store.name == "off"
