"""Counts in windows of time: what they come to, and that processes share them exactly."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.local_state import LocalCounters
from gateline.sharedstate import SharedCounters
from gateline.sharedstate.windows import Window, counted
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start

Counts = SharedCounters | LocalCounters


@pytest.fixture(params=["shared", "local"])
def counters(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counts]:
    if request.param == "local":
        yield LocalCounters()
        return
    made = SharedCounters(tmp_path / "counters")
    yield made
    made.close()


def counts(counters: Counts, *windows: Window, key: str = "a") -> tuple[list[int], bool]:
    return counters.count(key, windows, ttl=60)


def test_all_windows_are_added_to_until_one_has_reached_its_limit(counters: Counts) -> None:
    assert counts(counters, (7, 2, 1), (1, 9, 1)) == ([1, 1], True)
    assert counts(counters, (7, 2, 1), (1, 9, 1)) == ([2, 2], True)
    assert counts(counters, (7, 2, 1), (1, 9, 1)) == ([2, 2], False)
    assert counts(counters, (8, 2, 1), (1, 9, 1)) == ([1, 3], True)
    assert counts(counters, (7, 2, 1), (1, 9, 1), key="b") == ([1, 1], True)


def test_what_is_counted_late_goes_to_the_new_window(counters: Counts) -> None:
    counts(counters, (8, 2, 1))
    assert counts(counters, (7, 2, 1)) == ([2], True)
    assert counts(counters, (8, 2, 1)) == ([2], False)


def test_what_is_given_back_late_is_void(counters: Counts) -> None:
    counts(counters, (8, 9, 3), (1, 9, 3))
    assert counts(counters, (7, 9, -2), (1, 9, -2)) == ([3, 1], True)
    assert counts(counters, (8, 9, -2), (1, 9, 0)) == ([1, 1], True)


def test_a_clock_that_was_set_back_begins_anew(counters: Counts) -> None:
    counts(counters, (100, 1, 1))
    assert counts(counters, (7, 1, 1)) == ([1], True)


def test_with_nothing_to_add_values_are_read(counters: Counts) -> None:
    assert counts(counters, (7, 2, 0)) == ([0], True)
    counts(counters, (7, 2, 2))
    assert counts(counters, (7, 2, 0)) == ([2], True)
    assert counts(counters, (8, 2, 0)) == ([0], True)
    assert counts(counters, (7, 2, 0)) == ([2], True)


def test_what_costs_more_than_is_left_is_counted_once(counters: Counts) -> None:
    assert counts(counters, (7, 5, 4), (7, 5, 0)) == ([4, 0], True)
    assert counts(counters, (7, 5, 4), (7, 5, 0)) == ([8, 0], True)
    assert counts(counters, (7, 5, 4), (7, 5, 1)) == ([8, 0], False)
    assert counts(counters, (7, 5, 0), (7, 5, 1)) == ([8, 1], True)


def test_another_number_of_windows_begins_anew(counters: Counts) -> None:
    counts(counters, (7, 5, 1))
    assert counts(counters, (7, 5, 1), (7, 5, 1)) == ([1, 1], True)


def test_a_count_does_not_run_over(counters: Counts) -> None:
    counts(counters, (7, 2**62, 2**62 - 1))
    assert counts(counters, (7, 2**62, 2**40)) == ([2**62], True)


def test_windows_end_and_leave_nothing(tmp_path: Path, clock: Clock) -> None:
    counters = SharedCounters(tmp_path / "counters", clock=clock)
    for second in range(50):
        for number in range(10):
            assert counters.count(f"{second % 20}-{number}", [(second, 1, 1)], ttl=1)[1]
        clock.now += 1
    assert counters.entries <= 200, "nobody looks for what has ended, but it makes room"
    counters.close()


def test_a_longer_window_moves_the_end(tmp_path: Path, clock: Clock) -> None:
    counters = SharedCounters(tmp_path / "counters", clock=clock)
    for second in range(100):
        assert counters.count("a", [(second // 60, 100, 1)], ttl=60 - second % 60) == ([second % 60 + 1], True)
        clock.now += 1
    counters.close()


@given(
    steps=st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(0, 3)), min_size=2, max_size=2),
        max_size=30,
    )
)
def test_a_window_that_had_reached_its_limit_is_never_added_to(steps: list[list[Window]]) -> None:
    stored: Sequence[int] = (-1, 0, -1, 0)
    for windows in steps:
        after, values, added = counted(stored, windows)
        assert values == after[1::2]
        for place, (number, limit, by) in enumerate(windows):
            at = 2 * place
            before = stored[at + 1] if after[at] == stored[at] else 0
            assert after[at] in (number, number + 1)
            assert after[at + 1] == before + (by if added else 0)
            assert not (added and by and before >= limit)
        stored = after if added else stored


COUNTING = """
from gateline.sharedstate import SharedCounters
counters = SharedCounters(path)
passed = 0
for _ in range(3000):
    passed += counters.count("all", [(1, 2000, 1), (1, 9000, 1)], ttl=1000)[1]
print(passed)
"""


def test_processes_together_never_go_over_a_limit_and_reach_it(tmp_path: Path) -> None:
    passed = ended([start(COUNTING, tmp_path / "counters") for _ in range(4)])
    assert sum(map(int, passed)) == 2000
    counters = SharedCounters(tmp_path / "counters")
    assert counters.count("all", [(1, 2000, 0), (1, 9000, 0)], ttl=1000) == ([2000, 2000], True)
    counters.close()
