"""The error log: place, level, and the form of its lines."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.control import logs
from gateline.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def settings(tmp_path: Path, **given: str) -> Settings:
    (tmp_path / "logs").mkdir(exist_ok=True)
    return load_settings(environ={}, overrides={"prefix": str(tmp_path), **given}, search=()).settings


def test_a_daemon_logs_to_the_file_of_the_settings(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path), "worker 3", foreground=False)
    logging.getLogger("x").warning("one\ntwo")
    logging.getLogger("x").log(logs.NOTICE, "three")
    logging.getLogger("x").info("not severe enough")
    lines = (tmp_path / "logs" / "error.log").read_text().splitlines()
    pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[warn\] worker 3 \(\d+\): one"
    assert re.fullmatch(pattern, lines[0])
    assert lines[1] == "    two"
    assert lines[2].endswith(": three")
    assert "[notice]" in lines[2]
    assert len(lines) == 3


def test_in_the_foreground_standard_error_is_the_log_unless_a_file_is_named(
    tmp_path: Path, root: logging.Logger
) -> None:
    logs.configure(settings(tmp_path), "control", foreground=True)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
    logs.configure(settings(tmp_path, proxy_error_log=str(tmp_path / "own.log")), "control", foreground=True)
    logging.getLogger("x").error("here")
    assert "here" in (tmp_path / "own.log").read_text()


@pytest.mark.parametrize(("place", "stream"), [("/dev/stderr", "stderr"), ("/dev/stdout", "stdout")])
def test_standard_streams_may_be_named(tmp_path: Path, root: logging.Logger, place: str, stream: str) -> None:
    logs.configure(settings(tmp_path, proxy_error_log=place), "control", foreground=False)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is getattr(sys, stream)


def test_the_log_can_be_off(tmp_path: Path, root: logging.Logger) -> None:
    logs.configure(settings(tmp_path, proxy_error_log="off"), "control", foreground=False)
    assert [type(handler) for handler in root.handlers] == [logging.NullHandler]


def test_lines_can_be_json(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path, log_format="json"), "control", foreground=False)
    try:
        raise ValueError("inner")
    except ValueError:
        logging.getLogger("x").exception("outer")
    (line,) = (tmp_path / "logs" / "error.log").read_text().splitlines()
    record = json.loads(line)
    assert (record["level"], record["process"], record["message"]) == ("error", "control", "outer")
    assert "ValueError: inner" in record["exception"]


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        logs.configure(settings(tmp_path, proxy_error_log=str(tmp_path)), "control", foreground=False)


def test_every_level_of_the_settings_is_one_of_pythons() -> None:
    assert list(logs.LEVELS.values()) == sorted(logs.LEVELS.values())
    assert set(logs.NAMES) == set(logs.LEVELS.values())
