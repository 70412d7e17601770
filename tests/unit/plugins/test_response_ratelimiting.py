"""response-ratelimiting, on exchanges without sockets; what Kong does is in the conformance cases of its name."""

from typing import Any

import pytest

from gateline.entities import Plugin
from gateline.plugins.response_ratelimiting import ResponseRateLimiting
from gateline.testing import Answer, Harness, ServiceAnswer
from unit.entities.refusing import fields_of

LIMITS = {"video": {"year": 3}, "image": {"month": 5, "year": 9}}


def limited(**config: Any) -> Harness:
    return Harness((ResponseRateLimiting, {"limits": LIMITS, **config}))


def costing(harness: Harness, *costs: str) -> Answer:
    headers = {"X-Kong-Limit": "\r\nX-Kong-Limit: ".join(costs)} if costs else {}
    return harness.request(service=ServiceAnswer(200, headers={"Content-Type": "text/plain", **headers}, body=b"seen"))


def remaining(answer: Answer) -> list[str | None]:
    return [answer.header(f"X-RateLimit-Remaining-{name}") for name in ("video-year", "image-month", "image-year")]


def test_each_name_is_counted_apart_in_all_its_windows() -> None:
    with limited() as harness:
        first, second = costing(harness, "video=1, image = 2"), costing(harness, "image=1")
    assert remaining(first) == ["2", "3", "7"]
    assert remaining(second) == ["2", "2", "6"]
    assert second.header("X-RateLimit-Limit-image-month") == "5"
    assert (second.header("x-kong-limit"), second.body) == (None, b"seen")


def test_an_answer_for_which_nothing_is_left_is_empty_and_not_counted() -> None:
    with limited() as harness:
        assert costing(harness, "video=2").status == 200
        assert remaining(costing(harness, "video=2")) == ["0", "5", "9"]
        refused = costing(harness, "video=1, image=1")
        assert (refused.status, refused.body, refused.header("content-type")) == (429, b"", None)
        assert remaining(refused) == ["0", "5", "9"]
        assert costing(harness, "image=1").status == 200
        assert costing(harness).status == 200


@pytest.mark.parametrize("cost", ["", "other=1", "video", "video=", "video=-1", "video=1.5", "video=²", "video=1=1"])
def test_what_is_no_cost_costs_nothing(cost: str) -> None:
    with limited() as harness:
        answer = costing(harness, cost)
    assert (answer.status, remaining(answer)) == (200, ["3", "5", "9"])


def test_of_two_headers_the_first_counts() -> None:
    with limited() as harness:
        assert remaining(costing(harness, "video=1", "image=1")) == ["2", "5", "9"]


def test_requests_are_refused_beforehand_where_that_is_wanted() -> None:
    with limited(block_on_first_violation=True) as harness:
        assert costing(harness, "video=3").status == 200
        answer = costing(harness, "image=1")
    assert (answer.status, answer.sent) == (429, None)
    assert answer.json()["message"] == "API rate limit exceeded for 'video'"


def test_nothing_is_told_where_that_is_hidden() -> None:
    with limited(hide_client_headers=True) as harness:
        answer = costing(harness, "video=1")
    assert remaining(answer) == [None, None, None]
    assert answer.header("x-kong-limit") is None


def test_a_name_that_headers_cannot_have_is_counted_where_nothing_is_told() -> None:
    with limited(limits={"full video": {"year": 1}}, hide_client_headers=True) as harness:
        statuses = [costing(harness, "full video=1").status for _ in range(2)]
    assert statuses == [200, 429]


def test_what_is_configured_stays_so() -> None:
    wire = Plugin.parse({"name": "response-ratelimiting", "config": {"limits": LIMITS}}).to_wire()
    assert wire["config"]["limits"]["video"] == {
        **dict.fromkeys(("second", "minute", "hour", "day", "month")),
        "year": 3,
    }
    assert (wire["config"]["header_name"], wire["config"]["redis_port"]) == ("x-kong-limit", 6379)
    assert Plugin.from_wire(wire).to_wire() == wire


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {"config": {"limits": "required field missing"}}),
        ({"limits": {}}, {"config": {"limits": "length must be at least 1"}}),
        (
            {"limits": {"a": {"second": 20, "minute": 10}}},
            {"config": {"limits": "The limit for minute(10.0) cannot be lower than the limit for second(20.0)"}},
        ),
        (
            {"limits": {f"{number}": {"second": 1, "minute": 2} for number in range(51)}},
            {"config": {"limits": "there can be 100 limits together, at most"}},
        ),
        (
            {"limits": {"full video": {"minute": 1}}},
            {
                "config": {
                    "limits": "bad name 'full video': clients are told of it in headers, which cannot have that name"
                }
            },
        ),
        (
            {"limits": LIMITS, "policy": "cluster", "limit_by": "service"},
            {
                "config": {
                    "policy": "expected one of: local, redis",
                    "limit_by": "expected one of: consumer, credential, ip",
                }
            },
        ),
    ],
)
def test_what_is_refused(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "response-ratelimiting", "config": config}) == fields


@pytest.mark.parametrize("limits", [{"a": {}}, {"a": {"minute": 0}}, {"a": {"week": 1}}, {"a": 1}])
def test_limits_must_be_limits(limits: Any) -> None:
    assert "limits" in fields_of(Plugin, {"name": "response-ratelimiting", "config": {"limits": limits}})["config"]
