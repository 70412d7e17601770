"""A million counters of a node: the memory that they take, and how long a worker is held up when they begin and end.

    .venv/bin/python -m benchmarks.counters [--count NUMBER]

The counters are those of rate-limiting with one limit, each of another address. First so many begin; then, all of them
having ended, as many others. Times are of the processor, each count by itself: what other processes do does not show.
"""

import argparse
import tempfile
import time
from pathlib import Path
from uuid import UUID

from gateline.sharedstate import SharedCounters
from gateline.sharedstate.places import SHARED_MEMORY

COUNT = 1_000_000
TTL = 60.0
MIB = 1 << 20
_PREFIX = f"rate-limiting:{UUID(int=1)}:minute:a:"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _fill(counters: SharedCounters, count: int, window: int) -> list[int]:
    """Count a first request of so many addresses; nanoseconds of each."""
    windows = [(window, 100, 1)]
    taken = []
    for number in range(count):
        key = f"{_PREFIX}{window}.{number}"
        begun = time.thread_time_ns()
        counters.count(key, windows, TTL)
        taken.append(time.thread_time_ns() - begun)
    return taken


def _report(what: str, counters: SharedCounters, taken: list[int]) -> None:
    taken.sort()
    median, late, longest = (taken[int(part * (len(taken) - 1))] / 1000 for part in (0.5, 0.9999, 1))
    print(
        f"{what:24} {counters.entries:10,} entries  {counters.size / MIB:7.1f} MiB   "
        f"median {median:.1f} µs, one in 10,000 above {late:.1f} µs, longest {longest:.0f} µs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    clock = Clock()
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        counters = SharedCounters(Path(folder, "counters"), clock=clock)
        _report("begun", counters, _fill(counters, count, 1))
        kept = sum(counters.count(f"{_PREFIX}1.{number}", [(1, 100, 0)], TTL)[0] == [1] for number in range(count))
        print(f"{kept:,} of {count:,} are kept")
        clock.now += 2 * TTL
        _report("ended, others begun", counters, _fill(counters, count, 2))
        counters.close()


if __name__ == "__main__":
    main()
