"""What a retry policy may say, and how services and routes show it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateline.entities import EntityError, Route, Service
from gateline.entities.kong_schema import kong_schema

_DEFAULTS = {
    "retry_on": ["connect-failure", "reset", "timeout"],
    "statuses": None,
    "attempts": None,
    "methods": None,
    "per_try_timeout": None,
    "backoff": None,
    "retry_after_max": None,
    "budget": None,
    "replay_limit": 65536,
    "deadline": None,
    "response_deadline": None,
}


def policy_of(policy: dict[str, Any]) -> Any:
    return Service.parse({"host": "h.test", "retry_policy": policy}).to_wire()["retry_policy"]


def refusal_of(policy: dict[str, Any]) -> Any:
    with pytest.raises(EntityError) as caught:
        Service.parse({"host": "h.test", "retry_policy": policy})
    return (caught.value.fields or {})["retry_policy"]


def test_services_and_routes_without_a_policy_look_like_kongs() -> None:
    assert "retry_policy" not in Service.parse({"host": "h.test"}).to_wire()
    assert "retry_policy" not in Route.parse({"paths": ["/"]}).to_wire()
    assert "retry_policy" not in Service.parse({"host": "h.test", "retry_policy": None}).to_wire()


def test_an_empty_policy_is_all_defaults() -> None:
    assert policy_of({}) == _DEFAULTS


def test_records_of_a_policy_have_their_own_defaults() -> None:
    assert policy_of({"backoff": {}, "budget": {"percent": 12.5}}) == {
        **_DEFAULTS,
        "backoff": {"base": 25, "max": 250},
        "budget": {"percent": 12.5, "min_concurrent": 3},
    }


def test_a_policy_is_read_back_as_it_was_written() -> None:
    policy = {"retry_on": ["5xx"], "statuses": [429], "budget": {}, "methods": ["POST"], "deadline": 5000}
    for entity in (
        Service.parse({"host": "h.test", "retry_policy": policy}),
        Route.parse({"paths": ["/"], "retry_policy": policy}),
    ):
        assert type(entity).from_wire(entity.to_wire()) == entity
        assert entity.to_wire()["retry_policy"]["methods"] == ["POST"]


def test_a_patch_changes_single_fields_and_null_takes_the_policy_away() -> None:
    row = Service.parse({"host": "h.test", "retry_policy": {"attempts": 2, "deadline": 900}}).to_wire()
    patched = Service.patched(row, {"retry_policy": {"attempts": 3}}).to_wire()
    assert patched["retry_policy"] == {**_DEFAULTS, "attempts": 3, "deadline": 900}
    assert "retry_policy" not in Service.patched(row, {"retry_policy": None}).to_wire()


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        (
            {"retry_on": ["rest"]},
            {"retry_on": ["expected one of: connect-failure, reset, timeout, gateway-error, 5xx, retriable-4xx"]},
        ),
        ({"statuses": [99]}, {"statuses": ["value should be between 200 and 999"]}),
        ({"methods": []}, {"methods": "length must be at least 1"}),
        ({"methods": ["post"]}, {"methods": ["invalid value: post"]}),
        ({"per_try_timeout": 0}, {"per_try_timeout": "value should be between 1 and 2147483646"}),
        ({"budget": {"percent": 101}}, {"budget": {"percent": "value should be between 0 and 100"}}),
        ({"backoff": {"base": 500}}, {"backoff": {"base": "must not be longer than 'max'"}}),
        ({"retries": 3}, {"retries": "unknown field"}),
        (
            {"deadline": 100, "response_deadline": 50},
            {"response_deadline": "must not be shorter than 'deadline'"},
        ),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(policy: dict[str, Any], refusal: Any) -> None:
    assert refusal_of(policy) == refusal


@pytest.mark.parametrize("kind", ["services", "routes"])
def test_the_schema_has_the_policy(kind: str) -> None:
    fields = {name: field for row in (kong_schema(kind) or {})["fields"] for name, field in row.items()}
    assert fields["retry_policy"]["type"] == "record"
    assert "required" not in fields["retry_policy"]


def test_the_example_of_the_page_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "retries.md").read_text("utf-8")
    (service,) = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["services"]
    routes = service.pop("routes")
    assert Service.parse(service).retry_policy is not None
    assert [Route.parse(fields).retry_policy is not None for fields in routes] == [False, True]
