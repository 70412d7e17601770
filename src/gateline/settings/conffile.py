r"""Reads files of `key = value` lines as Kong does: `#` starts a comment, `\#` does not, a `\` at the end goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gateline.settings.errors import SettingsError

LARGEST = 4 * 1024**2
_COMMENT = re.compile(r"(?<!\\)#.*")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


@dataclass(frozen=True, slots=True)
class Line:
    """One setting of a file, and where it stands."""

    key: str
    value: str
    where: str
    """`gateline.conf:12`."""


def read_conf(path: Path) -> list[Line]:
    """Every setting of the file in order. Raises `SettingsError`: no such file, no such right, lines that are none."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise SettingsError([f"no file at: {path}"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(data) > LARGEST:
        raise SettingsError([f"{path}: is larger than {LARGEST} bytes"])
    try:
        return parse_conf(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8 text (byte {error.start})"]) from None


def parse_conf(text: str, name: str) -> list[Line]:
    """Every setting of the text; `name` is what errors call it."""
    lines: list[Line] = []
    messages: list[str] = []
    pending, began = "", 0
    for number, raw in enumerate([*text.split("\n"), ""], start=1):
        began = began or number
        stripped = pending + _COMMENT.sub("", raw.rstrip("\r")).strip()
        if stripped.endswith("\\") and number <= text.count("\n"):
            pending = stripped[:-1].rstrip() + " "
            continue
        pending, where, began = "", f"{name}:{began}", 0
        if not stripped:
            continue
        key, equals, value = stripped.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            messages.append(f"{where}: {stripped[:80]!r} is not a setting; expected: key = value")
            continue
        lines.append(Line(key, value.strip().replace("\\#", "#"), where))
    if messages:
        raise SettingsError(messages)
    return lines
