"""The directory of consumers and credentials: what its writer does, its readers see, in their time."""

import signal
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.sharedstate import Directory, DirectoryWriter, Journal, open_directory
from gateline.sharedstate.rows import Row, decode, kind_key, row_of
from unit.sharedstate.processes import start


def identity(number: int) -> str:
    return str(uuid.UUID(int=number << 96 | number))


def consumer(number: int, name: str) -> Row:
    fields = {"id": identity(number), "username": name}
    return row_of("consumers", fields, unique={"username": name}, parents={})


def credential(number: int, key: str, of: int, end: float = 0.0, **fields: Any) -> Row:
    wire = {"id": identity(number), "consumer": {"id": identity(of)}, "key": key, **fields}
    left_out = frozenset({"key"})
    return row_of("keys", wire, unique={"key": key}, parents={"consumer": identity(of)}, left_out=left_out, end=end)


def group(number: int, name: str) -> Row:
    return row_of("consumer_groups", {"id": identity(number), "name": name}, unique={"name": name}, parents={})


def member(number: int, of: int, in_: int) -> Row:
    parents = {"consumer_group": identity(in_), "consumer": identity(of)}
    wire = {"id": identity(number), **{name: {"id": parent} for name, parent in parents.items()}}
    return row_of("consumer_group_consumers", wire, unique={}, parents=parents)


class Scene:
    """A writer and a reader of one directory."""

    def __init__(self, path: Path) -> None:
        self.environment = open_directory(path)
        self.writer = DirectoryWriter(self.environment)
        self.reader = Directory(self.environment)

    def change(self, delete: Mapping[str, list[str]] = {}, **put: list[Row]) -> Journal:
        journal = self.writer.change(put, delete)
        self.reader.renew()
        return journal

    def owner(self, key: str) -> str | None:
        found = self.reader.find("keys", "key", key)
        if found is None or found.consumer is None:
            return None
        known = self.reader.consumer(found.consumer)
        return known.username if known else "nobody"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "directory")
    yield made
    made.reader.close()
    made.environment.close()


