"""Shelves: values with bodies of any length that processes share."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateline.sharedstate import SharedShelf
from gateline.sharedstate.environment import Environment, SharedStateError, Transaction
from gateline.sharedstate.shelf_bodies import Write
from unit.sharedstate.clock import Clock
from unit.sharedstate.processes import ended, start

LONG = bytes(range(256)) * 1024
LIMIT = 16 * 1024 * 1024
BEGIN = f"from gateline.sharedstate import SharedShelf; LIMIT = {LIMIT}\n"
OTHER_CLAIMS = (
    BEGIN
    + """
now = 1000.0
shelf = SharedShelf(path, clock=lambda: now, limit=LIMIT)
said = [shelf.claimed("a"), shelf.claim("a", 10), shelf.claim("b", 10)]
now += 10
print(*said, shelf.claim("a", 10), end="")
"""
)
WRITER = (
    BEGIN
    + """
import os, signal
shelf = SharedShelf(path, clock=lambda: 1000.0, limit=LIMIT, durable={durable})
for number in range(41):
    writing = shelf.writing()
    writing.write(bytes(range(256)) * 1024)
    if number == 40:
        os.kill(os.getpid(), signal.SIGKILL)
    writing.finish("k%d" % (number % 7), b"h", ttl=1000, tags=("t",))
