"""Lists, names and numbers of header fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules.fields import LONGEST, closing_quote, members_of, seconds_of


@pytest.mark.parametrize(
    ("value", "members"),
    [
        (b"", []),
        (b" , ,\t", []),
        (b"a", [b"a"]),
        (b" a , b\t,c", [b"a", b"b", b"c"]),
        (b'a="1, 2", b', [b'a="1, 2"', b"b"]),
        (rb'a="1\", 2", b', [rb'a="1\", 2"', b"b"]),
        (b'a="1, no-store', [b'a="1', b"no-store"]),
        (b'a="1\\', [b'a="1\\']),
        (b'"", b', [b'""', b"b"]),
    ],
)
def test_lists_are_split_at_commas_outside_of_quoted_strings(value: bytes, members: list[bytes]) -> None:
    """RFC 9110, section 5.6.1."""
    assert members_of(value) == members


@given(st.binary(max_size=200))
def test_no_member_is_empty_or_has_white_space_around(value: bytes) -> None:
    for member in members_of(value):
        assert member
        assert member == member.strip(b" \t")


@given(st.lists(st.sampled_from([b'"', b",", b"\\", b"a"]), max_size=40))
def test_a_list_is_split_as_if_every_quote_were_looked_at(pieces: list[bytes]) -> None:
    value = b"".join(pieces)
    parts, place = [b""], 0
    while place < len(value):
        end = closing_quote(value, place) if value[place] == ord('"') else place
        if value[place] == ord(","):
            parts.append(b"")
        else:
            parts[-1] += value[place : end + 1]
        place = end + 1
    assert members_of(value) == [part for part in parts if part]


@given(st.lists(st.from_regex(rb"\A[a-z=0-9]{1,9}\Z"), max_size=9))
def test_a_list_reads_as_it_was_written(members: list[bytes]) -> None:
    assert members_of(b" ,\t".join(members)) == members


@given(st.lists(st.sampled_from([b'"', b",", b"\\", b"no-store", b" ", b"=", b"a"]), max_size=30))
def test_a_directive_after_the_last_quote_is_never_hidden(pieces: list[bytes]) -> None:
    value = b"".join(pieces)
    assert b"no-store" in members_of(value.replace(b'"', b"") + b',x=",no-store')


@pytest.mark.parametrize("piece", [b'\\"', b'"', b'",', b'"\\', b","])
def test_a_list_is_split_in_time_that_grows_with_its_length(piece: bytes) -> None:
    """A quadratic one would take hours here."""
    members_of(b'"' + piece * 500_000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"0", 0),
        (b"60", 60),
        (b"003600", 3600),
        (b"2147483648", LONGEST),
        (b"99999999999", LONGEST),
        (b"9" * 5000, LONGEST),
        (b"0" * 5000 + b"7", 7),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1.0", None),
        (b"1 ", None),
        (b"1_0", None),
        (b"\xb2", None),
        ("٣".encode(), None),
        (b"'60'", None),
    ],
)
def test_seconds_are_digits_and_have_a_largest_value(text: bytes, seconds: int | None) -> None:
    """RFC 9111, section 1.2.2."""
    assert seconds_of(text) == seconds
