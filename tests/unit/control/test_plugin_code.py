"""Whether plugins' code has changed on disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.control.plugin_code import files_stamp, stamp
from gateline.settings.load import default_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "mine.py").write_text("one")
    (tmp_path / "inner" / "__init__.py").write_text("two")
    return tmp_path


def _touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "mine.py").write_text("other"),
        lambda folder: _touch(folder / "inner" / "__init__.py"),
        lambda folder: (folder / "new.py").write_text(""),
        lambda folder: (folder / "mine.py").unlink(),
    ],
)
def test_a_change_of_code_is_seen(folder: Path, change: Callable[[Path], object]) -> None:
    before = files_stamp([folder])
    assert files_stamp([folder]) == before
    change(folder)
    assert files_stamp([folder]) != before


def test_what_is_no_code_does_not_count(folder: Path) -> None:
    before = files_stamp([folder])
    for name in ("notes.md", "__pycache__/mine.py", ".hidden/x.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    assert files_stamp([folder]) == before


def test_files_may_be_named_and_be_missing(folder: Path) -> None:
    assert len(files_stamp([folder / "mine.py", folder / "nowhere"])) == 1


def test_packages_count_where_the_settings_name_plugins(folder: Path) -> None:
    bundled = stamp(default_settings(plugin_folders=(folder,)))
    assert bundled == files_stamp([folder])
    named = stamp(default_settings(plugins=("bundled", "other"), plugin_folders=(folder,)))
    assert ("cors", "gateline.plugins.cors:Cors") in {(name, place) for name, place, _ in named - bundled}
