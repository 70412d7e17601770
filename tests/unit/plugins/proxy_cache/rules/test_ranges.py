"""Parts of stored answers (RFC 9110, section 14; RFC 9111, section 3.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import Part, part_headers, requested_part, unsatisfiable_headers
from unit.plugins.proxy_cache.rules.scene import NOW, lines, stored

WHOLE = 'Cache-Control: max-age=60\nETag: "a"\nLast-Modified: {-60}\nDate: {0}'


def part(value: str, length: int = 10, more: str = "") -> object:
    found = requested_part("GET", stored(WHOLE), lines(f"Range: {value}\n{more}"), length, NOW)
    return (found.first, found.last) if isinstance(found, Part) else found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-1", (0, 1)),
        ("Bytes = 3-3", (3, 3)),
        ("bytes=1-", (1, 9)),
        ("bytes=-1", (9, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=5-99", (5, 9)),
        ("bytes=9-", (9, 9)),
        ("bytes=10-", "unsatisfiable"),
        ("bytes=10-12", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=0-1,3-4", None),
        ("bytes=3-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("bytes=a-b", None),
        ("bytes=1-2-3", None),
        ("bytes=+1-2", None),
        ("bytes=1 - 2", None),
        ("items=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_one_range_of_bytes(value: str, expected: object) -> None:
    """RFC 9110, sections 14.1.2 and 14.2."""
    assert part(value) == expected


def test_nothing_has_no_parts() -> None:
    assert part("bytes=0-", 0) == "unsatisfiable"
    assert part("bytes=-5", 0) == "unsatisfiable"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('If-Range: "a"', True),
        ('If-Range: W/"a"', False),
        ('If-Range: "b"', False),
        ("If-Range: {-60}", True),
        ("If-Range: {-61}", False),
        ("If-Range: {0}", False),
        ("If-Range: a", False),
        ('If-Range: "a"\nIf-Range: "a"', False),
    ],
)
def test_the_whole_is_given_where_if_range_does_not_hold(condition: str, holds: bool) -> None:
    """RFC 9110, section 13.1.5."""
    assert part("bytes=0-1", more=condition) == ((0, 1) if holds else None)


def test_a_weak_validator_holds_no_range() -> None:
    weak = stored('Cache-Control: max-age=60\nETag: W/"a"\nLast-Modified: {0}\nDate: {0}')
    for condition in ('If-Range: W/"a"', "If-Range: {0}"):
        assert requested_part("GET", weak, lines(f"Range: bytes=0-1\n{condition}"), 10, NOW) is None


def test_only_get_and_only_200_have_parts() -> None:
    headers = lines("Range: bytes=0-1")
    assert requested_part("HEAD", stored(WHOLE), headers, 10, NOW) is None
    assert requested_part("GET", stored(WHOLE, status=404), headers, 10, NOW) is None
    assert requested_part("GET", stored(WHOLE), lines("Range: bytes=0-1\nRange: bytes=0-1"), 10, NOW) is None


def test_fields_of_206_and_416() -> None:
    """RFC 9110, sections 15.3.7 and 15.5.17."""
    kept = stored("Cache-Control: max-age=60\nDate: {0}\nContent-Length: 10\nContent-MD5: a\nContent-Type: text/plain")
    expected = lines(
        "Cache-Control: max-age=60\nDate: {0}\nContent-Type: text/plain\nAge: 0\nContent-Range: bytes 2-4/10"
    )
    assert part_headers(kept, Part(2, 4, 10), NOW) == list(expected)
    assert unsatisfiable_headers(10) == [(b"Content-Range", b"bytes */10")]


@given(st.binary(max_size=30), st.integers(0, 20))
def test_any_range_lies_inside_of_the_body(value: bytes, length: int) -> None:
    found = requested_part("GET", stored(WHOLE), [(b"Range", b"bytes=" + value)], length, NOW)
    if isinstance(found, Part):
        assert 0 <= found.first <= found.last < length


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20))
def test_a_range_is_the_slice_that_it_names(first: int, last: int, length: int) -> None:
    body = bytes(range(length))
    found = requested_part("GET", stored(WHOLE), [(b"Range", b"bytes=%d-%d" % (first, last))], length, NOW)
    if isinstance(found, Part):
        assert body[found.first : found.last + 1] == body[first : last + 1]
    else:
        assert first > last or first >= length
