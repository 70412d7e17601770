"""Paths about the node itself: schemas, log level, cache, a store that is gone, the description of the API."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateline.store import StoreUnavailable
from unit.admin.small_node import Client, SmallNode


def test_schemas_are_in_kongs_layout(stored: Client) -> None:
    fields = stored.get("/schemas/routes").json()["fields"]
    named = {name: field for entry in fields for name, field in entry.items()}
    assert (named["service"]["type"], named["service"]["reference"]) == ("foreign", "services")
    assert named["strip_path"]["default"] is True
    assert stored.get("/schemas/vaults/env").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/schemas/nope", "No entity named 'nope'"),
        ("GET", "/schemas/vaults/nope", "No vault named 'nope'"),
        ("GET", "/schemas/filters/nope", "No filter named 'nope'"),
        ("POST", "/schemas/nope/validate", "No entity named 'nope'"),
    ],
)
def test_unknown_schemas(stored: Client, method: str, path: str, message: str) -> None:
    answer = stored.request(method, path, json={})
    assert (answer.status_code, answer.json()) == (404, {"message": message})


def test_validation_makes_nothing(stored: Client) -> None:
    assert stored.post("/schemas/services/validate", {"host": "h.test"}).status_code == 200
    assert stored.post("/schemas/services/validate", data={"host": "h.test", "port": "8"}).status_code == 200
    assert stored.post("/schemas/services/validate", {"port": "x"}).json()["fields"] == {
        "host": "required field missing",
        "port": "expected an integer",
    }
    assert stored.get("/services").json()["data"] == []


def test_the_log_level_is_changed_for_a_while(stored: Client) -> None:
    assert stored.node is not None
    already = stored.put("/debug/node/log-level/notice")
    assert (already.status_code, already.json()) == (200, {"message": "log level is already notice"})
    changed = stored.put("/debug/node/log-level/debug")
    assert (changed.status_code, changed.json()) == (200, {"message": "log level changed"})
    stored.put("/debug/cluster/log-level/info?timeout=0")
    stored.put("/debug/node/log-level/warn?timeout=1.5")
    stored.put("/debug/node/log-level/error?timeout=soon")
    assert stored.node.levels == [("debug", 60), ("info", 0), ("warn", 2), ("error", 60)]
    assert stored.node.told == ["info"]
    stored.put("/debug/cluster/log-level/error")  # here it is so, on the others it need not be
    assert stored.node.told == ["info", "error"]
    assert stored.get("/debug/node/log-level").json() == {"message": "log level: error"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/debug/node/log-level/loud", "unknown log level: loud"),
        ("/debug/node/log-level/debug?timeout=-1", "timeout must be greater than or equal to 0"),
    ],
)
def test_what_is_no_log_level_is_refused(stored: Client, path: str, message: str) -> None:
    answer = stored.put(path)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_nothing_is_cached(stored: Client) -> None:
    assert stored.get("/cache/x").status_code == 404
    assert stored.delete("/cache/x").status_code == 204
    assert stored.delete("/cache").status_code == 204


class Gone(SmallNode):
    """A node whose store cannot be reached."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.store = self
        self.writable = True

    def __getattr__(self, name: str) -> Any:
        async def unavailable(*_: object, **__: object) -> None:
            raise StoreUnavailable("connection refused")

        return unavailable


def test_a_store_that_is_gone_says_why(tmp_path: Path) -> None:
    node = Gone(tmp_path / "gateline.db")
    node.refusal = StoreUnavailable("connection refused")
    api = Client.of(node)
    for method, path in (
        ("GET", "/services"),
        ("GET", "/services/s"),
        ("GET", "/tags"),
        ("POST", "/services"),
        ("PATCH", "/services/s"),
        ("DELETE", "/services/s"),
    ):
        answer = api.request(method, path)
        assert (answer.status_code, answer.json()) == (
            503,
            {"message": "the store is not available: connection refused"},
        )
        assert answer.headers["retry-after"] == "1"
    assert api.get("/status").json()["database"] == {"reachable": False}
    node.readiness = "no database"
    ready = api.get("/status/ready")
    assert (ready.status_code, ready.json()) == (503, {"message": "failed to connect to database"})


# /openapi.json


@pytest.fixture
def described(stored: Client) -> Any:
    return stored.get("/openapi.json").json()


def test_the_description_has_every_path(stored: Client, described: Any) -> None:
    assert described["openapi"].startswith("3.1")
    assert sorted(described["paths"]) == stored.get("/endpoints").json()["data"]


def test_every_operation_is_described(described: Any) -> None:
    seen = set()
    for path, verbs in described["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        for verb, operation in verbs.items():
            where = f"{verb} {path}"
            assert operation["summary"], where
            assert operation["responses"], where
            assert operation["operationId"] not in seen, where
            seen.add(operation["operationId"])
            in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            assert in_path == names, where
            assert all(answer["description"] for answer in operation["responses"].values()), where
            if "requestBody" in operation:
                assert {"413", "415"} <= set(operation["responses"]), where


def test_every_reference_in_the_description_leads_somewhere(stored: Client, described: Any) -> None:
    text = stored.get("/openapi.json").text
    references = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text))
    assert references <= set(described["components"]["schemas"])
    operations = {one["operationId"] for verbs in described["paths"].values() for one in verbs.values()}
    linked = {
        link["operationId"]
        for verbs in described["paths"].values()
        for operation in verbs.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert linked
    assert linked <= operations


def test_entities_are_described_as_they_are_shown_and_taken(described: Any) -> None:
    schemas = described["components"]["schemas"]
    for kind in ("services", "certificates", "plugins", "consumer_groups"):
        for ending in ("", ".new", ".change"):
            assert schemas[f"{kind}{ending}"]["type"] == "object"
    assert "snis" in schemas["certificates"]["properties"]
    assert schemas["services.new"]["additionalProperties"] is False
    made = described["paths"]["/services"]["post"]
    assert made["responses"]["201"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/services"
    }
    assert "409" in made["responses"]
