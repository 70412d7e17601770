"""Cache-Status (RFC 9211) and tags."""

from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.proxy_cache.rules import cache_status, tags_of
from gateline.plugins.proxy_cache.rules.tags import LONGEST_TAG, MOST_TAGS
from unit.plugins.proxy_cache.rules.scene import lines


def test_values() -> None:
    assert cache_status("gateline", hit=True, ttl=376.9) == "gateline; hit; ttl=376"
    assert cache_status("gateline", hit=True, ttl=-412) == "gateline; hit; ttl=-412"
    assert cache_status("gateline", forwarded="uri-miss", stored=True) == "gateline; fwd=uri-miss; stored"
    assert (
        cache_status("gateline", forwarded="stale", forwarded_status=304, stored=True, ttl=60)
        == "gateline; fwd=stale; fwd-status=304; stored; ttl=60"
    )
    assert cache_status("gateline", forwarded="miss", collapsed=True) == "gateline; fwd=miss; collapsed"
    assert cache_status("gateline", forwarded="bypass", detail="no-store") == "gateline; fwd=bypass; detail=no-store"
    assert cache_status("a b", key='x"\\é', detail="a b") == r'"a b"; key="x\"\\?"; detail="a b"'


def test_numbers_stay_within_what_a_structured_field_holds() -> None:
    assert cache_status("c", ttl=1e300) == "c; ttl=999999999999999"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_one_visible_line(key: str, detail: str) -> None:
    value = cache_status("gateline", key=key, detail=detail)
    assert all(" " <= character <= "~" for character in value)
    assert (value.count('"') - value.count('\\"')) % 2 == 0 or "\\" in value


def test_tags() -> None:
    assert tags_of(lines("Cache-Tag: a, b ,a,,C\nSurrogate-Key: d  b e")) == (b"a", b"b", b"C", b"d", b"e")
    assert tags_of(lines("Cache-Tag: a b, \x7f,ü, c")) == (b"c",)
    assert tags_of(lines("X: 1")) == ()


def test_there_are_limits_to_tags() -> None:
    assert tags_of(lines(f"Cache-Tag: {'a' * (LONGEST_TAG + 1)}, {'b' * LONGEST_TAG}")) == (b"b" * LONGEST_TAG,)
    assert len(tags_of(lines("Surrogate-Key: " + " ".join(map(str, range(MOST_TAGS + 5)))))) == MOST_TAGS


@given(st.binary(max_size=80))
def test_any_line_can_be_read(value: bytes) -> None:
    for tag in tags_of([(b"Cache-Tag", value), (b"Surrogate-Key", value)]):
        assert tag
        assert b" " not in tag
