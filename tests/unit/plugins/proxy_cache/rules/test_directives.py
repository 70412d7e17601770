"""Cache-Control, in requests and answers (RFC 9111, section 5.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import RequestDirectives, ResponseDirectives, policy_of, request_directives
from gateline.plugins.proxy_cache.rules.fields import LONGEST
from unit.plugins.proxy_cache.rules.scene import asks, lines


def says(*values: str) -> ResponseDirectives:
    return policy_of(lines("\n".join(f"Cache-Control: {value}" for value in values)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no-cache", RequestDirectives(no_cache=True)),
        ("No-Store", RequestDirectives(no_store=True)),
        ("only-if-cached, max-age=60", RequestDirectives(only_if_cached=True, max_age=60)),
        ("min-fresh=30", RequestDirectives(min_fresh=30)),
        ("max-stale", RequestDirectives(max_stale=LONGEST)),
        ("max-stale=10", RequestDirectives(max_stale=10)),
        ("max-stale, max-stale=10", RequestDirectives(max_stale=10)),
        ("max-stale=x", RequestDirectives(max_stale=0)),
        ("stale-if-error=5", RequestDirectives(stale_if_error=5)),
        ("max-age=x", RequestDirectives(max_age=0)),
        ("nothing-to-see-here", RequestDirectives()),
    ],
)
def test_directives_of_requests(value: str, expected: RequestDirectives) -> None:
    """RFC 9111, section 5.2.1."""
    assert asks(f"Cache-Control: {value}") == expected


def test_pragma_counts_where_there_is_no_cache_control() -> None:
    """RFC 9111, section 5.4."""
    assert asks("Pragma: foo, No-Cache").no_cache
    assert not asks("Pragma: foo").no_cache
    assert not asks("Pragma: no-cache\nCache-Control: max-age=3").no_cache


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["max-age=60"], 60),
        (["MaX-aGe=60"], 60),
        (["foo, max-age=60"], 60),
        (['max-age="60"'], 60),
        (["max-age=0060"], 60),
        (["max-age='60'"], 0),
        (["max-age=-60"], 0),
        (["max-age=60.0"], 0),
        (["max-age= 60"], 0),
        (["max-age =60"], 0),
        (['max-age="60'], 0),
        (["max-age"], 0),
        (["max-age="], 0),
        (["max-age=60, max-age=30"], 30),
        (["max-age=30", "max-age=60"], 30),
        (["max-age=60, max-age=x"], 0),
        (["max-age=99999999999999999999999"], LONGEST),
        (['extension="max-age=60"'], None),
        (['extension="max-age=60", max-age=1'], 1),
    ],
)
def test_how_long_an_answer_says_that_it_is_fresh(values: list[str], seconds: int | None) -> None:
    """RFC 9111, section 4.2.1: of several the shortest; what is none makes it stale."""
    assert says(*values).max_age == seconds


def test_private_and_no_cache_may_be_of_some_fields_only() -> None:
    """RFC 9111, sections 5.2.2.4 and 5.2.2.7."""
    directives = says('private="Set-Cookie, x-user", no-cache="A"', "no-cache=b")
    assert not directives.private
    assert directives.private_fields == {b"set-cookie", b"x-user"}
    assert not directives.no_cache
    assert directives.no_cache_fields == {b"a", b"b"}


@pytest.mark.parametrize(
    "value", ["private", 'private=""', 'private="a b"', 'private="a", private', 'private="a', "private=", "private ="]
)
def test_private_of_what_is_no_field_is_private_of_all(value: str) -> None:
    assert says(value).private


@given(st.binary(max_size=200))
def test_any_line_can_be_read(value: bytes) -> None:
    request_directives([(b"cache-control", value), (b"pragma", value)])
    policy_of([(b"Cache-Control", value)])


NAMES = [b"no-store", b"private", b"no-cache", b"must-revalidate", b"max-age=60", b"s-maxage=9", b"public"]
NOISE = [b'x="', b'"', b'\\"', b"x=1", b"", b" ", b"=", b"\x00", b"\xff", b'x="a, b"', b"a b"]


@given(st.sampled_from([b"no-store", b"private", b"no-cache"]), st.lists(st.sampled_from(NAMES + NOISE[3:])))
def test_no_neighbour_takes_a_prohibition_away(prohibition: bytes, others: list[bytes]) -> None:
    directives = policy_of([(b"cache-control", b", ".join([*others, prohibition]))])
    assert directives.no_store or directives.private or directives.no_cache
