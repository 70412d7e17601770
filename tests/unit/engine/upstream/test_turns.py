"""Smooth weighted turns."""

from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.turns import LONGEST_ORDER, smooth_turns


def test_turns_are_spread() -> None:
    assert smooth_turns([2, 1]) == [0, 1, 0]
    assert smooth_turns([1, 0, 1]) == [0, 2]
    assert smooth_turns([]) == smooth_turns([0]) == []


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8))
def test_each_has_as_many_turns_as_its_weight_says(weights: list[int]) -> None:
    order = smooth_turns(weights)
    counts = [order.count(place) for place in range(len(weights))]
    for (weight, count), (other, other_count) in zip(
        zip(weights, counts, strict=True), zip(weights[1:], counts[1:], strict=True), strict=False
    ):
        assert weight * other_count == other * count


def test_order_is_bounded() -> None:
    assert len(smooth_turns([65535, 65534, 1])) <= LONGEST_ORDER + 3
