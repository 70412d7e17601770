"""Numbers of what is under way: limits hold over processes, and who dies gives back what it held."""

import os
from pathlib import Path

from gateline.sharedstate import SharedGauges
from unit.sharedstate.processes import ended, start

TAKES = """
from gateline.sharedstate import SharedGauges
gauges = SharedGauges(path)
taken = 0
for _ in range(200):
    if gauges.take([(b"a", 10), (b"b", 1000)]) < 0:
        taken += 1
    if taken > 3:
        gauges.give_back([b"a", b"b"])
        taken -= 1
print(taken)
"""


def test_a_limit_holds_for_all_numbers_or_none_is_taken(tmp_path: Path) -> None:
    gauges = SharedGauges(tmp_path / "gauges")
    assert [gauges.take([(b"a", 5), (b"b", 2)]) for _ in range(3)] == [-1, -1, 1]
    assert (gauges.get(b"a"), gauges.get(b"b")) == (2, 2)
    gauges.give_back([b"b"])
    assert gauges.take([(b"b", 2)]) == -1
    assert gauges.take([(b"c", 0)]) == 0
    gauges.give_back([b"a", b"b"])
    gauges.give_back([b"a", b"b"])
    gauges.give_back([b"a"])
    assert (gauges.get(b"a"), gauges.get(b"b")) == (0, 0)
    gauges.close()


def test_processes_share_a_limit_and_what_the_dead_held_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "gauges"
    gauges = SharedGauges(path)
    others = [start(TAKES, path) for _ in range(3)]
    held = sum(int(text) for text in ended(others))
    assert held <= 10
    assert gauges.get(b"a") == held, "nobody has given it back yet"
    assert [gauges.take([(b"a", 10)]) for _ in range(11)] == [-1] * 10 + [0]
    assert gauges.get(b"a") == 10
    gauges.close()


def test_a_process_that_lives_keeps_its_part(tmp_path: Path) -> None:
    path = tmp_path / "gauges"
    parent = SharedGauges(path, process=os.getppid())
    assert parent.take([(b"a", 1)]) == -1
    parent.close()
    gauges = SharedGauges(path)
    assert gauges.take([(b"a", 1)]) == 0
    gauges.close()
