"""Forms: what names and texts mean for an entity."""

from typing import Any

import pytest

from gateline.admin.errors import ApiError
from gateline.admin.form import DEEPEST, decode
from gateline.entities import Route, Service, Upstream, schema_of
from unit.admin.small_node import Client


@pytest.mark.parametrize(
    ("flat", "data"),
    [
        ({"paths": "/a"}, {"paths": ["/a"]}),
        ({"paths": ["/a", "/b"]}, {"paths": ["/a", "/b"]}),
        ({"paths[]": "/a"}, {"paths": ["/a"]}),
        ({"paths[]": ["/a", "/b"]}, {"paths": ["/a", "/b"]}),
        ({"paths[2]": "/b", "paths[1]": "/a"}, {"paths": ["/a", "/b"]}),
        ({"paths[10]": "/b", "paths[9]": "/a"}, {"paths": ["/a", "/b"]}),
        ({"paths[1]": "/a", "paths[]": "/b"}, {"paths": ["/a", "/b"]}),
        ({"headers.x-version[]": "1"}, {"headers": {"x-version": ["1"]}}),
        ({"headers.x-version": "1"}, {"headers": {"x-version": ["1"]}}),
        ({"headers[x-version]": "1"}, {"headers": {"x-version": ["1"]}}),
        ({"service.id": "x"}, {"service": {"id": "x"}}),
        ({"service.name": "n", "service.port": "80"}, {"service": {"name": "n", "port": 80}}),
        ({"service": ""}, {"service": None}),
        ({"name": ""}, {"name": None}),
        ({"strip_path": "true", "preserve_host": "false"}, {"strip_path": True, "preserve_host": False}),
        ({"strip_path": "yes"}, {"strip_path": "yes"}),
        ({"regex_priority": "-5"}, {"regex_priority": -5}),
        ({"regex_priority": "x"}, {"regex_priority": "x"}),
        ({"regex_priority": "1.5"}, {"regex_priority": 1.5}),
        ({"regex_priority": "1e999"}, {"regex_priority": "1e999"}),
        ({"sources[1].ip": "::1", "sources[1].port": "80"}, {"sources": [{"ip": "::1", "port": 80}]}),
        ({"unknown": "1", "deep.unknown": ""}, {"unknown": "1", "deep": {"unknown": ""}}),
        ({".dots": "1", "a..b": "2"}, {".dots": "1", "a..b": "2"}),
        ({"a[": "1", "b]": "2", "[c]": "3"}, {"a[": "1", "b]": "2", "[c]": "3"}),
    ],
    ids=str,
)
def test_names_and_texts(flat: dict[str, Any], data: dict[str, Any]) -> None:
    assert decode(flat, schema_of(Route)) == data


def test_records_inside_records_have_types() -> None:
    flat = {
        "healthchecks.active.healthy.interval": "2.5",
        "healthchecks.active.healthy.http_statuses": ["200", "201"],
        "healthchecks.active.https_verify_certificate": "false",
        "slots": "100",
    }
    assert decode(flat, schema_of(Upstream)) == {
        "healthchecks": {
            "active": {
                "healthy": {"interval": 2.5, "http_statuses": [200, 201]},
                "https_verify_certificate": False,
            }
        },
        "slots": 100,
    }


@pytest.mark.parametrize(
    "flat",
    [
        {"a": "1", "a.b": "2"},
        {"a.b": "2", "a": "1"},
        {".".join(["a"] * (DEEPEST + 1)): "1"},
        {"a" + "[1]" * DEEPEST: "1"},
    ],
    ids=["value and record", "record and value", "too deep", "too deep in brackets"],
)
def test_contradictions_are_refused(flat: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        decode(flat, schema_of(Service))
    assert refused.value.status == 400


def test_a_form_makes_an_entity(stored: Client) -> None:
    made = stored.post("/services", data={"host": "h.test", "port": "8080", "enabled": "false", "tags[]": ["a", "b"]})
    assert made.status_code == 201
    row = made.json()
    assert (row["port"], row["enabled"], row["tags"]) == (8080, False, ["a", "b"])
    parts = {"host": (None, "multi.test"), "port": (None, "8081")}
    multipart = stored.post("/services", files=parts)
    assert (multipart.status_code, multipart.json()["port"]) == (201, 8081)


@pytest.mark.parametrize("body", [b"", b"{", b'"text"', b"42", b"[]", b"null"])
def test_a_json_body_is_an_object(stored: Client, body: bytes) -> None:
    answer = stored.post("/consumers", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"message": "Cannot parse JSON body"})


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
def test_other_bodies_are_not_taken(stored: Client, kind: str) -> None:
    answer = stored.post("/consumers", content=b"username=bob", headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.content) == (415, b"")


def test_no_body_is_an_entity_without_fields(stored: Client) -> None:
    assert stored.post("/consumers").json()["code"] == 2
    assert stored.put("/consumers/bob").json()["username"] == "bob"
