"""Targets below their upstream, and health."""

import pytest

from unit.admin.small_node import UUID, Client


@pytest.fixture
def api(stored: Client) -> Client:
    stored.put("/upstreams/u", {})
    return stored


def test_a_target_is_found_by_id_and_address(api: Client) -> None:
    made = api.post("/upstreams/u/targets", {"target": "x.test"}).json()
    assert (made["target"], made["weight"]) == ("x.test:8000", 100)
    for name in (made["id"], "x.test:8000", "x.test"):
        assert api.get(f"/upstreams/u/targets/{name}").json() == made
    v6 = api.post("/upstreams/u/targets", {"target": "[::1]:80"}).json()
    assert api.get(f"/upstreams/u/targets/{v6['target']}").json() == v6


def test_the_newest_target_comes_first(api: Client) -> None:
    for number in range(3):
        api.post("/upstreams/u/targets", {"target": f"x{number}.test:1", "created_at": 1000.5 + number})
    for path in ("/upstreams/u/targets", "/upstreams/u/targets/all"):
        first = api.get(f"{path}?size=2").json()
        assert [row["target"] for row in first["data"]] == ["x2.test:1", "x1.test:1"]
        assert [row["target"] for row in api.get(first["next"]).json()["data"]] == ["x0.test:1"]


def test_the_same_address_may_be_in_two_upstreams(api: Client) -> None:
    api.put("/upstreams/v", {})
    one = api.put("/upstreams/u/targets/x.test:1", {"weight": 1}).json()
    two = api.put("/upstreams/v/targets/x.test:1", {"weight": 2}).json()
    assert one["id"] != two["id"]
    assert api.put("/upstreams/u/targets/x.test:1", {"weight": 3}).json()["id"] == one["id"]
    assert api.get("/upstreams/v/targets/x.test:1").json()["weight"] == 2
    assert api.patch("/upstreams/v/targets/x.test:1", {"weight": 4}).json()["weight"] == 4
    assert api.get(f"/upstreams/v/targets/{one['id']}").status_code == 404
    assert api.post("/upstreams/u/targets", {"target": "x.test:1"}).status_code == 409


def test_a_deleted_target_is_gone(api: Client) -> None:
    api.post("/upstreams/u/targets", {"target": "x.test:1"})
    assert api.delete("/upstreams/u/targets/x.test:1").status_code == 204
    assert api.delete("/upstreams/u/targets/x.test:1").status_code == 404
    assert api.get("/upstreams/nope/targets").status_code == 404


def test_health_is_off_where_nothing_checks(api: Client) -> None:
    api.post("/upstreams/u/targets", {"target": "127.0.0.1:80", "weight": 7, "created_at": 2000})
    api.post("/upstreams/u/targets", {"target": "x.test:80", "weight": 0, "created_at": 1000})
    health = api.get("/upstreams/u/health").json()
    assert (health["next"], health["node_id"]) == (None, UUID)
    assert [row["health"] for row in health["data"]] == ["HEALTHCHECKS_OFF"] * 2
    assert health["data"][0]["data"]["addresses"] == [
        {"ip": "127.0.0.1", "port": 80, "health": "HEALTHCHECKS_OFF", "weight": 7}
    ]
    whole = api.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert (whole["health"], whole["balancer_health"]) == ("HEALTHCHECKS_OFF", "HEALTHY")
    assert whole["details"]["weight"] == {"total": 7, "available": 7, "unavailable": 0}
    assert api.get("/upstreams/nope/health").status_code == 404


@pytest.mark.parametrize("path", ["x.test:1/unhealthy", "x.test:1/healthy", "x.test:1/127.0.0.1:1/unhealthy"])
def test_health_cannot_be_set_where_nothing_checks(api: Client, path: str) -> None:
    assert api.put(f"/upstreams/u/targets/{path}").status_code == 404
    api.post("/upstreams/u/targets", {"target": "x.test:1"})
    answer = api.put(f"/upstreams/u/targets/{path}")
    assert (answer.status_code, answer.json()) == (400, {"message": "no healthchecker found for u"})


def test_an_upstream_without_weight_is_not_healthy(api: Client) -> None:
    whole = api.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert (whole["balancer_health"], whole["details"]["healthy"]) == ("UNHEALTHY", False)
