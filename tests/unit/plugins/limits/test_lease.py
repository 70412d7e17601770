"""How much a node asks for, and when it makes sense to ask again."""

import pytest

from gateline.plugins.limits.budget import SECOND, Algorithm, Quota, Quotas
from gateline.plugins.limits.leases.lease import Lease
from gateline.plugins.limits.leases.slot import Slot


def slot(algorithm: Algorithm = Algorithm.FIXED, amount: int = 1000, seconds: int = 1, burst: int = 0) -> Slot:
    made = Slot(Quota(algorithm, amount, seconds * SECOND, burst), 0.3)
    made.number = 0
    return made


def test_a_slice_lasts_until_the_window_ends_or_for_a_second() -> None:
    assert slot().wanted(100.0, 5.5, 1) in (56, 57)  # half a second, and a little more
    assert slot(seconds=3600).wanted(100.0, 5.5, 1) in (111, 112)
    assert slot(amount=10).wanted(100.0, 5.5, 1) == 10


def test_the_first_slice_is_a_part_of_the_share() -> None:
    made = slot()
    made.number = -1
    assert made.wanted(0.0, 5.5, 5) == 1000 // 20


def test_of_a_bucket_all_nodes_hold_a_part_in_advance_half_of_it_at_once() -> None:
    made = slot(Algorithm.BUCKET, burst=100)
    assert made.wanted(1000.0, 5.5, 1) == 15
    assert made.wanted(1000.0, 5.5, 5) == 3
    assert made.wanted(0.5, 5.5, 5) == 1
    assert [made.flow_of(1), made.flow_of(5)] == [15, 3]
    made.workers = 3
    assert made.flow_of(5) == 1


def test_a_bucket_of_which_nothing_may_come_together_does_not_flow() -> None:
    made = slot(Algorithm.BUCKET, burst=100)
    assert made.wish(100.0, 5.5, 0, 5) == 100.0
    made.workers = 4
    assert made.wish(100.0, 5.5, 0, 5) == 0.0


def test_only_what_becomes_free_bit_by_bit_is_wished_to_flow() -> None:
    assert slot().wish(100.0, 5.5, 10, 1) == 0.0
    assert slot(Algorithm.SLIDING).wish(100.0, 5.5, 10, 1) == pytest.approx(80.0)
    assert slot(Algorithm.SLIDING, seconds=60).wish(100.0, 5.5, 10, 1) == pytest.approx(90.0)
    assert slot(Algorithm.BUCKET, burst=10).wish(100.0, 5.5, 200, 1) == 0.0


def test_a_share_may_flow_until_the_window_ends() -> None:
    assert slot(Algorithm.SLIDING).pace_of(50, 5.5) == pytest.approx(100.0)
    assert slot(Algorithm.SLIDING, seconds=60).pace_of(50, 5.5) == 50.0
    assert slot(Algorithm.BUCKET, burst=10).pace_of(50, 5.5) == 50.0


def test_a_flow_may_be_used_in_its_window_and_that_of_a_bucket_at_any_time() -> None:
    for algorithm, later in ((Algorithm.SLIDING, 0), (Algorithm.BUCKET, 5)):
        made = slot(algorithm, burst=10)
        made.flow_number = 5
        made.flow.renew(10.0, 5.4, 6.0)
        assert (made.ready(5.95), made.ready(6.5)) == (5, later or 0)


@pytest.mark.parametrize(
    ("got", "ends", "pace", "free", "pause"),
    [
        (0, 0.8, 200.0, 0.0, 0.8),  # nothing more will be there
        (0, 0.8, 200.0, 500.0, 0.375),  # a question for not too few
        (45, 0.8, 200.0, 500.0, 0.15),
        (90, 0.8, 20.0, 500.0, 0.05),
        (0, 0.8, 200.0, 40.0, 0.625),  # until it is worth it
        (0, -0.1, 200.0, 40.0, 0.01),
    ],
)
def test_beside_a_flow_more_is_asked_for_when_there_may_be_some(
    got: int, ends: float, pace: float, free: float, pause: float
) -> None:
    assert slot(Algorithm.SLIDING).pause_beside_flow(got, ends, pace, free, 5) == pytest.approx(pause)


def test_what_lasts_until_the_window_ends_is_not_short() -> None:
    made = slot(Algorithm.SLIDING)
    assert made.is_short(40, 100.0, 5.5)
    assert not made.is_short(60, 100.0, 5.5)
    assert made.is_short(60, 0.0, 5.5)
    made.flow.renew(30.0, 5.0, 6.0)
    assert not made.is_short(40, 100.0, 5.5)


def test_what_lasts_until_the_flow_of_a_bucket_ends_is_not_short() -> None:
    made = slot(Algorithm.BUCKET, burst=100)
    assert made.is_short(60, 100.0, 5.5)
    made.flow.renew(90.0, 5.0, 6.0)
    assert not made.is_short(10, 100.0, 5.5)
    assert made.is_short(4, 100.0, 5.5)


@pytest.mark.parametrize(
    ("algorithm", "amount", "seconds", "nodes", "pause"),
    [
        (Algorithm.FIXED, 1000, 1, 5, 0.4),  # when the window is over
        (Algorithm.FIXED, 1000, 3600, 5, 1.0),  # or something may have been given back
        (Algorithm.SLIDING, 1000, 1, 5, 0.25),
        (Algorithm.SLIDING, 1_000_000, 1, 5, 0.01),
        (Algorithm.BUCKET, 5, 60, 5, 0.4),
        (Algorithm.BUCKET, 1000, 1, 5, 0.27),
    ],
)
def test_an_empty_quota_is_asked_for_again_when_it_may_have_something(
    algorithm: Algorithm, amount: int, seconds: int, nodes: int, pause: float
) -> None:
    reset = 0.4 if seconds == 1 else 1000.0
    assert slot(algorithm, amount, seconds, burst=amount).pause(0.0, reset, nodes) == pytest.approx(pause)


@pytest.mark.parametrize("algorithm", [Algorithm.FIXED, Algorithm.SLIDING])
def test_a_new_window_is_asked_for_whatever_was_to_be_had_in_the_last_one(algorithm: Algorithm) -> None:
    assert slot(algorithm).pause(0.1, 0.1, 5) == pytest.approx(0.1)


def test_windows_are_numbered_as_redis_numbers_them() -> None:
    made = slot(seconds=60)
    assert (made.number_at(119.999999), made.number_at(120.0)) == (1, 2)
    assert made.over(119.0) == pytest.approx(1.0)


def test_demand_is_what_was_asked_lately() -> None:
    lease = Lease("key", Quotas([Quota(Algorithm.FIXED, 1000, SECOND)]), 0.3)
    for step in range(100):
        lease.demand(1, 10.0 + step * 0.005)
    assert lease.expected(10.5) == pytest.approx(200, rel=0.1)
    lease.demand(1, 60.0)  # it was quiet since
    assert lease.expected(60.0) < 10


def test_before_anything_is_known_as_much_as_came_is_expected() -> None:
    lease = Lease("key", Quotas([Quota(Algorithm.FIXED, 1000, SECOND)]), 0.3)
    lease.demand(7, 10.0)
    assert lease.expected(10.001) == 7.0


def test_of_few_requests_nothing_follows() -> None:
    lease = Lease("key", Quotas([Quota(Algorithm.FIXED, 1000, SECOND)]), 0.3)
    lease.demand(1, 10.0)
    lease.demand(1, 10.5)
    assert lease.expected(10.53) == 2.0
    for _ in range(3):
        lease.demand(1, 10.54)
    assert lease.expected(10.54) == pytest.approx(4 / 0.04)
