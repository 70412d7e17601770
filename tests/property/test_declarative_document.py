"""The reader of documents reads what PyYAML and json write."""

import json
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateline.declarative.document import ParseError, read

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "yes",
        "1",
        "0x1f",
        "017",
        "1e3",
        "~",
        "null",
        "<<",
        "12:30",
        "2026-01-01",
        ".inf",
        "=",
        "- a",
        "a: b",
        "#",
        "&a",
        "*a",
    ]
)
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)


@given(data, st.booleans(), st.integers(20, 100))
def test_what_pyyaml_writes_is_read(value: Any, flow: bool, width: int) -> None:
    for item in ({"root": value}, {"first": value, "again": value}):  # the second one is written with an alias
        text = yaml.safe_dump(item, default_flow_style=flow, width=width, allow_unicode=True)
        assume(yaml.safe_load(text) == item)  # PyYAML does not read every line separator back that it writes
        assert read(text).value == item


@given(st.dictionaries(texts, data, max_size=4), st.booleans(), st.none() | st.integers(0, 3))
def test_what_json_writes_is_read(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only, indent=indent)).value == value


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(path, value), *(found for key, item in items for found in paths_in(item, (*path, key)))]


@given(st.dictionaries(st.sampled_from("abcd"), data, max_size=4))
def test_every_value_is_found_on_its_line(value: Any) -> None:
    text = yaml.safe_dump(value, default_flow_style=False, width=10_000)
    document = read(text)
    lines = text.splitlines()
    for path, _ in paths_in(value):
        line = document.line(path)
        assert line is not None
        assert 1 <= line <= len(lines)
        if path and isinstance(path[-1], str) and path[-1] in "abcd" and path[-1]:
            assert f"{path[-1]}:" in lines[line - 1] or f'"{path[-1]}"' in lines[line - 1]


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#,?~<0123.\n\t \\\\_=$"), max_size=80))
@settings(max_examples=500)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = read(text)
    except ParseError:
        return
    json.dumps(document.value)
    document.line(("a", 0))
