"""Places that processes share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.sharedstate import SharedSlots
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start


@pytest.fixture
def slots(tmp_path: Path, clock: Clock) -> Iterator[SharedSlots]:
    made = SharedSlots(tmp_path / "slots", clock=clock)
    yield made
    made.close()


def test_there_are_so_many_places_and_no_more(slots: SharedSlots) -> None:
    assert [slots.enter("a", 2) for _ in range(3)] == [(1, True), (2, True), (2, False)]
    assert slots.enter("b", 2) == (1, True)
    slots.leave("a")
    assert slots.inside("a") == 1
    assert slots.enter("a", 2) == (2, True)


def test_nothing_is_kept_of_those_that_have_left(slots: SharedSlots) -> None:
    for _ in range(3):
        slots.enter("a" * 5000, 1)
        slots.leave("a" * 5000)
    slots.leave("never there")
    entries = slots._environment.read(lambda transaction: transaction.stat(slots._slots)["entries"])
    assert entries == 0


HOLDING = """
from gateline.sharedstate import SharedSlots
slots = SharedSlots(path)
print([slots.enter("a", 5)[1] for _ in range(3)], flush=True)
time.sleep(600)
"""


def test_a_process_that_is_killed_leaves_no_place_taken(tmp_path: Path, slots: SharedSlots, clock: Clock) -> None:
    process = start(HOLDING, tmp_path / "slots")
    assert process.stdout is not None
    assert process.stdout.readline() == "[True, True, True]\n"
    assert [slots.enter("a", 5)[1] for _ in range(3)] == [True, True, False]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    clock.now += 1
    assert slots.inside("a") == 2
    assert [slots.enter("a", 5)[1] for _ in range(4)] == [True, True, True, False]
    assert len(list((tmp_path / "slots").glob("*.holder"))) == 1


def test_one_that_is_stopped_keeps_its_places(tmp_path: Path, slots: SharedSlots, clock: Clock) -> None:
    process = start(HOLDING, tmp_path / "slots")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    clock.now += 3600
    assert slots.enter("a", 3) == (3, False)
    process.send_signal(signal.SIGKILL)
    process.communicate()


CROWDING = """
import os
from gateline.sharedstate import SharedSlots
slots = SharedSlots(path)
most = 0
for _ in range(3000):
    inside, entered = slots.enter("all", 2)
    most = max(most, inside)
    if entered:
        slots.leave("all")
print(most)
"""


def test_several_processes_are_never_more_than_allowed_and_lose_no_place(tmp_path: Path, slots: SharedSlots) -> None:
    most = ended([start(CROWDING, tmp_path / "slots") for _ in range(3)])
    assert all(int(number) <= 2 for number in most)
    assert slots.inside("all") == 0


def test_a_process_that_ends_in_order_lets_go(tmp_path: Path) -> None:
    first = SharedSlots(tmp_path / "slots")
    first.enter("a", 1)
    files = os.listdir(tmp_path / "slots")
    assert [file for file in files if file.endswith(".holder")]
    first.close()
    second = SharedSlots(tmp_path / "slots")
    assert second.enter("a", 1) == (1, True)
    second.close()
