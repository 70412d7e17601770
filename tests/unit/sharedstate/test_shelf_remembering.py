"""What a process remembers of a shelf, while others change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.sharedstate import SharedShelf
from gateline.sharedstate.shelf_bodies import KeptValue
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start

LIMIT = 16 * 1024 * 1024
OTHER = f"""
from gateline.sharedstate import SharedShelf
shelf = SharedShelf(path, clock=lambda: 1000.0, limit={LIMIT}, durable={{durable}})
{{work}}
"""
CHANGES = {
    "shelf.remove('a')": None,
    "shelf.remove_tagged('t')": None,
    "shelf.remove_tagged('', beginning=True)": None,
    "shelf.clear()": None,
    "shelf.put('a', b'other', b'', ttl=10)": b"other",
    "shelf.renew('a', b'renewed', ttl=10)": b"renewed",
    "[shelf.put(f'b{n}', b'', bytes(1_000_000), ttl=10) for n in range(20)]": None,
    "shelf.put('b', b'', b'', ttl=10)": b"head",
}
COUNTING = """
for number in range(500):
    shelf.put("a", b"%d" % number, b"", ttl=10)
    print(number, flush=True)
"""


@pytest.fixture(params=[False, True], ids=["memory", "disk"])
def durable(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock, durable: bool) -> Iterator[SharedShelf]:
    made = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=durable)
    yield made
    made.close()


def found(shelf: SharedShelf, key: str = "a") -> KeptValue:
    kept = shelf.get(key)
    assert kept is not None
    return kept


def test_a_value_and_what_was_made_of_it_are_there_again(shelf: SharedShelf) -> None:
    shelf.put("a", b"head", b"body", ttl=10)
    kept = found(shelf)
    kept.made = "made of it"
    assert found(shelf) is kept
    shelf.put("b", b"", b"", ttl=10)
    assert found(shelf).made == "made of it"
    shelf.put("a", b"head", b"body", ttl=10)
    assert found(shelf).made is None


def test_what_is_remembered_is_over_when_its_time_is(shelf: SharedShelf, clock: Clock) -> None:
    shelf.put("a", b"head", b"body", ttl=10)
    assert found(shelf) is found(shelf)
    clock.now += 10
    assert shelf.get("a") is None


@pytest.mark.parametrize("work", CHANGES)
def test_what_another_process_changes_is_not_remembered(
    shelf: SharedShelf, tmp_path: Path, work: str, durable: bool
) -> None:
    shelf.put("a", b"head", b"body", ttl=10, tags=("t",))
    assert found(shelf).head == b"head"
    other = start(OTHER.format(work=work, durable=durable), tmp_path / "shelf")
    ended([other])
    assert other.returncode == 0
    kept = shelf.get("a")
    assert (None if kept is None else kept.head) == CHANGES[work]


def test_nobody_is_given_what_another_process_has_replaced_already(
    shelf: SharedShelf, tmp_path: Path, durable: bool
) -> None:
    shelf.put("a", b"-1", b"", ttl=10)
    other = start(OTHER.format(work=COUNTING, durable=durable), tmp_path / "shelf")
    assert other.stdout is not None
    with other.stdout:
        for line in other.stdout:
            assert int(found(shelf).head) >= int(line)
            assert int(found(shelf).head) >= int(line)
    assert other.wait() == 0
    assert found(shelf).head == b"499"
    assert found(shelf) is found(shelf)


def test_a_change_that_was_never_finished_is_not_remembered(shelf: SharedShelf, tmp_path: Path, durable: bool) -> None:
    killed = """
import os, signal
import gateline.sharedstate.shelf as module
class Stopped(module.Change):
    def over(self): os.kill(os.getpid(), signal.SIGKILL)
module.Change = Stopped
shelf.put("a", b"new", b"", ttl=10)
"""
    shelf.put("a", b"old", b"", ttl=10)
    assert found(shelf).head == b"old"
    other = start(OTHER.format(work=killed, durable=durable), tmp_path / "shelf")
    ended([other])
    assert other.returncode != 0
    assert found(shelf).head == b"new"
    assert found(shelf) is not found(shelf)
    shelf.put("a", b"newer", b"", ttl=10)
    assert found(shelf) is found(shelf)


def test_what_is_remembered_is_bounded(shelf: SharedShelf) -> None:
    for number in range(500):
        shelf.put(f"k{number}", b"", bytes(20_000), ttl=10)
        assert found(shelf, f"k{number}") is found(shelf, f"k{number}")
    first = [found(shelf, f"k{number}") for number in range(500)]
    again = sum(one is shelf.get(f"k{number}") for number, one in reversed(list(enumerate(first))))
    assert 0 < again <= LIMIT // 8 // 40_000
