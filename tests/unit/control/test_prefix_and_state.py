"""The node's directory: who runs it, and what it tells of itself."""

import fcntl
import os
from pathlib import Path

import pytest

from gateline.control import prefix, state
from gateline.control.errors import StartError

STATE = state.State(
    pid=1,
    version="0",
    status="running",
    started=1.5,
    generation=1,
    control=2,
    workers=[3, 4],
    proxy_listen=["http://127.0.0.1:8000"],
    admin_listen=[],
    status_listen=[],
    reload=state.Reload(3, False, ["no"]),
)


def test_the_directories_are_made_and_private_ones_stay_private(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    for _ in range(2):
        prefix.prepare(place)
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.iterdir()}
    assert set(modes) == {"pids", "logs", "run", "ssl"}
    assert (modes["run"], modes["ssl"]) == (0o700, 0o700)


def test_a_prefix_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError) as refused:
        prefix.prepare(tmp_path / "file")
    (message,) = refused.value.messages
    assert message.startswith(f"cannot use {tmp_path / 'file'} as the prefix: ")
    assert message.endswith("set `prefix` to a directory of yours")


def test_a_prefix_without_the_right_to_write_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: "run" not in str(path))  # root may write everywhere
    with pytest.raises(StartError, match=f"cannot write to {tmp_path / 'run'}: permission denied"):
        prefix.prepare(tmp_path)


def test_a_prefix_belongs_to_one_process(tmp_path: Path) -> None:
    prefix.prepare(tmp_path)
    assert prefix.running_pid(tmp_path) is None
    mine = prefix.PidFile(tmp_path)
    assert prefix.running_pid(tmp_path) == os.getpid()
    with pytest.raises(StartError, match=f"Gateline is already running at {tmp_path} \\(process {os.getpid()}\\)"):
        prefix.PidFile(tmp_path)
    mine.remove()
    assert prefix.running_pid(tmp_path) is None
    prefix.PidFile(tmp_path).remove()


def test_a_pid_file_that_a_crash_left_behind_means_nothing(tmp_path: Path) -> None:
    prefix.prepare(tmp_path)
    prefix.pid_path(tmp_path).write_text(f"{os.getppid()}\n")
    assert prefix.running_pid(tmp_path) is None
    prefix.PidFile(tmp_path).remove()


def test_a_pid_file_that_is_held_but_empty_names_nobody(tmp_path: Path) -> None:
    prefix.prepare(tmp_path)
    with prefix.pid_path(tmp_path).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert prefix.running_pid(tmp_path) is None
        with pytest.raises(StartError, match="process unknown"):
            prefix.PidFile(tmp_path)


def test_the_feed_is_in_the_prefix_unless_that_is_too_deep(tmp_path: Path) -> None:
    assert prefix.feed_path(Path("/p"), 3) == Path("/p/run/feed-3.sock")
    deep = tmp_path / ("x" * 100)
    place = prefix.feed_path(deep, 1)
    assert len(str(place)) <= prefix.LONGEST_SOCKET_PATH
    assert place.parent.stat().st_mode & 0o777 == 0o700
    place.touch()
    prefix.remove_feed(deep, place)
    assert not place.parent.exists()


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    prefix.prepare(tmp_path)
    assert state.read(tmp_path) is None
    state.write(tmp_path, STATE)
    assert state.read(tmp_path) == STATE
    state.remove(tmp_path)
    state.remove(tmp_path)
    assert state.read(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'{"pid": "x"}'])
def test_a_file_that_is_no_state_is_none(tmp_path: Path, content: bytes) -> None:
    prefix.prepare(tmp_path)
    state.path(tmp_path).write_bytes(content)
    assert state.read(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(OSError):
        state.write_atomically(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_what_is_written_is_private(tmp_path: Path) -> None:
    for durable in (True, False):
        state.write_atomically(tmp_path / "file", b"new", durable=durable)
        assert (tmp_path / "file").read_bytes() == b"new"
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
