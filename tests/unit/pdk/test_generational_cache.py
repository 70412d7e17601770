"""A bounded cache with two generations."""

from hypothesis import given
from hypothesis import strategies as st

from gateline.pdk.generational_cache import GenerationalCache


def test_what_is_used_stays_and_the_rest_goes() -> None:
    cache = GenerationalCache(4)
    for number in range(20):
        cache.put(str(number), number)
        assert cache.get("0") == 0
    assert cache.get("19") == 19
    assert cache.get("10") is None
    assert cache.get("never") is None


def test_a_value_that_is_put_again_is_the_newer_one() -> None:
    cache = GenerationalCache(4)
    cache.put("a", 1)
    cache.put("b", 1)
    cache.put("c", 1)
    cache.put("a", 2)
    assert cache.get("a") == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12))), st.integers(2, 8))
def test_it_gives_the_last_value_of_a_key_or_none_and_is_bounded(steps: list[tuple[bool, int]], limit: int) -> None:
    cache = GenerationalCache(limit)
    last: dict[int, object] = {}
    for number, (put, key) in enumerate(steps):
        if put:
            cache.put(key, number)
            last[key] = number
        else:
            assert cache.get(key) in (None, last.get(key))
    assert sum(cache.get(key) is not None for key in range(13)) <= limit
