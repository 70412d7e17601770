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


CHECKED = {"healthchecks": {"passive": {"unhealthy": {"http_failures": 3}}}}


@pytest.fixture
def checked(stored: Client) -> Client:
    stored.put("/upstreams/u", CHECKED)
    stored.post("/upstreams/u/targets", {"target": "a.test:80", "weight": 10, "created_at": 4000})
    stored.post("/upstreams/u/targets", {"target": "127.0.0.1:81", "weight": 30, "created_at": 3000})
    stored.post("/upstreams/u/targets", {"target": "[::1]:82", "weight": 0, "created_at": 2000})
    stored.post("/upstreams/u/targets", {"target": "none.test:83", "weight": 10, "created_at": 1000})
    assert stored.node is not None
    stored.node.addresses = {"a.test": ["192.0.2.1", "192.0.2.2"], "none.test": []}
    return stored


def _healths(api: Client) -> list[str]:
    return [row["health"] for row in api.get("/upstreams/u/health").json()["data"]]


def test_health_of_targets_is_told(checked: Client) -> None:
    assert _healths(checked) == ["HEALTHY", "HEALTHY", "HEALTHCHECKS_OFF", "DNS_ERROR"]
    rows = checked.get("/upstreams/u/health").json()["data"]
    assert rows[0]["data"] == {
        "addresses": [
            {"ip": "192.0.2.1", "port": 80, "health": "HEALTHY", "weight": 10},
            {"ip": "192.0.2.2", "port": 80, "health": "HEALTHY", "weight": 10},
        ],
        "dns": None,
        "host": "a.test",
        "port": 80,
        "nodeWeight": 10,
        "weight": {"total": 10, "available": 10, "unavailable": 0},
    }
    assert rows[2]["data"]["host"] == "0000:0000:0000:0000:0000:0000:0000:0001"
    whole = checked.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert (whole["health"], whole["balancer_health"], whole["details"]["healthy"]) == ("HEALTHY", "HEALTHY", True)
    assert whole["details"]["weight"] == {"total": 50, "available": 40, "unavailable": 10}


def test_a_target_is_healthy_as_long_as_one_of_its_addresses_is(checked: Client) -> None:
    path = "/upstreams/u/targets/a.test:80"
    assert checked.put(f"{path}/192.0.2.1:80/unhealthy").status_code == 204
    row = checked.get("/upstreams/u/health").json()["data"][0]
    assert (row["health"], row["data"]["weight"]["available"]) == ("HEALTHY", 10)
    assert [one["health"] for one in row["data"]["addresses"]] == ["UNHEALTHY", "HEALTHY"]
    assert checked.put(f"{path}/192.0.2.2/unhealthy").status_code == 204
    row = checked.get("/upstreams/u/health").json()["data"][0]
    assert (row["health"], row["data"]["weight"]) == (
        "UNHEALTHY",
        {"total": 10, "available": 0, "unavailable": 10},
    )
    assert checked.put(f"{path}/192.0.2.2:80/healthy").content == b""
    assert _healths(checked)[0] == "HEALTHY"


@pytest.mark.parametrize(
    "address", ["192.0.2.1:81", "192.0.2.1:x", "b.test:80", "a.test:80", "192.0.2.256", "[::1", "::1:80:x", "%00"]
)
def test_what_is_no_address_of_a_target_cannot_be_set(checked: Client, address: str) -> None:
    assert checked.put(f"/upstreams/u/targets/a.test:80/{address}/unhealthy").status_code == 404
    assert _healths(checked)[0] == "HEALTHY"


def test_addresses_of_version_6_are_set_with_and_without_port(checked: Client) -> None:
    assert checked.node is not None
    checked.node.addresses["a.test"] = ["2001:db8::1"]
    for address in ("[2001:db8::1]:80", "2001:DB8::1", "[2001:db8:0::1]"):
        assert checked.put(f"/upstreams/u/targets/a.test:80/{address}/unhealthy").status_code == 204
        assert _healths(checked)[0] == "UNHEALTHY"
        assert checked.put(f"/upstreams/u/targets/a.test:80/{address}/healthy").status_code == 204
        assert _healths(checked)[0] == "HEALTHY"
    assert checked.put("/upstreams/u/targets/[::1]:82/[::1]:82/unhealthy").status_code == 204
    assert checked.put("/upstreams/u/targets/[::1]:82/[::2]:82/unhealthy").status_code == 404


def test_the_ports_at_one_address_have_a_health_each(checked: Client) -> None:
    assert checked.node is not None
    checked.node.addresses["a.test"] = ["192.0.2.1"]
    checked.node.more_ports = [8081]
    path = "/upstreams/u/targets/a.test:80"
    assert checked.put(f"{path}/192.0.2.1:8081/unhealthy").status_code == 204
    assert checked.put(f"{path}/192.0.2.1:8082/unhealthy").status_code == 404
    shown = checked.get("/upstreams/u/health").json()["data"][0]["data"]["addresses"]
    assert [(one["ip"], one["port"], one["health"]) for one in shown] == [
        ("192.0.2.1", 80, "HEALTHY"),
        ("192.0.2.1", 8081, "UNHEALTHY"),
    ]


def test_an_upstream_below_its_threshold_is_unhealthy(checked: Client) -> None:
    checked.patch("/upstreams/u", {"healthchecks": {"threshold": 50}})
    whole = checked.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert whole["health"] == "HEALTHY"
    checked.put("/upstreams/u/targets/127.0.0.1:81/unhealthy")
    whole = checked.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert (whole["health"], whole["balancer_health"], whole["details"]["healthy"]) == ("UNHEALTHY", "UNHEALTHY", False)
    assert whole["details"]["weight"] == {"total": 50, "available": 10, "unavailable": 40}


@pytest.mark.parametrize("path", ["x.test:1/unhealthy", "x.test:1/healthy", "x.test:1/127.0.0.1:1/unhealthy"])
def test_health_cannot_be_set_where_nothing_checks(api: Client, path: str) -> None:
    assert api.put(f"/upstreams/u/targets/{path}").status_code == 404
    api.post("/upstreams/u/targets", {"target": "x.test:1"})
    answer = api.put(f"/upstreams/u/targets/{path}")
    assert (answer.status_code, answer.json()) == (400, {"message": "no healthchecker found for u"})


def test_an_upstream_without_weight_is_not_healthy(api: Client) -> None:
    whole = api.get("/upstreams/u/health?balancer_health=1").json()["data"]
    assert (whole["balancer_health"], whole["details"]["healthy"]) == ("UNHEALTHY", False)
