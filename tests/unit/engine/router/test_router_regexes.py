"""Regexes of users."""

import pytest

from gateline.engine.router import check_regex
from gateline.engine.router.regexes import Regex, RegexSet, literal_prefix


@pytest.mark.parametrize("pattern", ["/a", "/(?<n>a)(?P<m>b)", r"/\d+/[^/]+", "/a{1000}", r"/\pL+", "", "^/a$"])
def test_what_re2_takes_is_taken(pattern: str) -> None:
    assert check_regex(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("/(a", "missing ): /(a"),
        ("/a(?=b)", "invalid perl operator: (?="),
        ("/a(?<!b)", "invalid"),
        (r"/(a)\1", r"invalid escape sequence: \1"),
        ("/a{2000}", "invalid repetition size: {2000}"),
        ("/((a{100}){100}){100}", "invalid repetition size"),
        ("/\ud800", "not valid Unicode text"),
    ],
)
def test_why_re2_cannot_take_a_regex(pattern: str, reason: str) -> None:
    assert reason in str(check_regex(pattern))


def test_a_program_too_large_for_the_usual_memory_gets_more() -> None:
    assert check_regex(r"/(\pL{50}\pN{50}){4}") is None


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("/users/\\d+", b"/users/"),
        ("^/users/", b"/users/"),
        ("/v1\\.0/x", b"/v1.0/x"),
        ("/a?", b"/"),
        ("/ab*", b"/a"),
        ("/ab{0}", b"/a"),
        ("/ab+c", b"/ab"),
        ("/ab|/cd", b""),
        ("/a(b|c)d", b"/a"),
        ("/a[|]d", b"/a"),
        ("/a[(]|/b", b""),
        ("/a[]|]x", b"/a"),
        ("/a[^]|]x", b"/a"),
        ("/a[[:alpha:]|]x", b"/a"),
        ("/a(\\)|x)y", b"/a"),
        ("/a\\|b", b"/a"),
        ("/a(x)|(y)", b""),
        ("/a\\Qb|c\\E", b""),
        ("(?i)/a", b""),
        ("/a(?i)b", b"/a"),
        ("/a%2Fb", b"/a"),
        ("/é", b"/"),
        ("/a b", b"/a"),
        ("/a\\-b\\x41", b"/a-b"),
        (".*", b""),
        ("", b""),
    ],
)
def test_the_literal_beginning_of_a_regex(pattern: str, prefix: bytes) -> None:
    assert literal_prefix(pattern) == prefix


def test_spans_of_groups_that_took_no_part() -> None:
    regex = Regex("/(a)|/(b)")
    assert regex.match(b"/b") == [(0, 2), (-1, -1), (1, 2)]
    assert regex.match(b"x/b") is None
    assert regex.search(b"x/b") == [(1, 3), (-1, -1), (2, 3)]
    assert regex.search(b"x") is None


def test_a_set_tells_all_that_match() -> None:
    asked = RegexSet(f"/[a-z]+/{number}" for number in range(300))
    for _ in asked.compile():
        pass
    assert sorted(asked.match(b"/abc/234")) == [2, 23, 234]
    assert asked.match(b"/ABC/1") == []
