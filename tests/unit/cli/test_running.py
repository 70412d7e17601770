"""Commands to a node that runs; a stand-in takes the supervisor's place."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateline.cli.app import run

FAKE = Path(__file__).with_name("fake_node.py")
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a stand-in of a manner in the prefix `tmp_path`."""
    nodes: list[subprocess.Popen[str]] = []

    def begin(manner: str = "well") -> "subprocess.Popen[str]":
        node = subprocess.Popen([sys.executable, str(FAKE), str(tmp_path), manner], stdout=subprocess.PIPE, text=True)
        nodes.append(node)
        assert node.stdout is not None
        assert node.stdout.readline() == "ready\n"
        return node

    yield begin
    for node in nodes:
        node.kill()
        node.wait()
        if node.stdout is not None:
            node.stdout.close()


def command(*arguments: str, prefix: Path) -> int:
    return run(["gateline", *arguments, "-p", str(prefix)])


def test_stop_ends_the_node(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    node = start("well")
    assert command("stop", prefix=tmp_path) == 0
    assert capfd.readouterr().out == "Kong stopped\n"
    assert node.wait() == 0


def test_quit_ends_it_gracefully(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start("well")
    assert command("quit", prefix=tmp_path) == 0
    assert capfd.readouterr().out == "Kong stopped (gracefully)\n"


def test_quit_forces_a_node_that_takes_too_long(
    start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start("never-quits")
    assert command("quit", "-t", "1", "-w", "0.01", "--v", prefix=tmp_path) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "Timeout, Kong stopped forcefully"


def test_reload_waits_for_the_result(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start("well")
    assert command("reload", prefix=tmp_path) == 0
    assert capfd.readouterr().out == "Kong reloaded\n"


def test_a_reload_that_failed_says_everything_that_is_wrong(
    start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start("reload-fails")
    assert command("reload", prefix=tmp_path) == 1
    assert capfd.readouterr() == ("", "Error: 2 problems\n  - kong.yml:3: wrong\n  - kong.yml:4: wrong too\n")


def test_a_node_that_ends_during_the_reload_is_reported(
    start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start("reload-dies")
    assert command("reload", prefix=tmp_path) == 1
    assert capfd.readouterr().err == f"Error: the node at {tmp_path} ended during the reload\n"


def test_health_lists_the_processes(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start("well")
    assert command("health", prefix=tmp_path) == 0
    assert capfd.readouterr().out == (
        f"supervisor....running\ncontrol.......running\nworker 0......running\n\nKong is healthy at {tmp_path}\n"
    )


def test_health_fails_when_a_process_is_gone(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start("worker-gone")
    assert command("health", prefix=tmp_path) == 1
    captured = capfd.readouterr()
    assert "worker 0......not running" in captured.out
    assert captured.err == f"Error: Some services are not running at {tmp_path}\n"


def test_a_second_node_is_told_where_the_first_runs(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("well")
    for name in ("PROXY", "ADMIN", "STATUS"):
        monkeypatch.setenv(f"GATELINE_{name}_LISTEN", "127.0.0.1:0")
    ended = subprocess.run(
        [sys.executable, "-m", "gateline", "start", "-p", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: Gateline is already running at {tmp_path} (process ")
