"""What is kept on disk of the configuration in force: nothing is lost but what was not written to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateline.control import kept
from gateline.control.kept import Kept, KeptFile
from gateline.control.rows import Delta, Rows, row_of


def rows(**services: int) -> Rows:
    return {"services": {name: row_of({"id": name, "value": value}) for name, value in services.items()}}


def play(script: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(script(), 20)

    asyncio.run(main())


def test_changes_are_added_to_what_was_written(tmp_path: Path) -> None:
    async def script() -> None:
        file = KeptFile(tmp_path / "k", "here")
        await file.write(rows(a=1, b=2), 7, "seven")
        file.append(Delta(rows(b=3, c=4), {"services": ["a"]}), 8, "eight")
        file.append(Delta(rows(d=5)), 9, "nine")
        file.close()
        assert KeptFile(tmp_path / "k", "here").read() == Kept(9, "nine", rows(b=3, c=4, d=5))

    play(script)


def test_every_cut_of_the_file_gives_an_earlier_state_or_nothing(tmp_path: Path) -> None:
    async def script() -> None:
        path = tmp_path / "k"
        file = KeptFile(path, "here")
        await file.write(rows(a=1), 1, "one")
        first = path.stat().st_size
        file.append(Delta(rows(b=2)), 2, "two")
        second = path.stat().st_size
        file.append(Delta({}, {"services": ["a"]}), 3, "three")
        file.close()
        whole = path.read_bytes()
        states = {None: None, 1: rows(a=1), 2: rows(a=1, b=2), 3: rows(b=2)}
        for size in range(len(whole) + 1):
            path.write_bytes(whole[:size])
            found = KeptFile(path, "here").read()
            expected = None if size < first else 1 if size < second else 2 if size < len(whole) else 3
            assert (found and found.version) == expected
            assert (found and found.rows) == states[expected]

    play(script)


def test_changes_during_a_writing_are_in_the_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script() -> None:
        file = KeptFile(tmp_path / "k", "here")
        await file.write(rows(a=1), 1, "one")
        current = rows(a=1)
        writing = asyncio.get_running_loop().create_task(file.write(current, 1, "one"))
        await asyncio.sleep(0)
        current["services"]["b"] = rows(b=2)["services"]["b"]
        file.append(Delta(rows(b=2)), 2, "two")
        await file.write(rows(nothing=0), 9, "not now")
        await writing
        file.append(Delta(rows(c=3)), 3, "three")
        file.close()
        assert KeptFile(tmp_path / "k", "here").read() == Kept(3, "three", rows(a=1, b=2, c=3))

    play(script)


def test_a_file_with_many_changes_is_long_until_it_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "APPENDED", 100)

    async def script() -> None:
        file = KeptFile(tmp_path / "k", "here")
        await file.write(rows(a=1), 1, "one")
        seen = [file.long]
        for number in range(10):
            file.append(Delta(rows(a=number)), number, "x")
        seen.append(file.long)
        await file.write(rows(a=9), 10, "ten")
        assert [*seen, file.long] == [False, True, False]
        file.close()

    play(script)


def test_what_came_from_elsewhere_is_not_read(tmp_path: Path) -> None:
    async def script() -> None:
        await KeptFile(tmp_path / "k", "here").write(rows(a=1), 1, "one")
        assert KeptFile(tmp_path / "k", "there").read() is None

    play(script)


@pytest.mark.parametrize("content", [None, b"", b"\x00", b"\x00\x00\x00\x01\xc1", b"\xff" * 40])
def test_what_is_no_such_file_is_not_read(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "k").write_bytes(content)
    assert KeptFile(tmp_path / "k", "here").read() is None


def test_a_file_that_cannot_be_written_is_told_and_changes_are_not_added_to_an_old_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def script() -> None:
        (tmp_path / "k").mkdir()
        file = KeptFile(tmp_path / "k", "here")
        await file.write(rows(a=1), 1, "one")
        assert "cannot be kept" in caplog.text
        file.append(Delta(rows(b=2)), 2, "two")
        assert KeptFile(tmp_path / "k", "here").read() is None

    play(script)
