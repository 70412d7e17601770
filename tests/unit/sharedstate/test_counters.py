"""Counters that processes share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.sharedstate import SharedCounters
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start


@pytest.fixture
def counters(tmp_path: Path, clock: Clock) -> Iterator[SharedCounters]:
    made = SharedCounters(tmp_path / "counters", clock=clock)
    yield made
    made.close()


def test_a_counter_begins_at_nothing_and_grows(counters: SharedCounters) -> None:
    assert counters.get("a") == 0
    assert [counters.increment("a", ttl=10), counters.increment("a", 4, ttl=10)] == [1, 5]
    assert (counters.get("a"), counters.get("b")) == (5, 0)


def test_it_ends_so_long_after_its_first_increment(counters: SharedCounters, clock: Clock) -> None:
    counters.increment("a", ttl=10)
    clock.now += 9
    assert counters.increment("a", ttl=10) == 2
    clock.now += 1
    assert counters.get("a") == 0
    assert counters.increment("a", ttl=10) == 1


def test_a_limit_is_kept(counters: SharedCounters) -> None:
    assert [counters.increment_within("a", 2, ttl=10) for _ in range(3)] == [(1, True), (2, True), (2, False)]
    assert counters.increment_within("a", 4, 3, ttl=10) == (2, False)
    assert counters.increment_within("b", 0, ttl=10) == (0, False)


def test_a_removed_one_begins_anew(counters: SharedCounters) -> None:
    counters.increment("a", 7, ttl=10)
    counters.remove("a")
    counters.remove("never there")
    assert counters.increment("a", ttl=10) == 1


def test_any_text_is_a_key(counters: SharedCounters) -> None:
    keys = ["", "x" * 5000, "x" * 5001, "\udcff", "ä", "\0"]
    for number, key in enumerate(keys, start=1):
        counters.increment(key, number, ttl=10)
    assert [counters.get(key) for key in keys] == [1, 2, 3, 4, 5, 6]


@settings(max_examples=30)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-3, 9), st.sampled_from([0.0, 0.4, 3.0]), st.booleans()),
        max_size=40,
    )
)
def test_they_count_as_a_dictionary_would(
    steps: list[tuple[str, int, float, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = Clock()
    counters = SharedCounters(tmp_path_factory.mktemp("counters") / "c", clock=clock)
    model: dict[str, tuple[int, float]] = {}
    for key, by, passed, within in steps:
        clock.now += passed
        value, end = model.get(key, (0, 0.0))
        if end <= clock.now:
            value, end = 0, clock.now + 2
        if within and value + by > 5:
            assert counters.increment_within(key, 5, by, ttl=2) == (value, False)
            continue
        model[key] = (value + by, end)
        assert counters.increment(key, by, ttl=2) == value + by
    counters.close()


HOUR = 3_600_000_000_000
NOW = 1_700_000_000_000_000_000


def test_quotas_are_taken_from_all_or_none(counters: SharedCounters) -> None:
    rules = ((0, 3, HOUR, False), (2, 2, HOUR, False))
    took = [counters.take("a", rules, 1, now=NOW)[1] for _ in range(4)]
    assert took == [True, True, False, False]
    readings, free = counters.take("a", rules, 0, now=NOW)
    assert (readings[0][0], readings[1][0], free) == (1, 0, False)
    readings, _ = counters.take("a", rules, -1, now=NOW, always=True)
    assert [left for left, _, _ in readings] == [2, 1]
    assert counters.take("b", rules, 1, now=NOW)[1]
    assert counters.take("a", rules[:1], 3, now=NOW)[1], "another layout begins anew"


def test_quotas_are_kept_as_long_as_they_count(tmp_path: Path, clock: Clock) -> None:
    counters = SharedCounters(tmp_path / "counters", clock=clock)
    bucket = ((2, 100, 1_000_000_000, False),)
    for _ in range(100):
        counters.take("a", bucket, 1, now=NOW)
    clock.now += 60
    for number in range(50):  # new ones take away what has ended
        counters.take(f"{number}", bucket, 1, now=NOW)
    assert counters.take("a", bucket, 0, now=NOW)[0][0][0] == 0
    _, end = counters._table.load(counters._table.name(2, "a")) or (b"", 0.0)
    assert end == 1102, "until the bucket is full again, and two seconds"
    counters.close()


COUNTING = """
from gateline.sharedstate import SharedCounters
counters = SharedCounters(path)
for _ in range(3000):
    counters.increment("all", ttl=1000)
    counters.increment_within("limited", 5000, ttl=1000)
    counters.take("quota", ((2, 5000, 10**12, False), (1, 10000, 10**16, False)), 1, now=1_700_000_000_000_000_000)
"""


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    ended([start(COUNTING, tmp_path / "counters") for _ in range(3)])
    counters = SharedCounters(tmp_path / "counters")
    assert (counters.get("all"), counters.get("limited")) == (9000, 5000)
    readings, _ = counters.take(
        "quota", ((2, 5000, 10**12, False), (1, 10000, 10**16, False)), 0, now=1_700_000_000_000_000_000
    )
    assert [left for left, _, _ in readings] == [0, 5000]
    counters.close()


ENDLESS = """
from gateline.sharedstate import SharedCounters
counters = SharedCounters(path)
print("on", flush=True)
while True:
    value = counters.increment("all", ttl=1000)
    counters.increment(f"own {value}", ttl=1000)
"""


def test_one_that_is_killed_in_the_middle_stops_nobody(tmp_path: Path) -> None:
    counters = SharedCounters(tmp_path / "counters")
    for _ in range(6):
        process = start(ENDLESS, tmp_path / "counters")
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        before = counters.get("all")
        while counters.get("all") < before + 300:
            counters.increment("mine", ttl=1000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        value = counters.get("all")
        assert counters.increment("all", ttl=1000) == value + 1
    counters.close()
