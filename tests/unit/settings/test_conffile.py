"""The form of conf files."""

from pathlib import Path

import pytest

from gateline.settings import SettingsError
from gateline.settings.conffile import parse_conf, read_conf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# a comment\n\n   # another\n", []),
        ("log_level = debug", [("log_level", "debug", "f:1")]),
        ("log_level=debug # why\r\n", [("log_level", "debug", "f:1")]),
        ("pg_password = a\\#b", [("pg_password", "a#b", "f:1")]),
        ("#x = 1\nplugins =\n", [("plugins", "", "f:2")]),
        ("a = b = c", [("a", "b = c", "f:1")]),
        ("proxy_listen = 1:1, \\\n  2:2 # two\nb = 1", [("proxy_listen", "1:1, 2:2", "f:1"), ("b", "1", "f:3")]),
        ("a = 1 \\", [("a", "1 \\", "f:1")]),
        ("a = 1\na = 2", [("a", "1", "f:1"), ("a", "2", "f:2")]),
    ],
)
def test_lines_are_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(line.key, line.value, line.where) for line in parse_conf(text, "f")] == expected


def test_every_line_that_is_no_setting_is_named() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_conf("a = 1\nnonsense\n[section]\n b c = 2\n", "f")
    assert [message.split(": ")[0] for message in refused.value.messages] == ["f:2", "f:3", "f:4"]
    assert "expected: key = value" in refused.value.messages[0]


def test_a_missing_file_is_named_as_kong_does(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no file at: "):
        read_conf(tmp_path / "none.conf")


def test_a_directory_is_not_a_conf_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_conf(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_bytes(b"a = \xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        read_conf(tmp_path / "x.conf")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_conf(tmp_path / "x.conf")[0].key == "a"
