"""The timing wheel against a list that is searched."""

from hypothesis import given
from hypothesis import strategies as st

from gateline.control.health.wheel import Wheel

GRAIN = 0.5


class Thing:
    """Something that is due."""


@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "wait"]), st.floats(0, 20)), max_size=60))
def test_what_is_added_is_due_in_time_and_once(steps: list[tuple[str, float]]) -> None:
    wheel = Wheel(GRAIN)
    kept: dict[Thing, tuple[float, int]] = {}
    now = 1000.0
    for step, amount in steps:
        if step == "add":
            thing = Thing()
            kept[thing] = now + amount, wheel.add(thing, now + amount)
        elif step == "discard" and kept:
            thing, (_, slot) = list(kept.items())[int(amount) % len(kept)]
            del kept[thing]
            wheel.discard(thing, slot)
            wheel.discard(thing, slot)
        else:
            now += amount
            found = wheel.due(now)
            assert all(kept.pop(thing)[0] <= now for thing in found), "none is too early"
            assert all(when > now - GRAIN for when, _ in kept.values()), "none is more than a grain late"
    assert set(wheel.due(now + 100)) == set(kept)
    assert wheel.due(now + 1000) == []
