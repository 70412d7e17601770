"""What flows to a worker bit by bit: never too early, and nothing twice."""

import pytest

from gateline.plugins.limits.leases.flow import Flow

ALL = 1e9


def flowing(rate: float = 10.0, since: float = 100.0, until: float = 101.0) -> Flow:
    flow = Flow()
    flow.renew(rate, since, until)
    return flow


@pytest.mark.parametrize(("now", "ready"), [(99.0, 0), (100.0, 0), (100.05, 0), (100.55, 5), (101.0, 10), (200.0, 10)])
def test_it_brings_what_its_pace_says_until_it_ends(now: float, ready: int) -> None:
    assert flowing().ready(now, ALL) == ready


def test_what_is_to_come_gets_less() -> None:
    flow = flowing()
    assert [flow.to_come(now) for now in (99.0, 100.5, 101.0, 102.0)] == pytest.approx([10.0, 5.0, 0.0, 0.0])


def test_what_was_taken_is_gone() -> None:
    flow = flowing()
    flow.take(flow.ready(100.55, ALL))
    assert flow.ready(100.59, ALL) == 0
    assert flow.ready(100.65, ALL) == 1
    assert flow.ready(101.0, ALL) == 5


def test_the_next_one_goes_on_from_what_the_one_before_had_brought() -> None:
    flow = flowing()
    flow.take(flow.ready(100.36, ALL))
    flow.renew(20.0, 100.5, 101.5)  # it is known a little later
    assert flow.ready(100.5, ALL) == 2
    assert flow.ready(101.0, ALL) == 12
    flow.renew(0.0, 101.0, 101.0)
    assert flow.ready(105.0, ALL) == 12


def test_what_was_taken_after_the_next_one_began_is_of_the_next_one() -> None:
    flow = flowing()
    flow.take(flow.ready(100.65, ALL))
    flow.renew(0.0, 100.5, 100.5)
    assert flow.ready(105.0, ALL) == 0
    flow.renew(10.0, 106.0, 107.0)
    assert flow.ready(106.25, ALL) == 1


def test_more_than_may_come_together_is_forgone() -> None:
    flow = flowing(rate=100.0)
    assert flow.ready(100.9, 4.0) == 4
    flow.take(4)
    assert flow.ready(100.905, 4.0) == 0
    assert flow.ready(100.925, 4.0) == 2


def test_what_is_held_brings_no_more_until_the_next_one_follows() -> None:
    flow = flowing()
    flow.hold(100.35)
    assert flow.ready(100.85, ALL) == 3
    flow.renew(5.0, 100.65, 101.0)
    assert flow.ready(100.66, ALL) == 6
    assert flow.ready(101.0, ALL) == 8


def test_when_it_is_ended_nothing_is_left() -> None:
    flow = flowing()
    flow.end()
    assert flow.ready(101.0, ALL) == 0
