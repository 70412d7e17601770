"""Entities that plugins write on a node without a database: seen by all workers, had once, over in time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.control.directory import NodeDirectory
from gateline.control.rows import as_stored
from gateline.engine.credentials import WorkerCredentials
from gateline.engine.feed import Written
from gateline.engine.local_state import LocalCredentials
from gateline.engine.written import CachedEntities, LocalEntities, StoredEntities
from gateline.entities import Consumer, Entity
from gateline.entities.sealing import KEY_BYTES, Sealer
from gateline.pdk import EntitiesError
from gateline.pdk.node import Entities, Place
from gateline.plugins.basic_auth import BasicauthCredential
from gateline.plugins.key_auth import KeyauthCredential
from gateline.sharedstate import Directory, DirectoryWriter, SharedCache, SharedCounters, open_directory
from gateline.sharedstate.rows import row_key
from gateline.store import Change

BOB = Consumer.parse({"username": "bob"})
KIND = KeyauthCredential.kind
ID = "5f1d7fbc-0000-4000-8000-000000000001"


class Scene:
    """Two workers of a node."""

    def __init__(self, path: Path) -> None:
        self.now = 1000.0
        self.path = path
        self._environment = open_directory(path / "directory")
        sealer = Sealer("encrypted", [bytes(KEY_BYTES)])
        self.node = NodeDirectory(DirectoryWriter(self._environment), sealer)
        self._cache = SharedCache(path / "cache", clock=lambda: self.now)
        self._counters = SharedCounters(path / "counters", clock=lambda: self.now)
        self._credentials = WorkerCredentials(lambda: Directory(self._environment), sealer, lambda: self.now)
        self._credentials.open()
        self.declare(BOB)
        self.one, self.other = (
            CachedEntities(self._credentials, self._cache, self._counters, sealer, lambda: self.now) for _ in range(2)
        )

    def declare(self, *entities: Entity) -> None:
        change = Change()
        for entity in entities:
            change.put.setdefault(entity.kind, []).append(entity)
        asyncio.run(self.node.change([change], as_stored))
        self._credentials.renew()

    def close(self) -> None:
        self._credentials.close()
        self._cache.close()
        self._counters.close()
        self.node.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


def key(value: str, **fields: Any) -> KeyauthCredential:
    return KeyauthCredential.parse({"consumer": {"id": BOB.id}, "key": value, **fields})


def place(value: str) -> Place:
    return (KIND, "key", value)


def insert(entities: Entities, entity: Entity, instead_of: str | None = None) -> bool:
    return asyncio.run(entities.insert(entity, instead_of=None if instead_of is None else place(instead_of)))


def delete(entities: Entities, value: str) -> bool:
    return asyncio.run(entities.delete(place(value)))


def test_what_one_worker_writes_the_others_find(scene: Scene) -> None:
    made = key("a", tags=["t"])
    assert insert(scene.one, made)
    for found in (scene.other.find(*place("a")), scene.other.get(KIND, made.id)):
        assert found is not None
        assert (found.id, found.consumer and found.consumer.username) == (made.id, "bob")
        assert found.fields == {"id": made.id, "consumer": {"id": BOB.id}, "tags": ["t"]}
    assert scene.other.get("basicauth_credentials", made.id) is None
    assert scene.other.get(KIND, "nothing") is None
    assert delete(scene.other, "a")
    assert scene.one.find(*place("a")) is scene.one.get(KIND, made.id) is None
    assert not delete(scene.one, "a")


def test_what_a_file_declares_is_found_and_not_changed(scene: Scene) -> None:
    declared = key("declared")
    scene.declare(declared)
    assert scene.one.find(*place("declared")) is not None
    assert scene.one.get(KIND, declared.id) is not None
    with pytest.raises(EntitiesError, match="declares"):
        delete(scene.one, "declared")
    with pytest.raises(EntitiesError, match="declares"):
        insert(scene.one, key("new"), "declared")
    assert scene.one.find(*place("new")) is None


def test_one_of_several_gets_what_there_is_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    made = key("code")
    insert(scene.one, made)
    name = f"entity {row_key(KIND, made.id).hex()}"
    row = scene._cache.get(name)
    assert insert(scene.one, key("token1"), "code")
    with monkeypatch.context() as patched:  # the other worker has read the row before the first one took it
        patched.setattr(scene._cache, "get", lambda _: row)
        assert not insert(scene.other, key("token2"), "code")
    assert scene.other.find(*place("token1")) is not None
    assert scene.other.find(*place("token2")) is None


def test_an_entity_takes_the_place_of_itself(scene: Scene) -> None:
    insert(scene.one, key("old", id=ID))
    assert insert(scene.other, key("new", id=ID), "old")
    assert not insert(scene.one, key("newer", id=ID), "old")
    assert scene.one.find(*place("old")) is None
    found = scene.one.find(*place("new"))
    assert found is not None
    assert found.id == ID


def test_what_is_over_is_gone(scene: Scene) -> None:
    insert(scene.one, key("short", ttl=10, expires_at=1010.0))
    assert scene.other.find(*place("short")) is not None
    scene.now = 1010.5
    assert scene.other.find(*place("short")) is None
    assert not delete(scene.other, "short")


def test_secrets_do_not_lie_open_in_memory(scene: Scene) -> None:
    insert(scene.one, key("the-key-itself"))
    made = BasicauthCredential.parse({"consumer": {"id": BOB.id}, "username": "b", "password": "p"})
    insert(scene.one, made)
    files = b"".join(file.read_bytes() for file in scene.path.rglob("data.mdb"))
    assert b"the-key-itself" not in files
    assert made.password.encode() not in files
    found = scene.other.find("basicauth_credentials", "username", "b")
    assert found is not None
    assert found.fields["password"] == made.password


def test_without_shared_memory_the_process_has_its_own() -> None:
    credentials = LocalCredentials()
    entities = LocalEntities(credentials)
    insert(entities, key("a", id=ID))
    assert insert(entities, key("b", id=ID), "a")
    assert not insert(entities, key("c"), "a")
    assert credentials.find(*place("b")) is entities.get(KIND, ID)
    assert delete(entities, "b")
    assert not delete(entities, "b")


def test_with_a_database_the_control_process_is_asked() -> None:
    asked: list[Any] = []
    answers = [Written(1, done=True), Written(2), Written(3, error="nobody is there")]

    async def ask(*given: Any) -> Written:
        asked.append(given)
        return answers[len(asked) - 1]

    entities = StoredEntities(LocalCredentials(), ask)
    made = key("a")
    assert insert(entities, made, "code")
    assert not delete(entities, "b")
    with pytest.raises(EntitiesError, match="nobody is there"):
        insert(entities, made)
    assert asked == [
        (KIND, made.to_wire(), place("code")),
        (KIND, None, place("b")),
        (KIND, made.to_wire(), None),
    ]
