"""Commands that need no node: what they print, where, and their exit codes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from gateline.cli.app import run
from gateline.version import KONG_VERSION, __version__


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Gateline = Callable[..., Ended]


@pytest.fixture
def gateline(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gateline:
    """Runs a command in a directory of its own, with no settings from outside."""
    for name in [name for name in os.environ if name.startswith(("KONG_", "GATELINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, program: str = "/usr/bin/gateline") -> Ended:
        code = run([program, *arguments])
        return Ended(code, *capfd.readouterr())

    return call


def test_version_is_gatelines(gateline: Gateline) -> None:
    assert gateline("version") == (0, f"{__version__}\n", "")


def test_version_through_a_link_named_kong_is_kongs(gateline: Gateline) -> None:
    assert gateline("version", program="/usr/local/bin/kong") == (0, f"{KONG_VERSION}\n", "")


def test_version_all_lists_what_it_stands_on(gateline: Gateline) -> None:
    ended = gateline("version", "-a")
    assert ended.code == 0
    names = [line.partition(":")[0] for line in ended.out.splitlines()]
    assert names[:4] == ["Gateline", "Kong", "Python", "codec"]


@pytest.mark.parametrize("arguments", [["start", "--nonsense"], ["nonsense"], ["config", "parse"]])
def test_a_wrong_call_exits_with_2(gateline: Gateline, arguments: Sequence[str]) -> None:
    ended = gateline(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err


def test_help_lists_the_commands(gateline: Gateline) -> None:
    ended = gateline("--help")
    assert ended.code == 0
    for name in ("start", "stop", "quit", "reload", "restart", "health", "check", "prepare", "version", "config"):
        assert name in ended.out


# ---- check

VALID = '_format_version: "3.0"\nservices: [{name: s, url: "http://127.0.0.1:9"}]\n'
INVALID = '_format_version: "3.0"\nservices:\n- name: s\n  port: 70000\n  host: 1 2\n'


def test_check_says_that_a_conf_file_is_valid(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "kong.conf").write_text("log_level = debug\n")
    assert gateline("check", "kong.conf") == (0, "configuration at kong.conf is valid\n", "")
    assert gateline("check", "-c", "kong.conf") == (0, "configuration at kong.conf is valid\n", "")


def test_check_says_everything_that_is_wrong_with_file_and_line(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("log_levl = debug\nproxy_listen = nowhere\n")
    ended = gateline("check", "x.conf")
    assert (ended.code, ended.out) == (1, "")
    first, *problems = ended.err.splitlines()
    assert first == "Error: 2 problems"
    assert f"{tmp_path}/x.conf:1: log_levl is not a setting; did you mean log_level?" in problems[0]
    assert f"{tmp_path}/x.conf:2: proxy_listen = 'nowhere' is not valid; expected" in problems[1]


def test_check_reads_the_declarative_configuration_that_the_settings_name(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "kong.yml").write_text(INVALID)
    (tmp_path / "x.conf").write_text("declarative_config = kong.yml\n")
    ended = gateline("check", "x.conf")
    assert ended.code == 1
    assert f"{tmp_path}/kong.yml:4" in ended.err


def test_check_takes_a_declarative_configuration_too(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "kong.yml").write_text(VALID)
    assert gateline("check", "kong.yml") == (0, "configuration at kong.yml is valid\n", "")


def test_check_without_a_file_checks_the_environment(
    gateline: Gateline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KONG_DECLARATIVE_CONFIG_STRING", VALID)
    assert gateline("check") == (0, "configuration is valid\n", "")
    monkeypatch.setenv("KONG_LOG_LEVEL", "loud")
    assert gateline("check").code == 1


def test_check_warns_of_what_has_no_effect(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("mem_cache_size = 1g\n")
    ended = gateline("check", "x.conf")
    assert ended.code == 0
    assert ended.err == f"Warning: {tmp_path}/x.conf:1: mem_cache_size has no effect: There is no such cache.\n"


def test_verbose_says_what_was_read_without_secrets(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("pg_password = very-secret\nlog_level = debug\n")
    ended = gateline("check", "x.conf", "--v")
    assert f"reading the settings from {tmp_path}/x.conf" in ended.out
    assert 'log_level = "debug"' in ended.out
    assert 'pg_password = "******"' in ended.out
    assert "very-secret" not in ended.out + ended.err


# ---- config


def test_config_init_writes_a_sample_that_can_be_parsed(gateline: Gateline, tmp_path: Path) -> None:
    assert gateline("config", "init") == (0, "", "")
    assert gateline("config", "parse", "kong.yml") == (0, "parse successful\n", "")
    sample = (tmp_path / "kong.yml").read_text()
    head, commented, body = sample.partition("# services:\n")
    example = "".join(line.removeprefix("# ") for line in (commented + body).splitlines(keepends=True))
    (tmp_path / "whole.yml").write_text(head + example)
    assert gateline("config", "parse", "whole.yml") == (0, "parse successful\n", "")


def test_config_init_does_not_overwrite(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("precious")
    ended = gateline("config", "init", "mine.yml")
    assert ended == (1, "", "Error: mine.yml already exists. Will not overwrite it.\n")
    assert (tmp_path / "mine.yml").read_text() == "precious"


def test_config_init_into_nowhere_says_so(gateline: Gateline) -> None:
    assert gateline("config", "init", "no/such/k.yml").err == (
        "Error: no/such/k.yml: cannot be written: No such file or directory\n"
    )


def test_config_parse_says_everything_that_is_wrong(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "kong.yml").write_text(INVALID)
    ended = gateline("config", "parse", "kong.yml")
    assert (ended.code, ended.out) == (1, "")
    assert "kong.yml:4" in ended.err
    assert "kong.yml:5" in ended.err


def test_config_parse_of_a_missing_file_is_one_sentence(gateline: Gateline) -> None:
    ended = gateline("config", "parse", "none.yml")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert len(ended.err.splitlines()) == 1
    assert "none.yml" in ended.err


# ---- start, as far as it comes without a node


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-c", "none.yml"], "no file at: none.yml"),
        (["-c", "none"], "no file at: none"),
        (["-c", "none.conf"], "no file at: {here}/none.conf"),
        (["--conf", "none.conf"], "no file at: {here}/none.conf"),
        (["-c", "a.conf", "--conf", "b.conf"], "two conf files are given, b.conf and a.conf; expected one"),
        (
            ["-c", "a.yml", "-c", "b.yml"],
            "two declarative configurations are given, a.yml and b.yml; expected one file, or a directory",
        ),
    ],
)
def test_start_with_wrong_files_says_which(
    gateline: Gateline, arguments: Sequence[str], problem: str, tmp_path: Path
) -> None:
    for name in ("a.yml", "b.yml", "a.conf", "b.conf"):
        (tmp_path / name).write_text("")
    assert gateline("start", *arguments) == (1, "", f"Error: {problem.format(here=tmp_path)}\n")


def test_start_in_a_prefix_without_the_right_to_it_says_so(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = gateline("start", "-p", "file")
    assert ended.code == 1
    assert ended.err.startswith(f"Error: cannot use {tmp_path}/file as the prefix: ")


def test_prepare_makes_the_directories(gateline: Gateline, tmp_path: Path) -> None:
    assert gateline("prepare", "-p", "node") == (0, "", "")
    assert {path.name for path in (tmp_path / "node").iterdir()} >= {"logs", "pids", "run"}


# ---- without a node


@pytest.mark.parametrize("command", ["stop", "quit", "reload", "health"])
def test_a_node_that_does_not_run_is_reported_with_1(gateline: Gateline, command: str, tmp_path: Path) -> None:
    ended = gateline(command, "-p", "node")
    assert ended.code == 1
    assert ended.err == f"Error: Kong is not running at {tmp_path}/node\n"


def test_a_pid_file_that_a_crash_left_is_no_node(gateline: Gateline, tmp_path: Path) -> None:
    (tmp_path / "node/pids").mkdir(parents=True)
    (tmp_path / "node/pids/gateline.pid").write_text(f"{os.getpid()}\n")
    assert gateline("health", "-p", "node").code == 1


def test_an_unexpected_error_is_a_sentence(gateline: Gateline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("gateline.cli.running.find_prefix", fail)
    ended = gateline("stop")
    assert (ended.code, ended.err) == (1, "Error: unexpected RuntimeError: boom (--vv shows where)\n")
    assert "Traceback" in gateline("stop", "--vv").err
