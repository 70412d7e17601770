"""HTTP dates (RFC 9110, section 5.6.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import format_date, parse_date
from unit.plugins.proxy_cache.rules.scene import NOW

THEN = 784_111_777


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"SUN, 06 nov 1994 08:49:37 gmt",
        b"Mon, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_three_formats_are_read_in_any_case(text: bytes) -> None:
    """RFC 9111, section 4.2: a cache should not mind the case."""
    assert parse_date(text, NOW) == THEN


def test_days_of_two_digits_in_asctime() -> None:
    assert parse_date(b"Wed Nov 16 08:49:37 1994", NOW) == THEN + 10 * 86_400


@pytest.mark.parametrize(
    ("year", "meant"), [(b"27", 2027), (b"70", 2070), (b"77", 2077), (b"78", 1978), (b"99", 1999), (b"00", 2000)]
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead(year: bytes, meant: int) -> None:
    whole = b"Fri, 01 Jan %d 00:00:00 GMT" % meant
    assert parse_date(b"Friday, 01-Jan-" + year + b" 00:00:00 GMT", NOW) == parse_date(whole, NOW)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"-1",
        b"now",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 AEST",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06  Nov  1994 08:49:37 GMT",
        b"Sun, 06-Nov-1994 08:49:37 GMT",
        b"Sun, 06 Nov 94 08:49:37 GMT",
        b"Sun, 06 Nov 1994 8:49:37 GMT",
        b"Sun, 06 Nov 1994 08.49.37 GMT",
        b"Sun, 06 Nov 1994 08:49 GMT",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 00 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT",
        b"Sun, 06 Nov 1994 08:60:00 GMT",
        b"Sun, 06 Nov 1994 08:00:61 GMT",
        b"Xxx, 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Abc 1994 08:49:37 GMT",
        b"Sun, 06-Nov-94 08:49:37 GMT",
        b"Sunday, 06 Nov 1994 08:49:37 GMT",
        b"Sun, \xb20 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT" + b" " * 1000,
    ],
)
def test_what_is_no_date_is_none(text: bytes) -> None:
    assert parse_date(text, NOW) is None


def test_a_leap_second_is_a_date() -> None:
    assert parse_date(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW) == 1_483_228_800


@given(st.integers(-62_135_596_800 + 86_400, 253_402_300_799))
def test_a_date_reads_as_it_was_written(seconds: int) -> None:
    assert parse_date(format_date(seconds), NOW) == seconds


@given(st.binary(max_size=50))
def test_anything_is_a_date_or_none(text: bytes) -> None:
    parse_date(text, NOW)


@given(
    st.lists(
        st.sampled_from(
            [b"Sun,", b"Sunday,", b"Sun", b"06", b"Nov", b"1994", b"94", b"06-Nov-94", b"08:49:37", b"GMT", b""]
        ),
        max_size=7,
    )
)
def test_pieces_of_dates_are_dates_or_none(pieces: list[bytes]) -> None:
    assert parse_date(b" ".join(pieces), NOW) in (None, THEN)
