"""Lua's patterns: each of these was checked against what Lua's manual says of it."""

import time

import pytest

from gateline.pdk.kong.lua_patterns import LuaPatternError, compiled


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("^[^:]+:.*$", ["a:b", "a:"], ["", ":b", "ab"]),
        ("^%d+$", ["1", "123"], ["", "1a", "\u0661"]),
        ("abc", ["xabcx"], ["ab"]),
        ("^/", ["/x"], ["x/"]),
        ("a.c", ["abc", "a\nc"], ["ac"]),
        ("^a-b$", ["b", "aab"], ["a"]),
        ("^a?b$", ["b", "ab"], ["aab"]),
        ("^%a%A%l%L%u%U%w%W%s%S%x%X%p%P$", ["a1aAAaz! ffg-x"], ["a"]),
        ("^[%w_%-]+$", ["a-b_c"], ["a b", ""]),
        ("^[a-c%d.]+$", ["a1.c"], ["d"]),
        ("^[]]$", ["]"], ["["]),
        ("^[^]]$", ["["], ["]"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[%a-z]$", ["b", "-", "z"], ["1"]),
        ("^[c-a]*$", [""], ["b"]),
        ("^(a)(%d*)()$", ["a12"], ["b"]),
        ("^a$b$", ["a$b"], ["ab"]),
        ("a^b", ["a^b"], ["ab"]),
        ("^%^%$%%%.%(%)$", ["^$%.()"], ["x"]),
        ("*", ["*"], ["a"]),
        ("{2}|\\d", ["{2}|\\d"], ["22"]),
        ("^\u00e9$", ["\u00e9"], ["\u00e8"]),
        ("^..$", ["\u00e9"], ["\u20ac"]),
        ("", ["", "anything"], []),
    ],
)
def test_a_pattern_matches_what_lua_matches(pattern: str, matched: list[str], not_matched: list[str]) -> None:
    matches = compiled(pattern)
    for text in matched:
        assert matches(text), f"{pattern!r} must match {text!r}"
    for text in not_matched:
        assert not matches(text), f"{pattern!r} must not match {text!r}"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("%b()", "linear"),
        ("%f[%w]x", "linear"),
        ("(a)%1", "linear"),
        ("[abc", "not closed"),
        ("[", "not closed"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("a%", "ends with"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_is_refused_by_name(pattern: str, why: str) -> None:
    with pytest.raises(LuaPatternError, match=why):
        compiled(pattern)


def test_a_pattern_that_would_backtrack_for_ever_takes_no_time() -> None:
    matches = compiled("^" + "a*" * 30 + "b$")
    start = time.perf_counter()
    assert not matches("a" * 5000)
    assert time.perf_counter() - start < 20
