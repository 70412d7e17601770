"""`plugin new` and `plugin list`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.cli.app import run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def plugin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs `gateline plugin ...` in a directory of its own; exit code, output, errors."""
    for name in [name for name in os.environ if name.startswith(("KONG_", "GATELINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["gateline", "plugin", *arguments])
        return code, *capfd.readouterr()

    return call


def test_a_new_package_passes_its_test_at_once(plugin: Command, tmp_path: Path) -> None:
    code, out, _ = plugin("new", "rate-card")
    assert code == 0
    files = ["rate-card/pyproject.toml", "rate-card/src/rate_card/__init__.py", "rate-card/tests/test_rate_card.py"]
    assert out.splitlines()[:3] == [f"wrote {file}" for file in files]
    assert _pytest(tmp_path / "rate-card" / "tests").returncode == 0


def test_a_new_file_in_a_plugin_folder_passes_its_test_at_once(plugin: Command, tmp_path: Path) -> None:
    assert plugin("new", "rate-card", "--folder", "plugins")[0] == 0
    assert {path.name for path in (tmp_path / "plugins").rglob("*.py")} == {"rate_card.py", "test_rate_card.py"}
    ended = _pytest(tmp_path / "plugins" / "tests")
    assert ended.returncode == 0, ended.stdout


def _pytest(tests: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tests)]
    return subprocess.run(command, cwd=tests.parent, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_is_overwritten(plugin: Command, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text("precious")
    code, _, err = plugin("new", "mine", "--folder", "plugins")
    assert (code, err) == (1, "Error: plugins/mine.py already exists. Will not overwrite it.\n")
    assert [path.name for path in (tmp_path / "plugins").iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/b", "..", "Upper", "under_score", "a--b", "-a", "9to5", "", "x" * 65, "a\nb"]
)
def test_a_name_that_is_none_is_refused(plugin: Command, tmp_path: Path, name: str) -> None:
    code, _, err = plugin("new", "--", name)
    assert code == 1
    assert "cannot be the name of a plugin" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"), [("cors", "there is a plugin 'cors' already"), ("json", "Python has a module 'json'")]
)
def test_a_name_that_is_taken_is_refused(plugin: Command, name: str, reason: str) -> None:
    code, _, err = plugin("new", name)
    assert code == 1
    assert reason in err


def test_the_list_says_what_there_is_and_where_from(plugin: Command, tmp_path: Path) -> None:
    plugin("new", "mine", "--folder", "plugins")
    code, out, _ = plugin("list", "--plugin-folder", "plugins")
    assert code == 0
    head, *rows = [" ".join(line.split()) for line in out.splitlines()]
    assert head == "NAME VERSION PRIORITY PHASES SOURCE"
    assert f"mine 0.1.0 1000 access, header_filter {tmp_path}/plugins/mine.py" in rows
    assert any(row.startswith("cors ") and row.endswith(" 2000 access, header_filter bundled") for row in rows)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = (", "SyntaxError: '(' was never closed (broken.py, line 1)"),
        ("import os\n\nundefined\n", "NameError: name 'undefined' is not defined ({file}, line 3)"),
        ("", "expected one class that derives from Plugin and has a name, found 0 in {file}"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_with_the_reason(
    plugin: Command, tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "plugins" / "broken.py"
    file.parent.mkdir()
    file.write_text(text)
    code, _, err = plugin("list", "--plugin-folder", "plugins")
    assert code == 1
    assert err.startswith("Error: plugin 'broken' cannot be loaded: ")
    assert reason.format(file=file) in err


def test_a_folder_that_is_not_there_is_told(plugin: Command) -> None:
    assert plugin("list", "--plugin-folder", "nowhere")[2] == "Error: no directory of plugins at: nowhere\n"
