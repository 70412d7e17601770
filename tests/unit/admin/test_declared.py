"""Without a database: reads as with one, writes refused in Kong's words, after everything else that is wrong."""

from typing import Any

import pytest

from unit.admin.small_node import UUID, Client

CONFIG = {
    "_format_version": "3.0",
    "services": [{"name": "s", "host": "h.test", "routes": [{"name": "r", "paths": ["/x"]}]}],
    "upstreams": [{"name": "u", "targets": [{"target": "x.test:1"}]}],
    "consumers": [{"username": "bob"}],
    "consumer_groups": [{"name": "g"}],
}


@pytest.fixture
def api(declared: Client) -> Client:
    assert declared.post("/config", CONFIG).status_code == 201
    return declared


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("POST", "/routes", {"paths": ["/x"]}, "cannot create 'routes' entities"),
        ("POST", "/services/s/routes", {"paths": ["/x"]}, "cannot create 'routes' entities"),
        ("PUT", f"/services/{UUID}", {"host": "h.test"}, "cannot create or update 'services' entities"),
        ("PUT", "/services/new", {"host": "h.test"}, "cannot create or update 'services' entities by 'name'"),
        ("PUT", "/routes/r/service", {"host": "h.test"}, "cannot create or update 'services' entities"),
        ("PATCH", "/services/s", {"port": 1}, "cannot update 'services' entities by 'name'"),
        ("PATCH", "/routes/r/service", {"port": 1}, "cannot update 'services' entities"),
        ("DELETE", "/routes/r", None, "cannot remove 'routes' entities by 'name'"),
        ("DELETE", "/upstreams/u/targets/x.test:1", None, "cannot remove 'targets' entities by 'target'"),
        (
            "POST",
            "/consumer_groups/g/consumers",
            {"consumer": "bob"},
            "cannot create 'consumer_group_consumers' entities",
        ),
    ],
)
def test_writes_are_refused(api: Client, method: str, path: str, body: Any, sentence: str) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()) == (
        405,
        {
            "code": 12,
            "name": "operation unsupported",
            "message": f"{sentence} when not using a database",
        },
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/services", {}, 400, 2),
        ("POST", "/routes", {"paths": ["/x"], "service": {"name": "nope"}}, 400, 13),
        ("PATCH", "/services/nope", {"port": 1}, 404, 6),
        ("PATCH", "/services/s", {"port": "x"}, 400, 2),
        ("POST", "/services/nope/routes", {"paths": ["/x"]}, 404, None),
        ("DELETE", "/services/nope", None, 204, None),
        ("DELETE", "/services/s/routes/nope", None, 404, None),
    ],
)
def test_everything_else_is_told_first(
    api: Client, method: str, path: str, body: Any, status: int, code: int | None
) -> None:
    answer = api.request(method, path, json=body)
    assert answer.status_code == status
    if code:
        assert answer.json()["code"] == code


def test_what_was_loaded_is_read_like_anything_else(api: Client) -> None:
    service = api.get("/services/s").json()
    assert api.get("/routes/r").json()["service"] == {"id": service["id"]}
    assert api.get("/routes/r/service").json() == service
    assert api.get("/services/s/routes/r").json()["name"] == "r"
    assert api.get("/upstreams/u/health").json()["data"][0]["health"] == "HEALTHCHECKS_OFF"
    assert api.get("/upstreams/u/targets/x.test:1").json()["weight"] == 100


def test_with_a_store_configurations_are_not_loaded(stored: Client) -> None:
    answer = stored.post("/config", CONFIG)
    message = "this endpoint is only available when Kong is configured to not use a database"
    assert (answer.status_code, answer.json()) == (400, {"message": message})
    assert "configuration_hash" not in stored.get("/status").json()
