"""Without a database: where a configuration comes from, what is kept of it, and that loads take turns."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gateline.control import declared
from gateline.control.configuration import BusyError
from gateline.control.declared import DeclaredConfiguration
from gateline.control.errors import ChangeRefusedError
from gateline.control.feed import FeedServer
from gateline.control.rows import Rows
from gateline.declarative import DeclarativeError
from gateline.settings import load_settings


class Feed:
    """The workers' side: notes what is published, and may refuse or hold it."""

    def __init__(self) -> None:
        self.version = 0
        self.hashes: list[str] = []
        self.refuse = False
        self.gate = asyncio.Event()
        self.gate.set()

    def go_on_from(self, version: int) -> None:
        self.version = version

    async def publish(self, rows: Rows, digest: str, *, undo: Callable[[], None] = lambda: None) -> None:
        await self.gate.wait()
        if self.refuse:
            undo()
            raise ChangeRefusedError("no")
        self.version += 1
        self.hashes.append(digest)


def document(*names: str) -> dict[str, Any]:
    return {"_format_version": "3.0", "services": [{"name": name, "host": "h.test"} for name in names]}


def text(*names: str) -> bytes:
    return json.dumps(document(*names)).encode()


Make = Callable[..., tuple[DeclaredConfiguration, Feed]]


def run(tmp_path: Path, play: Callable[[Make], Awaitable[None]]) -> None:
    def make(**settings: str) -> tuple[DeclaredConfiguration, Feed]:
        feed = Feed()
        loaded = load_settings(
            environ={}, overrides={"prefix": str(tmp_path), "database": "off", **settings}, search=()
        ).settings
        return DeclaredConfiguration(loaded, cast(FeedServer, feed), tmp_path / "kept"), feed

    asyncio.run(asyncio.wait_for(cast("Any", play(make)), 20))


def names(made: DeclaredConfiguration) -> list[str | None]:
    return [service.name for service in made.snapshot.services.values()]


