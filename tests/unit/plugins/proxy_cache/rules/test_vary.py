"""Vary: which of several stored answers a request gets (RFC 9111, section 4.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import variant_key, vary_names
from gateline.plugins.proxy_cache.rules.vary import MOST_NAMES
from unit.plugins.proxy_cache.rules.scene import lines


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ("", ()),
        ("Vary:", ()),
        ("Vary: Foo, bar", (b"bar", b"foo")),
        ("Vary: foo\nVary: Foo, , baz", (b"baz", b"foo")),
        ("Vary: *", None),
        ("Vary: *, *", None),
        ("Vary: , *", None),
        ("Vary:\nVary: *", None),
        ("Vary: *, Foo", None),
        ("Vary: Foo, *", None),
        ("Vary: Foo Bar", None),
        ("Vary: " + ",".join(f"x-{number}" for number in range(MOST_NAMES + 1)), None),
    ],
)
def test_names(headers: str, names: tuple[bytes, ...] | None) -> None:
    assert vary_names(lines(headers)) == names


def same(name: str, one: str, other: str) -> bool:
    names = (name.encode(),)
    return variant_key(names, lines(one)) == variant_key(names, lines(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Foo: 1", "FOO: 1"),
        ("Foo: 1, 2", "Foo: 1\nFoo: 2"),
        ("Foo: 1,2", "Foo: 1 ,  2"),
        ("Foo: 1\nOther: 2", "Foo: 1\nOther: 3"),
        ("", "Other: 1"),
    ],
)
def test_requests_that_say_the_same_get_the_same(one: str, other: str) -> None:
    assert same("foo", one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Foo: 1", "Foo: 2"),
        ("Foo: 1", ""),
        ("Foo:", ""),
        ("Foo: a", "Foo: A"),
        ("Foo: 1, 2", "Foo: 2, 1"),
        ('Foo: "1,2"', 'Foo: "1, 2"'),
    ],
)
def test_requests_that_say_something_else_do_not(one: str, other: str) -> None:
    assert not same("foo", one, other)


@pytest.mark.parametrize(
    ("name", "one", "other", "equal"),
    [
        ("accept-language", "en, de", "eN, De", True),
        ("accept-language", "en, de", " en ,   de", True),
        ("accept-language", "de, en;q=0.5", "en;q=0.50, de;Q=1.0", True),
        ("accept-language", "de, en;q=0.5", "de, en;q=0.4", False),
        ("accept-language", "en, de", "de, en", False),
        ("accept-language", "en;q=0", "en", False),
        ("accept-encoding", "gzip, br", "br, GZIP;q=1", True),
        ("accept-encoding", "gzip, br", "gzip", False),
        ("accept", "text/html, */*;q=0.8", "*/*;q=0.8,TEXT/html", True),
        ("accept", "text/html;level=A", "text/html;level=a", False),
    ],
)
def test_fields_of_negotiation_are_compared_by_what_they_mean(name: str, one: str, other: str, equal: bool) -> None:
    assert same(name, f"{name}: {one}", f"{name}: {other}") is equal


def test_names_and_values_do_not_run_into_each_other() -> None:
    names = (b"a", b"b")
    assert variant_key(names, lines("A: 1:bx")) != variant_key(names, lines("A: 1\nB: x"))


@given(st.binary(max_size=60), st.sampled_from([b"accept", b"accept-encoding", b"accept-language", b"foo"]))
def test_any_request_has_a_key(value: bytes, name: bytes) -> None:
    assert len(variant_key((name,), [(name, value)])) == 32
