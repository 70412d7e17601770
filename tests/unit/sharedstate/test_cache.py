"""The cache that processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.sharedstate import SharedCache
from gateline.sharedstate.environment import Environment
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[SharedCache]:
    made = SharedCache(tmp_path / "cache", clock=clock, limit=1024 * 1024)
    yield made
    made.close()


def test_a_value_is_there_until_its_time_is_over(cache: SharedCache, clock: Clock) -> None:
    cache.put("a", b"1", ttl=10)
    cache.put("b" * 3000, b"", ttl=20)
    assert (cache.get("a"), cache.get("b" * 3000), cache.get("c")) == (b"1", b"", None)
    clock.now += 10
    assert (cache.get("a"), cache.get("b" * 3000)) == (None, b"")


def test_another_value_takes_its_place(cache: SharedCache, clock: Clock) -> None:
    cache.put("a", b"1", ttl=10)
    cache.put("a", b"2", ttl=100)
    clock.now += 50
    assert cache.get("a") == b"2"


def test_a_removed_one_is_gone(cache: SharedCache) -> None:
    cache.put("a", b"1", ttl=10)
    cache.remove("a")
    cache.remove("never there")
    assert cache.get("a") is None


def test_without_room_those_go_that_end_first(cache: SharedCache) -> None:
    for number in range(60):
        cache.put(str(number), bytes(50_000), ttl=100 + number)
    kept = [number for number in range(60) if cache.get(str(number)) is not None]
    assert 15 <= len(kept) <= 20
    assert kept == list(range(60 - len(kept), 60))


def test_small_ones_find_room_for_ever(cache: SharedCache, clock: Clock) -> None:
    for number in range(20_000):
        cache.put(str(number), bytes(300), ttl=100)
        clock.now += 0.001
    assert cache.get("19999") == bytes(300)


def test_one_that_is_longer_than_everything_is_not_kept(cache: SharedCache) -> None:
    cache.put("a", b"1", ttl=10)
    cache.put("a", bytes(2 * 1024 * 1024), ttl=10)
    assert cache.get("a") is None


PUTTING = """
from gateline.sharedstate import SharedCache
cache = SharedCache(path, limit=4 * 1024 * 1024)
for number in range(2000):
    cache.put(f"{number % 50}", str(number % 50).encode() * 500, ttl=1000)
    found = cache.get(f"{(number + 7) % 50}")
    assert found is None or found == str((number + 7) % 50).encode() * 500
print("right")
"""


def test_several_processes_see_whole_values(tmp_path: Path) -> None:
    assert ended([start(PUTTING, tmp_path / "cache") for _ in range(3)]) == ["right\n"] * 3


FILLING = """
from gateline.sharedstate import SharedCache
cache = SharedCache(path, limit=16 * 1024 * 1024)
for number in range(300):
    cache.put(str(number), bytes(50_000), ttl=1000)
print("full")
"""


def test_another_process_may_make_it_larger_while_it_is_opened(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Environment._reserve

    def meanwhile(environment: Environment) -> None:
        reserve(environment)
        monkeypatch.undo()
        assert ended([start(FILLING, tmp_path / "cache")]) == ["full\n"]

    monkeypatch.setattr(Environment, "_reserve", meanwhile)
    cache = SharedCache(tmp_path / "cache", clock=clock, limit=16 * 1024 * 1024)
    cache.put("a", b"1", ttl=10)
    assert cache.get("a") == b"1"
    cache.close()
