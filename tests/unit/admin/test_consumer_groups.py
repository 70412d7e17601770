"""Consumer groups and their members, from both sides."""

from typing import Any

import pytest

from unit.admin.small_node import Client


@pytest.fixture
def api(stored: Client) -> Client:
    for name in ("bob", "ann"):
        stored.put(f"/consumers/{name}", {})
    for name in ("gold", "silver"):
        stored.put(f"/consumer_groups/{name}", {})
    return stored


def listed(api: Client, path: str, field: str) -> list[str]:
    return sorted(row[field] for row in api.get(path).json()["data"])


def test_consumers_are_added_to_a_group(api: Client) -> None:
    added = api.post("/consumer_groups/gold/consumers", {"consumer": "bob"})
    assert added.status_code == 201
    assert added.json()["consumer_group"]["name"] == "gold"
    assert [row["username"] for row in added.json()["consumers"]] == ["bob"]
    both = api.post("/consumer_groups/silver/consumers", {"consumer": ["bob", "ann", "bob"]})
    assert [row["username"] for row in both.json()["consumers"]] == ["bob", "ann"]
    assert listed(api, "/consumer_groups/silver/consumers", "username") == ["ann", "bob"]
    assert listed(api, "/consumers/bob/consumer_groups", "name") == ["gold", "silver"]
    assert api.get("/consumer_groups/gold/consumers/bob").json()["username"] == "bob"
    assert api.get("/consumer_groups/gold/consumers/ann").status_code == 404


def test_groups_are_added_to_a_consumer(api: Client) -> None:
    added = api.post("/consumers/bob/consumer_groups", {"group": "gold"}).json()
    assert (added["consumer"]["username"], [row["name"] for row in added["consumer_groups"]]) == ("bob", ["gold"])
    assert api.get("/consumers/bob/consumer_groups/gold").json()["name"] == "gold"


def test_a_member_is_one_once(api: Client) -> None:
    api.post("/consumer_groups/gold/consumers", {"consumer": "bob"})
    again = api.post("/consumer_groups/gold/consumers", {"consumer": ["ann", "bob"]})
    assert (again.status_code, again.json()["code"]) == (409, 5)
    assert listed(api, "/consumer_groups/gold/consumers", "username") == ["bob"]


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({}, 400, {"consumer": "required field missing"}),
        ({"consumer": []}, 400, {"consumer": "required field missing"}),
        ({"consumer": 5}, 400, {"consumer": "expected a string"}),
        ({"consumer": "bob", "x": 1}, 400, {"x": "unknown field"}),
        ({"consumer": "nope"}, 404, None),
    ],
)
def test_what_is_no_consumer_is_refused(api: Client, body: Any, status: int, fields: Any) -> None:
    answer = api.post("/consumer_groups/gold/consumers", body)
    assert answer.status_code == status
    assert answer.json().get("fields") == fields


def test_members_are_taken_out_one_by_one_or_all(api: Client) -> None:
    api.post("/consumer_groups/gold/consumers", {"consumer": ["bob", "ann"]})
    api.post("/consumer_groups/silver/consumers", {"consumer": ["bob", "ann"]})
    assert api.delete("/consumer_groups/gold/consumers/bob").status_code == 204
    assert api.delete("/consumer_groups/gold/consumers/bob").status_code == 404
    assert listed(api, "/consumer_groups/gold/consumers", "username") == ["ann"]
    assert api.delete("/consumers/ann/consumer_groups").status_code == 204
    assert listed(api, "/consumers/ann/consumer_groups", "name") == []
    assert listed(api, "/consumer_groups/silver/consumers", "username") == ["bob"]
    assert api.delete("/consumer_groups/nope/consumers").status_code == 404


def test_membership_ends_with_the_consumer_and_with_the_group(api: Client) -> None:
    api.post("/consumer_groups/gold/consumers", {"consumer": ["bob", "ann"]})
    api.delete("/consumers/bob")
    assert listed(api, "/consumer_groups/gold/consumers", "username") == ["ann"]
    api.delete("/consumer_groups/gold")
    assert listed(api, "/consumers/ann/consumer_groups", "name") == []


def test_members_come_in_pages(api: Client) -> None:
    api.post("/consumer_groups/gold/consumers", {"consumer": ["bob", "ann"]})
    first = api.get("/consumer_groups/gold/consumers?size=1").json()
    second = api.get(first["next"]).json()
    assert {first["data"][0]["username"], second["data"][0]["username"]} == {"bob", "ann"}
    assert second["next"] is None
