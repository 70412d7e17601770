"""Reading of one document: what YAML and JSON become, what is refused, where lines are."""

from typing import Any

import pytest
import yaml

from gateline.declarative import document
from gateline.declarative.document import Limits, ParseError, check_depth, read


def refusal(text: str | bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ParseError) as caught:
        read(text, limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: '1'", {"a": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("a: on", {"a": True}),
        ("a: No", {"a": False}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 0x1F", {"a": 31}),
        ("a: 017", {"a": 15}),
        ("a: 0b11", {"a": 3}),
        ("a: -1_000", {"a": -1000}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1.0e+3", {"a": 1000.0}),
        ("a: 1e3", {"a": "1e3"}),
        ('{"a": 1e3}', {"a": 1000.0}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 1.0e+400", {"a": "1.0e+400"}),
        ('{"a": 1e400}', {"a": "1e400"}),
        ("a: !!float 1", {"a": 1.0}),
        ("a: ! 1", {"a": "1"}),
        ("a: &k x\n*k : 2", {"a": "x", "x": 2}),
        ("on: x\n1: y\n~: z", {"on": "x", "1": "y", "~": "z"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        (
            "a: &x {b: 1}\nc: &y {b: 2, e: 3}\nd: {<<: [*x, *y]}",
            {"a": {"b": 1}, "c": {"b": 2, "e": 3}, "d": {"b": 1, "e": 3}},
        ),
        ("a: <<", {"a": "<<"}),
        ("", None),
        ("text", "text"),
        ("- 1\n- [2]", [1, [2]]),
        ('{"a": [1, 1.5, true, null, "x"]}', {"a": [1, 1.5, True, None, "x"]}),
        ("{a: b}", {"a": "b"}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_texts_become_plain_data(text: str, value: Any) -> None:
    assert read(text).value == value
    assert read(text.encode()).value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: {", "2:2: did not find expected ',' or ']'"),
        ("a: 1\na: 2", "2:1: the key 'a' is repeated"),
        ('{"a": 1,\n "a": 2}', "2:2: the key 'a' is repeated"),
        ("? [a]\n: b", "1:3: a key must be a text"),
        ("a: !!binary aGk=", "1:4: 'aGk=' cannot be read as binary"),
        (
            "a: !!python/object/apply:os.system [id]",
            "1:4: the tag tag:yaml.org,2002:python/object/apply:os.system is not supported",
        ),
        ("a: !custom x", "1:4: 'x' cannot be read as !custom"),
        ("a: !!int x", "1:4: 'x' cannot be read as int"),
        ("a: !!int ''", "1:4: '' cannot be read as int"),
        ("a: !!float nan", "1:4: 'nan' cannot be read as float"),
        ("a: !!set {x}", "1:4: the tag tag:yaml.org,2002:set is not supported"),
        ("a: *unknown", "1:4: the alias 'unknown' refers to nothing before it"),
        ("a: 1\n---\nb: 2", "2:1: only one document is allowed"),
        ("a: {<<: 5}", "1:9: '<<' takes a mapping or a list of mappings"),
        ("a: &x [*x]", "1:8: an alias stands inside of what it refers to"),
        (b"a: \xff", "not UTF-8: invalid start byte at byte 3"),
        ("a:\n- \x01", "2:1: the character #x0001 is not allowed"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str | bytes, message: str) -> None:
    assert refusal(text) == message


def test_aliases_may_not_expand_without_end() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
    )
    assert refusal(bomb).endswith("aliases expand to more than 1000000 values")
    merges = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(100)) + "}\n" + "b:\n" + "- <<: *a\n" * 100
    assert refusal(merges, Limits(expanded=5000)).endswith("aliases expand to more than 5000 values")


@pytest.mark.parametrize("text", ["[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65, "- " * 65 + "x"])
def test_nesting_has_a_limit(text: str) -> None:
    assert "nested deeper than 64 levels" in refusal(text)


def test_nesting_has_a_limit_through_aliases_as_well() -> None:
    chain = "a0: &a0 [[[[[[[[x]]]]]]]]\n" + "".join(
        f"a{level}: &a{level} [[[[[[[[*a{level - 1}]]]]]]]]\n" for level in range(1, 9)
    )
    assert "nested deeper than 64 levels" in refusal(chain)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "- " * 100_000, "{" * 100_000])
def test_absurd_nesting_is_refused_and_harms_nothing(text: str) -> None:
    refusal(text)


def test_size_has_a_limit() -> None:
    assert refusal("a: " + "x" * 100, Limits(size=50)) == "the document is larger than 50 bytes"


def test_data_is_checked_for_depth_too() -> None:
    value: Any = "x"
    for _ in range(64):
        value = [value]
    check_depth({"a": "b", "c": [1]})
    check_depth(value)
    with pytest.raises(ParseError, match="nested deeper than 64 levels"):
        check_depth({"a": value})


YAML = """\
# comment
services:
- name: a
  routes:

  - paths:
    - /x
    - /y
other: &o
  deep: 1
merged:
  <<: *o
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("services",), 2),
        (("services", 0), 3),
        (("services", 0, "name"), 3),
        (("services", 0, "routes", 0, "paths", 1), 8),
        (("services", 0, "routes", 0, "missing"), 6),
        (("services", 7), 2),
        (("merged", "deep"), 10),
        (("services", "name"), 2),
    ],
)
def test_lines_are_known(path: tuple[str | int, ...], line: int) -> None:
    assert read(YAML).line(path) == line


def test_lines_of_json_are_known() -> None:
    read_document = read('{\n "services": [\n  {"name": "a"},\n  {"name": 5}\n ]\n}')
    assert read_document.line(("services", 1, "name")) == 4


def test_lines_of_json_that_yaml_cannot_read_are_not_known() -> None:
    assert read('{"a":\t"\\/",\n"b": 1}').line(("b",)) in (None, 2)


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\udfff": 1}'])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    assert refusal(text) == "a text holds half of a surrogate pair"
    assert read('{"a": "\\ud83e\\udd8d"}').value == {"a": "🦍"}


def test_pyyaml_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    assert read(YAML).value == {
        "services": [{"name": "a", "routes": [{"paths": ["/x", "/y"]}]}],
        "other": {"deep": 1},
        "merged": {"deep": 1},
    }
    assert read(YAML).line(("services", 0, "routes", 0, "paths", 1)) == 8
    assert refusal("a: 1\na: 2") == "2:1: the key 'a' is repeated"
    assert refusal("a: [1, 2\nb: {").startswith("2:")
    assert refusal("a: \x01").endswith("the character #x0001 is not allowed")
    assert "nested deeper than 64 levels" in refusal("- " * 1000)