def test_a_start_loads_the_file_that_the_settings_name(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        (tmp_path / "kong.json").write_bytes(text("a"))
        made, feed = make(declarative_config=str(tmp_path / "kong.json"))
        await made.start(recover=False)
        assert names(made) == ["a"]
        assert feed.hashes == [made.snapshot.hash]
        (tmp_path / "kong.json").write_bytes(text("b"))
        await made.reload()
        assert names(made) == ["b"]

    run(tmp_path, play)


def test_a_start_loads_the_text_that_the_settings_hold(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, _ = make(declarative_config_string=text("a").decode())
        await made.start(recover=False)
        assert names(made) == ["a"]

    run(tmp_path, play)


def test_a_start_without_a_source_is_empty_and_a_reload_keeps_what_was_loaded(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, feed = make()
        await made.start(recover=False)
        assert feed.hashes == ["0" * 32]
        await made.load(text("a"), unless_loaded=False)
        await made.reload()
        assert names(made) == ["a"]

    run(tmp_path, play)


def test_variables_are_filled_in_from_files_but_not_from_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_HOST", "inner.test")
    source = {"_format_version": "3.0", "services": [{"name": "a", "host": "${UPSTREAM_HOST}"}]}

    async def play(make: Make) -> None:
        (tmp_path / "kong.json").write_text(json.dumps(source))
        made, _ = make(declarative_config=str(tmp_path / "kong.json"))
        await made.start(recover=False)
        assert [service.host for service in made.snapshot.services.values()] == ["inner.test"]
        with pytest.raises(DeclarativeError):
            await made.load(json.dumps(source).encode(), unless_loaded=False)

    run(tmp_path, play)


def test_what_was_in_force_is_recovered_before_the_file(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        (tmp_path / "kong.json").write_bytes(text("file"))
        settings = {"declarative_config": str(tmp_path / "kong.json")}
        made, feed = make(**settings)
        await made.start(recover=False)
        await made.load(document("a", "b"), unless_loaded=False)
        after, later_feed = make(**settings)
        await after.start(recover=True)
        assert after.snapshot == made.snapshot
        assert after.snapshot.hash == made.snapshot.hash
        assert await after.dump() == await made.dump()
        assert later_feed.version == feed.version + 1
        again, _ = make(**settings)
        await again.start(recover=False)
        assert names(again) == ["file"]

    run(tmp_path, play)


@pytest.mark.parametrize("content", [None, b"", b"\xc1 nonsense", b"\x80"])
def test_without_a_usable_record_the_file_is_loaded(tmp_path: Path, content: bytes | None) -> None:
    async def play(make: Make) -> None:
        if content is not None:
            (tmp_path / "kept").write_bytes(content)
        (tmp_path / "kong.json").write_bytes(text("file"))
        made, _ = make(declarative_config=str(tmp_path / "kong.json"))
        await made.start(recover=True)
        assert names(made) == ["file"]

    run(tmp_path, play)


def test_a_record_that_cannot_be_written_does_not_undo_a_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def play(make: Make) -> None:
        made, _ = make()
        (tmp_path / "kept").mkdir()
        await made.load(text("a"), unless_loaded=False)
        assert names(made) == ["a"]
        assert "cannot be kept" in caplog.text

    run(tmp_path, play)


def test_a_mistake_or_a_refusal_changes_nothing(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, feed = make()
        await made.load(text("a"), unless_loaded=False)
        before = made.snapshot
        with pytest.raises(DeclarativeError):
            await made.load({"_format_version": "3.0", "services": [{}]}, unless_loaded=False)
        feed.refuse = True
        with pytest.raises(ChangeRefusedError):
            await made.load(text("b"), unless_loaded=False)
        assert made.snapshot is before
        after, _ = make()
        await after.start(recover=True)
        assert names(after) == ["a"]

    run(tmp_path, play)


def test_text_that_is_in_force_can_be_passed_over(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, feed = make()
        loaded = await made.load(text("a"), unless_loaded=True)
        assert loaded is not None
        assert [service.name for service in loaded.services.values()] == ["a"]
        assert await made.load(text("a"), unless_loaded=True) is None
        assert await made.load(text("a"), unless_loaded=False) is not None
        assert await made.load(document("a"), unless_loaded=True) is not None
        assert len(feed.hashes) == 3

    run(tmp_path, play)


def test_entities_that_do_not_change_keep_their_time(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, _ = make()
        first = {"_format_version": "3.0", "services": [{"name": "a", "host": "h.test", "created_at": 5}]}
        await made.load(first, unless_loaded=False)
        loaded = await made.load(document("a"), unless_loaded=False)
        assert loaded is not None
        assert [service.created_at for service in loaded.services.values()] == [5]

    run(tmp_path, play)


def test_loads_take_turns_and_do_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "PATIENCE", 0.02)

    async def play(make: Make) -> None:
        made, feed = make()
        feed.gate.clear()
        first = asyncio.get_running_loop().create_task(made.load(text("a"), unless_loaded=False))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await made.load(text("b"), unless_loaded=False)
        feed.gate.set()
        await first
        await made.load(text("b"), unless_loaded=False)
        assert names(made) == ["b"]

    run(tmp_path, play)


def test_nothing_is_loaded_while_paused(tmp_path: Path) -> None:
    async def play(make: Make) -> None:
        made, feed = make()
        feed.gate.clear()
        running = asyncio.get_running_loop().create_task(made.load(text("a"), unless_loaded=False))
        await asyncio.sleep(0)
        pausing = asyncio.get_running_loop().create_task(made.pause())
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await made.load(text("b"), unless_loaded=False)
        assert not pausing.done()
        feed.gate.set()
        await pausing
        assert running.done()
        made.resume()
        await made.load(text("b"), unless_loaded=False)

    run(tmp_path, play)
