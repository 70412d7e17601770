"""Regexes of users."""

import pytest

from gateline.pdk.regexes import Regex, RegexError


def test_a_regex_is_found_anywhere_or_fits_the_whole() -> None:
    regex = Regex("b+")
    assert regex.found_in("abbc")
    assert not regex.fits("abbc")
    assert regex.fits("bbb")


def test_of_several_one_must_fit() -> None:
    regex = Regex("a|b", "^c$")
    assert regex.fits("b")
    assert regex.fits("c")
    assert not regex.fits("ab")


def test_case_counts_unless_it_is_said_not_to() -> None:
    assert not Regex("ABC").fits("abc")
    assert Regex("ABC", ignore_case=True).fits("abc")


def test_headers_are_compared_as_the_bytes_that_came() -> None:
    as_received = "zürich".encode().decode("latin-1")
    assert Regex("zürich").fits(as_received)
    assert Regex("z.+h").fits("z\u20acrich")


@pytest.mark.parametrize("pattern", ["[a", "(", r"(?=a)", r"(a)\1"])
def test_what_re2_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(RegexError):
        Regex(pattern)


def test_a_pattern_that_backtracking_never_ends_with_takes_linear_time() -> None:
    assert not Regex("(a+)+$").fits("a" * 100_000 + "b")