"""
)


@pytest.fixture(params=[False, True], ids=["memory", "disk"])
def shelf(tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Iterator[SharedShelf]:
    made = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=request.param)
    yield made
    made.close()


def begun(shelf: SharedShelf) -> Write:
    writing = shelf.writing()
    assert writing is not None
    return writing


def body(shelf: SharedShelf, key: str) -> bytes | None:
    kept = shelf.get(key)
    if kept is None:
        return None
    pieces = kept.pieces
    if pieces is None:
        return kept.body

    async def whole() -> bytes:
        return b"".join([piece async for piece in pieces])

    return asyncio.run(whole())


def files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file() and "bodies" in file.parts]


def test_a_value_is_there_until_its_time_is_over(shelf: SharedShelf, clock: Clock) -> None:
    assert shelf.put("a", b"head", b"body", ttl=10)
    kept = shelf.get("a")
    assert kept is not None
    assert (kept.head, kept.body, kept.length, kept.pieces) == (b"head", b"body", 4, None)
    assert kept.part(1, 2) == b"od"
    clock.now += 10
    assert shelf.get("a") is None


def test_a_long_body_is_read_in_pieces(shelf: SharedShelf) -> None:
    writing = begun(shelf)
    assert all(writing.write(LONG[at : at + 10_000]) for at in range(0, len(LONG), 10_000))
    assert shelf.get("a") is None
    assert writing.finish("a", b"head", ttl=10)
    kept = shelf.get("a")
    assert kept is not None
    assert (kept.length, kept.body, kept.part(1000, 300)) == (len(LONG), b"", LONG[1000:1300])
    assert body(shelf, "a") == LONG


def test_a_reader_keeps_what_is_taken_away_meanwhile(shelf: SharedShelf) -> None:
    shelf.put("a", b"", LONG, ttl=10)
    kept = shelf.get("a")
    assert kept is not None
    pieces = kept.pieces
    assert pieces is not None
    assert shelf.remove("a")
    assert shelf.get("a") is None

    async def whole() -> bytes:
        return b"".join([piece async for piece in pieces])

    assert asyncio.run(whole()) == LONG


def test_the_file_of_a_value_goes_with_it(shelf: SharedShelf, tmp_path: Path) -> None:
    shelf.put("a", b"", LONG, ttl=10)
    shelf.put("a", b"", LONG[1:], ttl=10)
    assert len(files(tmp_path)) == 1
    begun(shelf).write(LONG)  # let go of without an end
    shelf.remove("a")
    assert files(tmp_path) == []


def test_what_was_not_used_for_longest_goes_first(shelf: SharedShelf, clock: Clock) -> None:
    for number in range(12):
        clock.now += 1
        assert shelf.put(f"k{number}", b"", bytes(1_000_000), ttl=1000)
    clock.now += 1
    assert shelf.get("k0") is not None
    for number in range(12, 18):
        clock.now += 1
        assert shelf.put(f"k{number}", b"", bytes(1_000_000), ttl=1000)
    there = {number for number in range(18) if shelf.get(f"k{number}") is not None}
    assert 0 in there
    assert 1 not in there
    assert 17 in there
    assert 13 <= len(there) <= 16


def test_what_is_over_goes_before_what_is_not(shelf: SharedShelf, clock: Clock, tmp_path: Path) -> None:
    shelf.put("short", b"", LONG, ttl=1)
    clock.now += 2
    shelf.put("other", b"", b"1", ttl=10)
    assert files(tmp_path) == []


def test_a_value_that_is_too_long_is_not_kept(shelf: SharedShelf, tmp_path: Path) -> None:
    assert shelf.writing(LIMIT // 8) is not None
    assert shelf.writing(LIMIT // 8 + 1) is None
    assert not shelf.put("a", b"", bytes(LIMIT // 8 + 1), ttl=10)
    writing = begun(shelf)
    assert writing.write(bytes(LIMIT // 8))
    assert not writing.write(b"1")
    assert not writing.finish("a", b"", ttl=10)
    assert files(tmp_path) == []


def test_values_are_taken_away_by_tag(shelf: SharedShelf) -> None:
    for number in range(500):
        shelf.put(f"k{number}", b"", b"", ttl=10, tags=("all", f"u/{number}"))
    shelf.put("other", b"", b"", ttl=10, tags=("all-not",))
    assert shelf.remove_tagged("u/7") == 1
    assert shelf.get("k7") is None
    assert shelf.get("k70") is not None
    assert shelf.remove_tagged("u/7", beginning=True) == 10
    assert shelf.remove_tagged("all") == 489
    assert shelf.get("other") is not None
    assert shelf.clear() == 1


def test_a_tag_that_is_too_long_is_taken_for_all_that_begin_like_it(shelf: SharedShelf) -> None:
    shelf.put("a", b"", b"", ttl=10, tags=("t" * 500 + "1",))
    shelf.put("b", b"", b"", ttl=10, tags=("t" * 500 + "2",))
    assert shelf.remove_tagged("t" * 500 + "1") == 2


def test_what_was_begun_before_a_purge_is_not_kept(shelf: SharedShelf, clock: Clock) -> None:
    begun = clock.now
    clock.now += 1
    shelf.remove_tagged("nothing has this yet")
    assert not shelf.put("a", b"", b"", ttl=10, tags=("nothing has this yet",), since=begun)
    assert shelf.put("a", b"", b"", ttl=10, tags=("other",), since=begun)
    assert shelf.put("b", b"", b"", ttl=10, tags=("nothing has this yet",), since=clock.now + 1)
    shelf.remove_tagged("oth", beginning=True)
    assert not shelf.put("a", b"", b"", ttl=10, tags=("any",), since=begun)


def test_a_value_gets_another_head_and_time(shelf: SharedShelf, clock: Clock) -> None:
    shelf.put("a", b"one", LONG, ttl=10, tags=("t",))
    clock.now += 9
    assert shelf.renew("a", b"another", ttl=10)
    clock.now += 9
    kept = shelf.get("a")
    assert kept is not None
    assert kept.head == b"another"
    assert body(shelf, "a") == LONG
    assert shelf.remove_tagged("t") == 1
    assert not shelf.renew("a", b"", ttl=10)


def test_a_claim_holds_for_others_until_it_is_released_or_over(tmp_path: Path, clock: Clock) -> None:
    shelf = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT)
    assert shelf.claim("a", 10)
    assert not shelf.claimed("a")  # for this process
    assert ended([start(OTHER_CLAIMS, tmp_path / "shelf")]) == ["True False True True"]
    assert shelf.claim("b", 10)  # the other process is gone
    shelf.close()


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(tmp_path: Path, clock: Clock) -> None:
    for durable in (False, True):
        path = tmp_path / str(durable)
        shelf = SharedShelf(path, clock=clock, limit=LIMIT, durable=durable)
        shelf.put("kept", b"h", LONG, ttl=1000)
        writer = start(WRITER.format(durable=durable), path)
        ended([writer])
        assert writer.returncode == -signal.SIGKILL
        assert body(shelf, "kept") == LONG
        assert body(shelf, "k3") == LONG
        assert asyncio.run(shelf.sweep()) == 1  # what it had begun
        assert shelf.clear() == 8
        assert files(path) == []
        shelf.close()


def test_a_damaged_body_on_disk_is_noticed(tmp_path: Path, clock: Clock) -> None:
    shelf = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=True)
    shelf.put("a", b"", LONG, ttl=10)
    (file,) = files(tmp_path)
    file.write_bytes(LONG[:-1] + b"?")
    with pytest.raises(OSError, match="damaged"):
        body(shelf, "a")
    assert shelf.get("a") is None, "it is given to nobody else"
    assert not files(tmp_path)
    shelf.put("a", b"", LONG, ttl=10)
    (file,) = files(tmp_path)
    file.write_bytes(b"short")
    kept = shelf.get("a")
    assert kept is not None
    assert kept.pieces is None
    shelf.close()


def test_one_damaged_body_does_not_take_what_was_put_in_its_place(tmp_path: Path, clock: Clock) -> None:
    shelf = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=True)
    shelf.put("a", b"", LONG, ttl=10)
    (file,) = files(tmp_path)
    file.write_bytes(LONG[:-1] + b"?")
    kept = shelf.get("a")
    assert kept is not None
    pieces = kept.pieces
    assert pieces is not None
    shelf.put("a", b"", LONG, ttl=10)

    async def read() -> None:
        async for _ in pieces:
            pass

    with pytest.raises(OSError, match="damaged"):
        asyncio.run(read())
    assert body(shelf, "a") == LONG
    shelf.close()


def test_what_is_on_disk_outlives_the_process(tmp_path: Path, clock: Clock) -> None:
    for round_ in range(2):
        shelf = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=True)
        if not round_:
            shelf.put("a", b"", LONG, ttl=10)
        assert body(shelf, "a") == LONG
        shelf.close()


def test_on_a_full_disk_values_are_taken_away_all_the_same(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = SharedShelf(tmp_path / "shelf", clock=clock, limit=LIMIT, durable=True)
    shelf.put("a", b"", LONG, ttl=10)
    shelf.put("b", b"", b"short", ttl=10, tags=("t",))
    write = Environment.write

    def writes(self: Environment, work: Callable[[Transaction], Any]) -> Any:
        if files(tmp_path):
            raise SharedStateError("no room")
        return write(self, work)

    monkeypatch.setattr(Environment, "write", writes)
    assert shelf.remove_tagged("t") == 1
    assert body(shelf, "b") is None
    kept = shelf.get("a")
    assert kept is not None
    assert kept.pieces is None, "its file made the room"

    monkeypatch.setattr(Environment, "write", lambda *_: (_ for _ in ()).throw(SharedStateError("no room")))
    with pytest.raises(OSError, match="no room"):
        shelf.clear()
    shelf.close()


def test_a_full_disk_fills_no_log(
    shelf: SharedShelf, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Environment, "write", lambda *_: (_ for _ in ()).throw(SharedStateError("no room")))
    for said in (2, 4):
        for _ in range(5):
            assert not shelf.put("a", b"", b"", ttl=10)
            assert shelf.claim("a", 10), "everybody makes the value"
        assert len(caplog.records) == said
        clock.now += 10