def test_a_credential_is_found_by_its_value_by_its_id_and_from_its_consumer(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob"), consumer(2, "ann")])
    scene.change(keys=[credential(7, "k1", 1, end=5.0, tags=["a"]), credential(8, "k2", 1), credential(9, "k3", 2)])
    found = scene.reader.find("keys", "key", "k1")
    assert found is not None
    assert (found.id, found.end, decode(found.fields)) == (identity(7), 5.0, {"tags": ["a"]})
    assert scene.owner("k1") == "bob"
    assert [one.id for one in scene.reader.below("keys", identity(1))] == [identity(7), identity(8)]
    assert scene.reader.get("keys", identity(9)) is not None
    assert scene.reader.find("keys", "other", "k1") is None
    assert scene.reader.get("keys", "no id") is None


def test_consumers_are_found_by_id_and_name(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")])
    assert scene.reader.consumer(identity(1)) == scene.reader.consumer_with("username", "bob")
    assert scene.reader.consumer("bob") is None
    assert scene.reader.consumer_with("username", "ann") is None


def test_a_secret_is_nowhere_in_the_memory(scene: Scene) -> None:
    scene.change(keys=[credential(7, "the-secret-key", 1)])
    assert b"the-secret-key" not in (scene.environment.path / "data.mdb").read_bytes()


def test_a_reader_sees_a_change_when_it_renews_its_view(scene: Scene) -> None:
    scene.writer.change({"consumers": [consumer(1, "bob")]}, {})
    assert scene.reader.consumer(identity(1)) is None
    version = scene.reader.version
    assert scene.reader.renew()
    assert scene.reader.version != version
    assert not scene.reader.renew()
    assert scene.reader.consumer(identity(1)) is not None


def test_what_changes_or_goes_lets_go_of_its_values(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")], keys=[credential(7, "old", 1), credential(8, "gone", 1)])
    scene.change({"keys": [identity(8)]}, keys=[credential(7, "new", 1)])
    assert [scene.owner(key) for key in ("old", "new", "gone")] == [None, "bob", None]
    assert [one.id for one in scene.reader.below("keys", identity(1))] == [identity(7)]


def test_values_may_be_swapped(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob"), consumer(2, "ann")])
    scene.change(keys=[credential(7, "a", 1), credential(8, "b", 2)])
    scene.change(keys=[credential(7, "b", 1), credential(8, "a", 2)])
    assert (scene.owner("a"), scene.owner("b")) == ("ann", "bob")
    scene.change({"keys": [identity(7)]}, keys=[credential(9, "b", 2)])
    assert scene.owner("b") == "ann"


def groups_of(scene: Scene, number: int) -> tuple[str, ...]:
    found = scene.reader.consumer(identity(number))
    assert found is not None
    return found.groups


def test_consumers_know_their_groups(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")], consumer_groups=[group(3, "gold"), group(4, "beta")])
    scene.change(consumer_group_consumers=[member(5, 1, 3), member(6, 1, 4)])
    assert groups_of(scene, 1) == ("beta", "gold")
    scene.change(consumers=[consumer(1, "robert")])
    assert groups_of(scene, 1) == ("beta", "gold")
    scene.change(consumer_groups=[group(3, "silver")])
    assert groups_of(scene, 1) == ("beta", "silver")
    scene.change({"consumer_group_consumers": [identity(6)]})
    assert groups_of(scene, 1) == ("silver",)
    scene.change({"consumer_groups": [identity(3)], "consumer_group_consumers": [identity(5)]})
    assert groups_of(scene, 1) == ()


def test_a_change_can_be_taken_back(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")], keys=[credential(7, "a", 1), credential(8, "b", 1)])
    before = {key: value for some in scene.writer.everything() for key, value in some.items()}
    journal = scene.change({"keys": [identity(8)]}, keys=[credential(7, "b", 1), credential(9, "a", 1)])
    scene.writer.undo(journal)
    scene.reader.renew()
    assert {key: value for some in scene.writer.everything() for key, value in some.items()} == before
    assert (scene.owner("a"), scene.owner("b")) == ("bob", "bob")


def test_everything_is_brought_in_and_what_is_not_in_it_goes(scene: Scene) -> None:
    scene.change(consumers=[consumer(number, f"old-{number}") for number in (1, 2, 3)])
    journal = Journal()
    scene.writer.bring("consumers", [consumer(2, "old-2"), consumer(5, "new")], journal)
    scene.reader.renew()
    assert len(journal.before) == 3
    names = [found.username for number in range(9) if (found := scene.reader.consumer(identity(number)))]
    assert names == ["old-2", "new"]
    scene.writer.undo(journal)
    scene.reader.renew()
    assert scene.reader.consumer_with("username", "old-3") is not None
    assert scene.reader.consumer_with("username", "new") is None


def test_many_are_brought_in_a_batch_at_a_time(scene: Scene) -> None:
    rows = [consumer(number, f"user-{number}") for number in range(1, 7001)]
    journal = Journal()
    scene.writer.bring("consumers", rows, journal)
    again = Journal()
    scene.writer.bring("consumers", [row for row in rows if row.key != rows[3000].key], again)
    scene.reader.renew()
    assert len(journal.before) == 7000
    assert list(again.before) == [rows[3000].key]
    assert scene.reader.consumer_with("username", "user-7000") is not None


def test_a_kind_that_nobody_brings_any_more_can_be_dropped(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")], keys=[credential(7, "a", 1)])
    assert scene.writer.kinds_there() == {kind_key("consumers"), kind_key("keys")}
    scene.writer.drop_kind(kind_key("keys"), Journal())
    scene.reader.renew()
    assert scene.owner("a") is None
    assert scene.writer.kinds_there() == {kind_key("consumers")}


def test_rows_can_be_kept_elsewhere_and_put_back(scene: Scene) -> None:
    scene.change(consumers=[consumer(1, "bob")], keys=[credential(7, "a", 1)])
    kept = list(scene.writer.everything(size=1))
    scene.writer.clear()
    scene.reader.renew()
    assert scene.owner("a") is None
    for some in kept:
        scene.writer.restore(some)
    scene.reader.renew()
    assert scene.owner("a") == "bob"


KEYS = st.sampled_from("abcdef")


@settings(max_examples=40)
@given(steps=st.lists(st.tuples(st.lists(st.tuples(st.integers(1, 6), KEYS), max_size=4), st.sets(st.integers(1, 6)))))
def test_whatever_changes_what_is_found_is_what_is_there(
    steps: list[tuple[list[tuple[int, str]], set[int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scene = Scene(tmp_path_factory.mktemp("directory") / "d")
    scene.change(consumers=[consumer(9, "bob")])
    model: dict[int, str] = {}
    for put, delete in steps:
        after = {number: key for number, key in model.items() if number not in delete} | dict(put)
        if len(set(after.values())) != len(after):  # no store would have let that happen
            continue
        changed = dict(put)
        gone = [identity(number) for number in delete if number not in changed]
        journal = scene.change({"keys": gone}, keys=[credential(number, key, 9) for number, key in changed.items()])
        scene.writer.undo(journal)
        scene.reader.renew()
        assert {key for key in "abcdef" if scene.owner(key)} == set(model.values())
        scene.change({"keys": gone}, keys=[credential(number, key, 9) for number, key in changed.items()])
        model = after
        for key in "abcdef":
            found = scene.reader.find("keys", "key", key)
            assert (found.id if found else None) == next((identity(n) for n, k in model.items() if k == key), None)
        assert [one.id for one in scene.reader.below("keys", identity(9))] == sorted(map(identity, model))
    scene.reader.close()
    scene.environment.close()


READING = """
from gateline.sharedstate import Directory, open_directory
directory = Directory(open_directory(path))
print("on", flush=True)
for line in sys.stdin:
    directory.renew()
    found = directory.consumer_with("username", line.strip())
    print(found.username if found else "nobody", flush=True)
"""


def test_readers_in_other_processes_survive_that_the_map_grows(tmp_path: Path) -> None:
    import subprocess
    import sys

    from unit.sharedstate.processes import START

    environment = open_directory(tmp_path / "directory", size=256 * 1024)
    writer = DirectoryWriter(environment)
    code = START.format(path=sys.path, given=str(tmp_path / "directory")) + READING
    reader = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdin is not None
    assert reader.stdout is not None
    assert reader.stdout.readline() == "on\n"
    for number in range(1, 4001, 500):
        writer.change({"consumers": [consumer(one, f"user-{one}") for one in range(number, number + 500)]}, {})
        reader.stdin.write(f"user-{number + 499}\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == f"user-{number + 499}\n"
    assert environment.size > 256 * 1024
    reader.communicate()
    environment.close()


WRITING = """
from gateline.sharedstate import DirectoryWriter, open_directory
from gateline.sharedstate.rows import row_of
import uuid
writer = DirectoryWriter(open_directory(path))
print("on", flush=True)
number = 0
while True:
    number += 1
    rows = []
    for one in range(20):
        identity = str(uuid.UUID(int=one))
        fields = {"id": identity, "username": f"{number}-{one}"}
        rows.append(row_of("consumers", fields, unique={"username": f"{number}-{one}"}, parents={}))
    writer.change({"consumers": rows}, {})
"""


def test_a_writer_that_is_killed_leaves_a_whole_state(tmp_path: Path) -> None:
    environment = open_directory(tmp_path / "directory")
    reader = Directory(environment)
    for _ in range(5):
        process = start(WRITING, tmp_path / "directory")
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        first = reader.version
        while reader.version < first + 50:
            reader.renew()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        reader.renew()
        names = [reader.consumer(str(uuid.UUID(int=one))) for one in range(20)]
        states = {found.username.partition("-")[0] for found in names if found and found.username}
        assert len(states) == 1
        DirectoryWriter(environment).change({"consumers": [consumer(77, "after")]}, {})
    reader.close()
    environment.close()
