"""The table of values that end: the compiled one and its twin on LMDB."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.sharedstate import SharedStateError, table
from gateline.sharedstate.lmdb_table import LmdbTable
from gateline.sharedstate.table import Table
from gateline.sharedstate.windows import Window
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start

MIB = 1024 * 1024
KINDS: dict[str, Callable[..., Table]] = {"lmdb": LmdbTable}
if table.COMPILED:
    from gateline.sharedstate._table import Table as CompiledTable

    KINDS["compiled"] = CompiledTable


@pytest.fixture(params=list(KINDS))
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Table]]:
    """Makes a table on a clock that stands still."""
    made: list[Table] = []

    def make(limit: int = 64 * MIB) -> Table:
        made.append(KINDS[request.param](tmp_path / "table", limit=limit, clock=clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


def put(of: Table, key: str, value: bytes, end: float) -> None:
    found = of.load(of.name(0, key))
    assert of.swap(of.name(0, key), None if found is None else found[0], value, end)


def get(of: Table, key: str) -> bytes | None:
    found = of.load(of.name(0, key))
    return None if found is None else found[0]


def test_a_value_is_replaced_by_those_who_know_it(make: Callable[..., Table]) -> None:
    values = make()
    name = values.name(0, "a")
    assert values.load(name) is None
    assert not values.swap(name, b"other", b"new", 1010.0)
    assert values.swap(name, None, b"first", 1010.0)
    assert not values.swap(name, None, b"again", 1010.0)
    assert not values.swap(name, b"fir", b"again", 1010.0)
    assert values.swap(name, b"first", b"later", 1020.5)
    assert values.load(name) == (b"later", 1020.5)
    assert values.swap(name, b"later", b"a longer one", 1030.0)
    assert values.swap(name, b"a longer one", b"", 1030.0)
    assert values.load(name) == (b"", 1030.0)
    assert values.swap(name, b"", None, 0.0)
    assert values.load(name) is None
    assert values.entries == 0


def test_kinds_have_nothing_in_common(make: Callable[..., Table]) -> None:
    values = make()
    assert values.swap(values.name(0, "a"), None, b"x", 1010.0)
    assert values.load(values.name(1, "a")) is None
    assert values.count(2, "a", [(1, 5, 1)], 10.0) == ([1], True)
    assert values.load(values.name(0, "a")) == (b"x", 1010.0)


def test_it_grows_and_loses_nothing(make: Callable[..., Table]) -> None:
    values = make()
    before = values.size
    for number in range(20_000):
        put(values, f"{number}", b"%0400d" % number, 2000.0)
    assert values.size > before
    assert values.entries == 20_000
    assert all(get(values, f"{number}") == b"%0400d" % number for number in range(20_000))


def test_new_ones_take_the_place_of_ended_ones(make: Callable[..., Table], clock: Clock) -> None:
    values = make()
    for turn in range(10):
        for number in range(2000):
            put(values, f"{turn}-{number}", bytes(100), clock.now + 1)
        clock.now += 2
    assert values.entries < 8000
    assert values.size <= 8 * MIB


def test_a_full_one_gives_up_what_ends_first(make: Callable[..., Table]) -> None:
    values = make(limit=MIB)
    for number in range(6000):
        put(values, f"{number}", bytes(300), 2000.0 + number)
    assert get(values, "5999") is not None
    assert [number for number in range(1000) if get(values, f"{number}") is not None] == []
    assert values.size <= MIB


def test_what_has_ended_goes_before_what_has_not(make: Callable[..., Table], clock: Clock) -> None:
    values = make(limit=MIB)
    for number in range(500):
        put(values, f"long {number}", bytes(100), 9000.0)
    for turn in range(10):
        for number in range(500):
            put(values, f"{turn}-{number}", bytes(100), clock.now + 1)
        clock.now += 2
    assert all(get(values, f"long {number}") is not None for number in range(500))


def test_two_openings_are_one_table(make: Callable[..., Table]) -> None:
    one = make()
    put(one, "a", b"x", 1010.0)
    if isinstance(one, LmdbTable):
        one.close()  # an environment is opened once in a process
    assert get(make(), "a") == b"x"


def test_memory_that_cannot_be_had_is_an_error(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    for kind in KINDS.values():
        with pytest.raises(SharedStateError, match="shared memory"):
            kind(tmp_path / "file", limit=MIB)


@pytest.mark.skipif(not table.COMPILED, reason="it is the compiled one's")
def test_what_is_too_long_is_refused_and_a_closed_one_too(tmp_path: Path) -> None:
    values = CompiledTable(tmp_path / "table", limit=4 * MIB)
    put(values, "a", bytes(2008), 1e9)
    with pytest.raises(SharedStateError, match="has room for 2008 bytes"):
        put(values, "b", bytes(2009), 1e9)
    with pytest.raises(SharedStateError, match="100 windows"):
        values.count(1, "a", [(1, 1, 1)] * 101, 1.0)
    values.close()
    values.close()
    for call in (lambda: get(values, "a"), lambda: values.load(bytes(16)), lambda: values.entries):
        with pytest.raises(SharedStateError, match="closed"):
            call()


windows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-1, 4), st.integers(0, 3) | st.just(2**62)), min_size=2, max_size=3
)


@pytest.mark.skipif(not table.COMPILED, reason="there is one kind")
@settings(max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from("ab"), windows, st.sampled_from([0.0, 1.0])), max_size=30))
def test_both_count_the_same(
    steps: list[tuple[str, list[Window], float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = Clock()
    folder = tmp_path_factory.mktemp("table")
    one, other = (make(folder / name, limit=4 * MIB, clock=clock) for name, make in KINDS.items())
    try:
        for key, many, passed in steps:
            clock.now += passed
            assert one.count(1, key, many, 1000.0) == other.count(1, key, many, 1000.0)
        for key in "ab":
            assert one.load(one.name(1, key)) == other.load(other.name(1, key))
    finally:
        one.close()
        other.close()


CHANGING = """
from gateline.sharedstate._table import Table
table = Table(path, limit=2**25)
print("on", flush=True)
turn = 0
while True:
    turn += 1
    for at in range(20000):  # values of changing length, new ones, and those that make a bucket be split or cleared
        name = table.name(0, str(at))
        found = table.load(name)
        if turn % 3 == 2 and at % 5 == 0:
            table.swap(name, found and found[0], None, 0.0)
        else:
            table.swap(name, found and found[0], b"%d:" % at * (1 + (at + turn) % 9), 1e9 if at % 3 else turn)
        table.count(1, "windows", [(1, 2**60, 1), (2, 2**60, 1)], 1e9)
