"""Whatever the template and the request: a text, or one of two errors; and the same as a second reading of Lua."""

import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gateline.pdk.templates import LIMIT, Template, TemplateError, TemplateFault, to_bytes_text
from gateline.pdk.templates.patterns import BadPatternError, compiled
from unit.pdk.templates.lua_patterns import first_match
from unit.pdk.templates.requests import environment

NAMES = ["headers", "query_params", "uri_captures", "shared", "string", "x", "type", "tostring"]
METHODS = ["upper", "gsub", "match", "sub", "rep", "format", "find"]
SIGNS = [*"[](),:;+-*/%^#<>=.", "..", "==", "~=", "not", "and", "or"]
LITERALS = ["nil", "true", "false", "1", "0x2", ".5", "1e3", "'a'", '"b"', "[[c]]"]
WORDS = ["(function()", "end)()", "return", "local", "if", "then", "else", "elseif", "end"]
PIECES = st.sampled_from(NAMES + METHODS + SIGNS + LITERALS + WORDS)


@given(st.text() | st.lists(PIECES).map(" ".join).map(lambda inside: f"a$({inside})b"))
@example("$(")
@example("$((function() return end)())")
def test_any_text_renders_or_is_refused(source: str) -> None:
    try:
        template = Template(source)
    except TemplateError as error:
        assert 1 <= error.position <= len(source) + 1  # noqa: PT017 - it may be raised, and may not
        return
    env = environment(headers={"x": ["1"]}, query="x=1&x", captures=(("a", None), {}), context={"x": [1, {"x": "y"}]})
    try:
        made = template.render(env)
    except TemplateFault:
        return
    assert len(made.encode("latin-1")) <= LIMIT


@given(st.text(st.characters(codec="utf-8")))
def test_a_quoted_text_renders_as_itself(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    assert Template(f"$('{quoted}')").render(environment()) == to_bytes_text(text)


Tree = Any
NUMBERS = st.integers(0, 50).map(float)
ARITHMETIC: st.SearchStrategy[Tree] = st.recursive(
    NUMBERS, lambda inner: st.tuples(st.sampled_from("+-*/%"), inner, inner), max_leaves=12
)


def source_of(tree: Tree) -> str:
    if isinstance(tree, float):
        return f"{tree:.14g}"
    sign, one, other = tree
    return f"({source_of(one)} {sign} {source_of(other)})"


def value_of(tree: Tree) -> float:
    if isinstance(tree, float):
        return tree
    sign, one, other = tree[0], value_of(tree[1]), value_of(tree[2])
    if sign == "+":
        return one + other
    if sign == "-":
        return one - other
    if sign == "*":
        return one * other
    if sign == "/":
        if other:
            return one / other
        return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one) * math.copysign(1, other)
    if not other or math.isnan(other) or not math.isfinite(one):
        return math.nan
    return one % other if math.isfinite(other) else one


@given(ARITHMETIC)
def test_arithmetic_is_that_of_doubles(tree: Tree) -> None:
    made = float(Template(f"$({source_of(tree)})").render(environment()))
    expected = value_of(tree)
    if math.isfinite(expected):
        assert made == float(f"{expected:.14g}")
    else:
        assert not math.isfinite(made)


LOGIC: st.SearchStrategy[Tree] = st.recursive(
    st.sampled_from(["nil", "false", "true", "'a'", "'b'"]),
    lambda inner: st.tuples(st.sampled_from(["and", "or", "==", "~="]), inner, inner),
    max_leaves=12,
)
CONSTANTS = {"nil": None, "false": False, "true": True, "'a'": "a", "'b'": "b"}


def logic_source(tree: Tree) -> str:
    return tree if isinstance(tree, str) else f"({logic_source(tree[1])} {tree[0]} {logic_source(tree[2])})"


def logic_value(tree: Tree) -> Any:
    if isinstance(tree, str):
        return CONSTANTS[tree]
    sign, one = tree[0], logic_value(tree[1])
    true = one is not None and one is not False
    if sign in ("and", "or"):
        return logic_value(tree[2]) if true == (sign == "and") else one
    same = one == logic_value(tree[2])
    return same if sign == "==" else not same


@given(LOGIC)
def test_logic_short_circuits_and_gives_operands(tree: Tree) -> None:
    value = logic_value(tree)
    expected = "" if value is None or value is False else "true" if value is True else value
    assert Template(f"$({logic_source(tree)})").render(environment()) == expected


PATTERN = st.lists(
    st.sampled_from(
        [*"ab1 -.*+?()^$[]%", "%a", "%d", "%S", "[ab]", "[^a]", "[%d-]", "[a-b]", "(a)", "(.*)", "%.", "%W"]
    )
).map("".join)


@given(PATTERN, st.text("ab1 -."))
def test_patterns_find_what_luas_matcher_finds(pattern: str, subject: str) -> None:
    try:
        regex = compiled(pattern)
    except BadPatternError:
        return
    match = regex.search(subject)
    assert (match and (match.start(), match.end(), list(match.groups()))) == first_match(pattern, subject)
