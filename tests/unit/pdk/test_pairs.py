"""Pairs by name."""

from hypothesis import given
from hypothesis import strategies as st

from gateline.pdk.pairs import grouped

_NAMES = st.sampled_from(["a", "b", "A", ""])


def test_a_name_that_came_once_has_a_text_and_one_that_came_more_often_a_list() -> None:
    assert grouped([("a", "1"), ("b", "2"), ("a", "3"), ("a", "")]) == {"a": ["1", "3", ""], "b": "2"}


@given(st.lists(st.tuples(_NAMES, st.text(max_size=2))))
def test_nothing_is_lost(pairs: list[tuple[str, str]]) -> None:
    found = grouped(iter(pairs))
    assert list(found) == list(dict(pairs))
    for name, values in found.items():
        assert (values if isinstance(values, list) else [values]) == [value for one, value in pairs if one == name]
