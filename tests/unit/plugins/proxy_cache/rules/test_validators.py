"""Entity tags, Last-Modified, and conditions on them (RFC 9110, section 8.8; RFC 9111, section 4.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import conditions_for, for_service_only, is_not_modified
from gateline.plugins.proxy_cache.rules.validators import entity_tag, entity_tags, same_strongly, same_weakly
from unit.plugins.proxy_cache.rules.scene import NOW, lines, stored


@pytest.mark.parametrize("text", [b'"a"', b'W/"a"', b'""', b'"a,b"', b'"a\\"', b'"\xfc"', b'"*"'])
def test_entity_tags(text: bytes) -> None:
    """RFC 9110, section 8.8.3."""
    assert entity_tag(text) == text


@pytest.mark.parametrize(
    "text", [b"", b"a", b'"', b'"a', b'a"', b'w/"a"', b'W"a"', b'W\\"a"', b'"a"b"', b'"a b"', b'"\x00"']
)
def test_what_is_no_entity_tag(text: bytes) -> None:
    assert entity_tag(text) == b""


@pytest.mark.parametrize(
    ("line", "tags"),
    [
        (b'"a"', [b'"a"']),
        (b'"a", W/"b" ,"c"', [b'"a"', b'W/"b"', b'"c"']),
        (b'"a,b","c"', [b'"a,b"', b'"c"']),
        (b'"a\\", "b"', [b'"a\\"', b'"b"']),
        (b"a", []),
        (b'"a", b, "c"', [b'"a"']),
        (b'"a", "b', [b'"a"']),
        (b", ,", []),
    ],
)
def test_lists_of_entity_tags(line: bytes, tags: list[bytes]) -> None:
    assert entity_tags(line) == tags


def test_comparisons() -> None:
    """RFC 9110, section 8.8.3.2."""
    table = [(b'W/"1"', b'W/"1"'), (b'W/"1"', b'W/"2"'), (b'W/"1"', b'"1"'), (b'"1"', b'"1"')]
    assert [same_strongly(*pair) for pair in table] == [False, False, False, True]
    assert [same_weakly(*pair) for pair in table] == [True, False, True, True]
    assert not same_weakly(b"", b"")


def test_conditions_about_a_stored_answer() -> None:
    """RFC 9111, section 4.3.1: the validators as they came."""
    kept = stored('ETag: W/"a"\nLast-Modified: Fri Jan 15 07:00:00 2027')
    assert conditions_for(kept) == list(lines('If-None-Match: W/"a"\nIf-Modified-Since: Fri Jan 15 07:00:00 2027'))
    assert conditions_for(stored("Cache-Control: max-age=60\nETag: a")) == []


@pytest.mark.parametrize(
    ("request_headers", "same"),
    [
        ('If-None-Match: "abc"', True),
        ('If-None-Match: W/"abc"', True),
        ('If-None-Match: "x", "abc"', True),
        ('If-None-Match: "x"\nIf-None-Match: "abc"', True),
        ("If-None-Match: *", True),
        ('If-None-Match: "x"', False),
        ("If-None-Match: abc", False),
        ("If-None-Match:", False),
        ('If-None-Match: "abc"\nIf-Modified-Since: {-9000}', True),
        ('If-None-Match: "x"\nIf-Modified-Since: {0}', False),
        ("If-Modified-Since: {-60}", True),
        ("If-Modified-Since: {0}", True),
        ("If-Modified-Since: {-61}", False),
        ("If-Modified-Since: 0", False),
        ("If-Modified-Since: {0}\nIf-Modified-Since: {0}", False),
        ("", False),
    ],
)
def test_what_a_client_has_already(request_headers: str, same: bool) -> None:
    """RFC 9111, section 4.3.2; RFC 9110, section 13.2.2."""
    kept = stored('Cache-Control: max-age=60\nETag: "abc"\nLast-Modified: {-60}')
    assert is_not_modified(kept, lines(request_headers), NOW) is same


def test_the_date_counts_where_nothing_tells_when_an_answer_was_modified() -> None:
    """RFC 9111, section 4.3.2."""
    kept = stored("Cache-Control: max-age=60\nDate: {-10}")
    assert is_not_modified(kept, lines("If-Modified-Since: {-10}"), NOW)
    assert not is_not_modified(kept, lines("If-Modified-Since: {-11}"), NOW)


def test_only_a_success_is_ever_not_modified() -> None:
    """RFC 9110, section 13.2.1."""
    kept = stored('Cache-Control: max-age=60\nETag: "a"', status=404)
    assert not is_not_modified(kept, lines('If-None-Match: "a"'), NOW)


def test_some_conditions_are_for_the_service_alone() -> None:
    assert for_service_only(lines('If-Match: "a"'))
    assert for_service_only(lines("If-Unmodified-Since: {0}"))
    assert not for_service_only(lines('If-None-Match: "a"\nRange: bytes=0-1'))


@given(st.binary(max_size=80))
def test_any_line_is_a_list_of_tags(line: bytes) -> None:
    assert all(entity_tag(tag) == tag for tag in entity_tags(line))


@given(st.lists(st.from_regex(rb'\A(W/)?"[!#-~]{0,9}"\Z'), max_size=9))
def test_a_list_of_tags_reads_as_it_was_written(tags: list[bytes]) -> None:
    assert entity_tags(b", ".join(tags)) == tags
