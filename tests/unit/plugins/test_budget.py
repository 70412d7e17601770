"""Quotas as plugins say them, and as counters have them."""

import pytest

from gateline.plugins.limits.budget import SECOND, Algorithm, Quota, Quotas

FIXED, SLIDING, BUCKET = Algorithm


@pytest.mark.parametrize(
    ("quota", "rule", "most"),
    [
        (Quota(FIXED, 5, SECOND), (0, 5, SECOND, False), 5),
        (Quota(SLIDING, 5, SECOND, penalty=True), (1, 5, SECOND, True), 5),
        (Quota(BUCKET, 3, SECOND, 7), (2, 7, 333_333_334, False), 7),
    ],
)
def test_a_rule_never_allows_more_than_its_quota(quota: Quota, rule: object, most: int) -> None:
    assert (quota.rule, quota.most) == (rule, most)


def test_the_layout_tells_apart_what_is_stored_differently() -> None:
    many = [
        Quotas([Quota(FIXED, 1, SECOND)]),
        Quotas([Quota(SLIDING, 1, SECOND)]),
        Quotas([Quota(SLIDING, 1, SECOND // 2)]),
        Quotas([Quota(SLIDING, 1, 10**7 * SECOND)]),
        Quotas([Quota(SLIDING, 1, (10**7 + 1) * SECOND)]),
        Quotas([Quota(BUCKET, 1, SECOND, 1)]),
        Quotas([Quota(FIXED, 1, SECOND), Quota(FIXED, 1, SECOND)]),
    ]
    assert len({quotas.layout for quotas in many}) == len(many)
    assert Quotas([Quota(FIXED, 9, SECOND)]).layout == many[0].layout == "f1"
    assert Quotas([Quota(BUCKET, 1, 9 * SECOND, 5)]).layout == many[5].layout
