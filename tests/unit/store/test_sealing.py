"""Secrets of credentials in a database, and credentials whose time is over."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateline.entities import Consumer, EntityError
from gateline.entities.sealing import KEY_BYTES, Manner, Sealer
from gateline.plugins.key_auth import KeyauthCredential
from gateline.store import StoreOptions, StoreUnavailable
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options

KEY, OTHER = bytes(KEY_BYTES), bytes(range(KEY_BYTES))
KIND = "keyauth_credentials"
BOB = Consumer.parse({"username": "bob"})


def key(text: str, **fields: Any) -> KeyauthCredential:
    return KeyauthCredential.parse({"consumer": {"id": BOB.id}, "key": text, **fields})


def sealed(options: StoreOptions, manner: Manner, *keys: bytes) -> SqlStore:
    return SqlStore(replace(options, sealer=Sealer(manner, keys or (KEY,))))


async def filled(store: SqlStore, *credentials: KeyauthCredential) -> None:
    await store.open()
    async with store.write() as transaction:
        await transaction.insert(BOB)
        await transaction.insert_many(credentials)


@pytest.mark.parametrize("manner", ["encrypted", "hashed", "plain"])
async def test_credentials_are_found_by_their_secret(options: StoreOptions, manner: Manner) -> None:
    store = sealed(options, manner)
    await filled(store, key("first-key"), key("second-key"))
    try:
        found = await store.find(KIND, "key", "first-key")
        assert isinstance(found, KeyauthCredential)
        assert (found.key == "first-key") == (manner != "hashed")
        assert await store.find(KIND, "key", "first-ke") is None
        assert len((await store.page(KIND, size=10)).entities) == 2
        with pytest.raises(EntityError) as caught:
            async with store.write() as transaction:
                await transaction.insert(key("first-key"))
        assert caught.value.fields == {"key": "first-key"}
    finally:
        await store.close()


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("manner", ["encrypted", "hashed"])
async def test_no_secret_is_in_the_file(tmp_path: Path, manner: Manner) -> None:
    options = sqlite_options(tmp_path)
    store = sealed(options, manner)
    credential = key("the-secret-of-bob")
    await filled(store, credential)
    async with store.write() as transaction:
        await transaction.replace(KeyauthCredential.patched(credential.to_wire(), {"tags": ["a"]}))
    async with store.write() as transaction:
        await transaction.delete(KIND, credential.id)
    await store.close()
    content = content_of(tmp_path)
    assert b"the-secret-of-bob" not in content
    assert b"bob" in content


@pytest.mark.parametrize("manner", ["encrypted", "hashed"])
async def test_a_change_of_something_else_leaves_the_secret(options: StoreOptions, manner: Manner) -> None:
    store = sealed(options, manner)
    credential = key("the-secret-of-bob")
    await filled(store, credential)
    try:
        before = await store.get(KIND, credential.id)
        assert before is not None
        version = await store.version()
        async with store.write() as transaction:
            await transaction.replace(before)
        assert await store.version() == version  # nothing has changed
        async with store.write() as transaction:
            await transaction.replace(KeyauthCredential.patched(before.to_wire(), {"tags": ["a"]}))
        found = await store.find(KIND, "key", "the-secret-of-bob")
        assert found is not None
        assert found.to_wire()["tags"] == ["a"]
        [change] = await store.since(version) or []
        assert change.put[KIND] == [found]
    finally:
        await store.close()


async def test_what_is_stored_follows_the_setting_and_the_keys(options: StoreOptions) -> None:
    credential = key("the-secret-of-bob")
    plain = sealed(options, "plain")
    await filled(plain, credential)
    assert await plain.reseal() == 0
    await plain.close()

    encrypting = sealed(options, "encrypted", OTHER)
    await encrypting.open()
    assert await encrypting.get(KIND, credential.id) == credential
    assert await encrypting.reseal() == 2  # the entity, and the log of changes
    assert await encrypting.reseal() == 0
    await encrypting.close()

    rotating = sealed(options, "encrypted", KEY, OTHER)
    await rotating.open()
    assert await rotating.reseal() == 2
    await rotating.close()

    hashing = sealed(options, "hashed", KEY)
    await hashing.open()
    assert await hashing.get(KIND, credential.id) == credential
    assert await hashing.reseal() == 2
    found = await hashing.find(KIND, "key", "the-secret-of-bob")
    assert isinstance(found, KeyauthCredential)
    assert found.key.startswith("sha256$the-")
    await hashing.close()


async def test_many_secrets_are_brought_into_another_form_a_part_at_a_time(
    options: StoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateline.store.resealing.LOOK", 3)
    monkeypatch.setattr("gateline.store.resealing.PART", 2)
    store = sealed(options, "plain")
    await filled(store, *(key(f"secret-{number}") for number in range(8)))
    await store.close()
    for manner, looked_up in (("encrypted", "secret-1"), ("plain", "secret-2"), ("hashed", "secret-7")):
        other = sealed(options, manner)  # type: ignore[arg-type]
        await other.open()
        try:
            assert await other.reseal() == 16
            assert await other.reseal() == 0
            assert await other.find(KIND, "key", looked_up) is not None
        finally:
            await other.close()


async def test_without_its_key_a_store_says_which_one_is_missing(options: StoreOptions) -> None:
    store = sealed(options, "encrypted", OTHER)
    credential = key("the-secret-of-bob")
    await filled(store, credential)
    await store.close()
    other = sealed(options, "encrypted", KEY)
    await other.open()
    try:
        with pytest.raises(StoreUnavailable, match="which this node does not have"):
            await other.get(KIND, credential.id)
        assert await other.reseal() == 0
    finally:
        await other.close()


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets an hour pass, as far as stores can see."""
    began = time.time
    return lambda: monkeypatch.setattr(time, "time", lambda: began() + 3600)