"""


@pytest.mark.skipif(not table.COMPILED, reason="it is about the locks of the compiled one")
def test_a_process_that_is_killed_anywhere_leaves_everything_whole(tmp_path: Path) -> None:
    values: Any = CompiledTable(tmp_path / "table", limit=2**25)
    for milliseconds in range(12):
        processes = [start(CHANGING, tmp_path / "table") for _ in range(2)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "on\n"
        counted = values.count(1, "windows", [(1, 2**60, 0), (2, 2**60, 0)], 1e9)[0][0]
        while values.count(1, "windows", [(1, 2**60, 0), (2, 2**60, 0)], 1e9)[0][0] < counted + 200 * milliseconds:
            pass
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.communicate()
        one, other = values.count(1, "windows", [(1, 2**60, 0), (2, 2**60, 0)], 1e9)[0]
        assert one == other, "a count of two windows was half made"
        for at in range(20000):
            found = values.load(values.name(0, str(at)))
            assert found is None or found[0].replace(b"%d:" % at, b"") == b""
        assert values.entries <= 20001
    values.close()


COUNTING = """
from gateline.sharedstate.table import open_table
table = open_table(path)
for turn in range(2000):
    name = table.name(0, "all")
    while True:
        found = table.load(name)
        if table.swap(name, found and found[0], b"%d" % (int(found[0]) + 1 if found else 1), 1e9):
            break
    table.swap(table.name(0, f"{turn % 500}"), None, b"", 1e9)
"""


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    ended([start(COUNTING, tmp_path / "table") for _ in range(3)])
    values = table.open_table(tmp_path / "table")
    assert get(values, "all") == b"6000"
    assert values.entries == 501
    values.close()
