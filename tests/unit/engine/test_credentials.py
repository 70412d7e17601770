"""A worker's look-ups: what was found lately, and the node's directory behind it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.control.directory import NodeDirectory
from gateline.control.rows import as_stored
from gateline.engine.credentials import KEPT, WorkerCredentials
from gateline.entities import Consumer, ConsumerGroup, ConsumerGroupMember, Entity
from gateline.entities.sealing import KEY_BYTES, Sealer, hashed
from gateline.plugins.acl import AclGroup
from gateline.plugins.basic_auth import BasicauthCredential
from gateline.plugins.key_auth import KeyauthCredential
from gateline.sharedstate import Directory, DirectoryWriter, open_directory
from gateline.store import Change

BOB = Consumer.parse({"username": "bob", "custom_id": "b-1", "tags": ["a"]})
OF_BOB = {"consumer": {"id": BOB.id}}


class Scene:
    def __init__(self, path: Path) -> None:
        self.now = 1000.0
        self.environment = open_directory(path)
        sealer = Sealer("encrypted", [bytes(KEY_BYTES)])
        self.node = NodeDirectory(DirectoryWriter(self.environment), sealer)
        self.credentials = WorkerCredentials(lambda: Directory(self.environment), sealer, lambda: self.now)
        self.credentials.open()

    def change(self, *put: Entity, delete: tuple[Entity, ...] = ()) -> None:
        change = Change()
        for entity in put:
            change.put.setdefault(entity.kind, []).append(entity)
        for entity in delete:
            change.delete.setdefault(entity.kind, []).append(entity.id)
        asyncio.run(self.node.change([change], as_stored))
        self.credentials.renew()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "directory")
    yield made
    made.credentials.close()
    made.node.close()


def test_a_key_leads_to_its_consumer(scene: Scene) -> None:
    key = KeyauthCredential.parse({**OF_BOB, "key": "kong", "tags": ["t"]})
    scene.change(BOB, key)
    found = scene.credentials.find("keyauth_credentials", "key", "kong")
    assert found is not None
    assert (found.id, found.consumer and found.consumer.username) == (key.id, "bob")
    assert found.fields == {"id": key.id, "consumer": {"id": BOB.id}, "tags": ["t"]}
    assert scene.credentials.find("keyauth_credentials", "key", "kong") is found
    assert found.consumer == scene.credentials.consumer(BOB.id)
    assert scene.credentials.consumer(BOB.id) is scene.credentials.consumer_named("b-1")
    for field, value in (("username", "bob"), ("custom_id", "b-1")):
        assert scene.credentials.consumer_with(field, value) == found.consumer
        assert scene.credentials.consumer_with(field, value) == found.consumer
    for field, value in (("username", "b-1"), ("custom_id", "bob"), ("username", BOB.id)):
        assert scene.credentials.consumer_with(field, value) is None
    assert found.identity() is found.identity()
    assert scene.credentials.find("keyauth_credentials", "key", "nope") is None


def test_a_key_leads_to_its_consumer_as_it_is_now(scene: Scene) -> None:
    key = KeyauthCredential.parse({**OF_BOB, "key": "kong"})

    def whose() -> object:
        found = scene.credentials.find("keyauth_credentials", "key", "kong")
        consumer = found.consumer if found else None
        assert found is None or consumer == scene.credentials.consumer(BOB.id)
        return consumer and (consumer.username, consumer.groups)

    scene.change(key)  # its consumer is not there yet
    assert whose() is None
    scene.change(BOB)
    assert whose() == ("bob", ())
    scene.change(Consumer.patched(BOB.to_wire(), {"username": "robert"}))
    assert whose() == ("robert", ())
    gold = ConsumerGroup.parse({"name": "gold"})
    membership = ConsumerGroupMember.parse({"consumer_group": {"id": gold.id}, "consumer": {"id": BOB.id}})
    scene.change(gold, membership)
    assert whose() == ("robert", ("gold",))
    scene.change(delete=(membership,))
    assert whose() == ("robert", ())
    scene.change(delete=(BOB, key))
    assert whose() is None


def test_a_change_is_seen_at_once(scene: Scene) -> None:
    key = KeyauthCredential.parse({**OF_BOB, "key": "kong"})
    scene.change(BOB, key)
    assert scene.credentials.find("keyauth_credentials", "key", "kong") is not None
    scene.change(delete=(key,))
    assert scene.credentials.find("keyauth_credentials", "key", "kong") is None
    scene.change(Consumer.patched(BOB.to_wire(), {"username": "robert"}))
    assert scene.credentials.consumer_named("bob") is None
    named = scene.credentials.consumer_named("robert")
    assert named is not None
    assert (named.id, named.custom_id, named.tags) == (BOB.id, "b-1", ("a",))


def test_a_key_whose_time_is_over_is_gone_at_once(scene: Scene) -> None:
    key = KeyauthCredential.from_wire(
        {**KeyauthCredential.parse({**OF_BOB, "key": "k"}).to_wire(), "expires_at": 1010.0}
    )
    scene.change(BOB, key)
    assert scene.credentials.find("keyauth_credentials", "key", "k") is not None
    assert len(scene.credentials.of_consumer("keyauth_credentials", BOB.id)) == 1
    scene.now = 1010.0
    assert scene.credentials.find("keyauth_credentials", "key", "k") is None
    assert scene.credentials.of_consumer("keyauth_credentials", BOB.id) == ()


def test_a_finder_finds_what_there_is_now(scene: Scene) -> None:
    find = scene.credentials.finder("keyauth_credentials", "key")
    assert find("kong") is None
    key = KeyauthCredential.parse({**OF_BOB, "key": "kong"})
    scene.change(BOB, key)
    found = find("kong")
    assert found is not None
    assert find("kong") is found is scene.credentials.find("keyauth_credentials", "key", "kong")
    scene.change(delete=(key,))
    assert find("kong") is None


def test_a_finder_does_not_find_what_is_over(scene: Scene) -> None:
    find = scene.credentials.finder("keyauth_credentials", "key")
    key = KeyauthCredential.parse({**OF_BOB, "key": "brief"})
    scene.change(BOB, KeyauthCredential.from_wire({**key.to_wire(), "expires_at": 1010.0}))
    assert find("brief") is not None
    scene.now = 1010.0
    assert find("brief") is None


def test_what_a_finder_keeps_is_bounded_and_shared(scene: Scene) -> None:
    keys = [KeyauthCredential.parse({**OF_BOB, "key": f"key-{number}"}) for number in range(KEPT + 10)]
    scene.change(BOB, *keys)
    find = scene.credentials.finder("keyauth_credentials", "key")
    for key in keys:
        found = find(key.key)
        assert found is not None
        assert found.id == key.id
    assert scene.credentials.finder("keyauth_credentials", "key") == find


def test_groups_of_both_sorts_are_known(scene: Scene) -> None:
    gold = ConsumerGroup.parse({"name": "gold"})
    member = ConsumerGroupMember.parse({**OF_BOB, "consumer_group": {"id": gold.id}})
    scene.change(BOB, gold, member, AclGroup.parse({**OF_BOB, "group": "admin"}))
    bob = scene.credentials.consumer(BOB.id)
    assert bob is not None
    assert (bob.groups, bob.group_ids) == (("gold",), (gold.id,))
    assert [one.fields["group"] for one in scene.credentials.of_consumer("acls", BOB.id)] == ["admin"]
    assert scene.credentials.of_consumer("acls", gold.id) == ()
    assert scene.credentials.of_consumer("acls", "no id") == ()


def test_a_secret_that_is_needed_comes_in_the_clear(scene: Scene) -> None:
    made = BasicauthCredential.parse({**OF_BOB, "username": "b", "password": "p"})
    scene.change(BOB, made)
    found = scene.credentials.find("basicauth_credentials", "username", "b")
    assert found is not None
    assert found.fields["password"] == made.password
    assert made.password.encode() not in (scene.environment.path / "data.mdb").read_bytes()


def test_a_secret_that_cannot_be_read_is_left_out(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.change(BOB, BasicauthCredential.parse({**OF_BOB, "username": "b", "password": "p"}))
    without = WorkerCredentials(lambda: Directory(scene.environment), Sealer("plain"))
    without.open()
    found = without.find("basicauth_credentials", "username", "b")
    assert found is not None
    assert "password" not in found.fields
    assert "which this node does not have" in caplog.text
    without.close()


def test_what_is_kept_is_bounded_and_the_rest_still_found(scene: Scene) -> None:
    keys = [KeyauthCredential.parse({**OF_BOB, "key": f"k{number}"}) for number in range(2 * KEPT)]
    scene.change(BOB, *keys)
    for key in keys:
        assert scene.credentials.find("keyauth_credentials", "key", key.key) is not None
        scene.credentials.find("keyauth_credentials", "key", "k0")
    first = scene.credentials.find("keyauth_credentials", "key", "k0")
    again = scene.credentials.find("keyauth_credentials", "key", "k1")
    assert scene.credentials.find("keyauth_credentials", "key", "k0") is first
    assert scene.credentials.find("keyauth_credentials", "key", "k1") is again


def test_nothing_is_found_before_it_is_open(tmp_path: Path) -> None:
    closed = WorkerCredentials(lambda: Directory(open_directory(tmp_path / "d")), Sealer("plain"))
    closed.renew()
    assert closed.find("keyauth_credentials", "key", "k") is None
    assert closed.consumer_named("bob") is None
    assert closed.of_consumer("acls", BOB.id) == ()


def test_what_is_stored_of_a_hashed_secret_is_not_the_secret(tmp_path: Path) -> None:
    sealer = Sealer("hashed", [bytes(KEY_BYTES)])
    environment = open_directory(tmp_path / "directory")
    node = NodeDirectory(DirectoryWriter(environment), sealer)
    key = KeyauthCredential.parse({**OF_BOB, "key": hashed("keyauth_credentials", "key", "kong")})
    asyncio.run(node.change([Change(put={"consumers": [BOB], "keyauth_credentials": [key]})], as_stored))
    credentials = WorkerCredentials(lambda: Directory(environment), sealer)
    credentials.open()
    try:
        assert credentials.find("keyauth_credentials", "key", "kong") is not None
        assert credentials.find("keyauth_credentials", "key", key.key) is None
    finally:
        credentials.close()
        node.close()