async def test_what_is_over_is_not_there(options: StoreOptions, over: Callable[[], None]) -> None:
    store = sealed(options, "encrypted")
    short, long = key("short", ttl=60, tags=["t"]), key("long", ttl=7200)
    await filled(store, short, long)
    try:
        assert await store.find(KIND, "key", "short") is not None
        over()
        assert await store.find(KIND, "key", "short") is None
        assert await store.get(KIND, short.id) is None
        assert (await store.page(KIND, size=10)).entities == [long]
        assert (await store.whole([KIND])).kinds[KIND] == {long.id: long}
        async with store.write() as transaction:
            await transaction.insert(key("short"))  # its value is free again
        async with store.write() as transaction:
            assert await transaction.delete_expired(KIND) == 0
    finally:
        await store.close()


async def test_what_is_over_is_deleted_and_told(options: StoreOptions, over: Callable[[], None]) -> None:
    store = sealed(options, "plain")
    short = key("short", ttl=60)
    await filled(store, short)
    try:
        over()
        async with store.write() as transaction:
            assert await transaction.delete_expired(KIND) == 1
            assert await transaction.delete_expired("consumers") == 0
        assert transaction.change.delete == {KIND: [short.id]}
    finally:
        await store.close()


async def test_what_is_many_is_handed_over_from_the_same_moment(options: StoreOptions) -> None:
    store = sealed(options, "encrypted")
    credentials = sorted((key(f"k{number}") for number in range(2500)), key=lambda one: one.id)
    await filled(store, *credentials)
    taken: list[Any] = []

    async def take(whole: Any, kind: str, entities: list[Any]) -> None:
        assert set(whole.kinds) == {"consumers"}
        taken.append((kind, entities))

    try:
        whole = await store.whole(["consumers"], others=[KIND], take=take)
    finally:
        await store.close()
    assert list(whole.kinds["consumers"]) == [BOB.id]
    assert [len(entities) for _, entities in taken] == [1000, 1000, 500]
    assert [entity for _, entities in taken for entity in entities] == credentials


def test_sqlite_knows_digests_only(tmp_path: Path) -> None:
    options = sqlite_options(tmp_path)

    async def fill() -> None:
        store = sealed(options, "plain")
        await filled(store, key("abc"))
        await store.close()

    asyncio.run(fill())
    assert options.path is not None
    connection = sqlite3.connect(options.path)
    [[column]] = connection.execute(f"SELECT key FROM gateline_{KIND}").fetchall()
    connection.close()
    assert len(column) == 64
