"""Entities over a store: POST, GET, PUT, PATCH and DELETE, flat, below a parent, and what an entity points to."""

from typing import Any

import pytest

from unit.admin.small_node import UUID, Client

OTHER = "5f1d7fbc-0000-4000-8000-000000000002"
NOT_FOUND = {"message": "Not found"}


def service(api: Client, name: str = "s", **fields: Any) -> Any:
    answer = api.post("/services", {"name": name, "host": "h.test", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_made_entity_is_shown_whole_and_found_by_id_and_name(stored: Client) -> None:
    made = service(stored, port=81)
    assert (made["port"], made["retries"], made["tags"], made["client_certificate"]) == (81, 5, None, None)
    assert "ws_id" not in made
    for name in ("s", made["id"], made["id"].upper()):
        assert stored.get(f"/services/{name}").json() == made
    assert stored.get("/services").json() == {"data": [made], "next": None}


@pytest.mark.parametrize("path", ["/services/nope", f"/services/{UUID}", "/services/nope/routes", "/routes/x/service"])
def test_what_is_not_there_is_not_found(stored: Client, path: str) -> None:
    answer = stored.get(path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_name_that_none_can_have_is_refused(stored: Client) -> None:
    answer = stored.get("/services/a%20b")
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["name"]) == (10, "invalid unique name")


def test_without_an_endpoint_key_only_an_id_will_do(stored: Client) -> None:
    answer = stored.get("/ca_certificates/x")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "code": 1,
            "name": "invalid primary key",
            "message": "invalid primary key: '{id=\"expected a valid UUID\"}'",
            "fields": {"id": "expected a valid UUID"},
        },
    )


def test_put_makes_or_replaces_and_keeps_id_and_age(stored: Client) -> None:
    made = stored.put("/services/s", {"host": "h.test", "retries": 1, "tags": ["t"]})
    assert (made.status_code, made.json()["name"]) == (200, "s")
    replaced = stored.put("/services/s", {"host": "other.test", "name": "ignored"}).json()
    assert (replaced["id"], replaced["created_at"]) == (made.json()["id"], made.json()["created_at"])
    assert (replaced["name"], replaced["host"], replaced["retries"], replaced["tags"]) == ("s", "other.test", 5, None)
    assert stored.put(f"/services/{UUID}", {"host": "h.test", "id": OTHER}).json()["id"] == UUID


def test_patch_changes_the_fields_it_names(stored: Client) -> None:
    service(stored, path="/p", tags=["t"])
    patched = stored.patch("/services/s", {"path": None, "retries": 0}).json()
    assert (patched["path"], patched["retries"], patched["tags"], patched["host"]) == (None, 0, ["t"], "h.test")


@pytest.mark.parametrize(
    ("name", "key", "shown"),
    [("nope", {"name": "nope"}, "'{name=\"nope\"}'"), (UUID, {"id": UUID}, f"primary key '{{id=\"{UUID}\"}}'")],
)
def test_patch_of_nothing_names_what_is_missing(stored: Client, name: str, key: Any, shown: str) -> None:
    answer = stored.patch(f"/services/{name}", {"host": "h.test"})
    assert (answer.status_code, answer.json()) == (
        404,
        {"code": 6, "name": "not found", "message": f"could not find the entity with {shown}", "fields": key},
    )


def test_delete_is_done_whether_there_was_something_or_not(stored: Client) -> None:
    service(stored)
    for _ in range(2):
        answer = stored.delete("/services/s")
        assert (answer.status_code, answer.content) == (204, b"")
    assert stored.get("/services/s").status_code == 404


def test_a_service_with_routes_cannot_be_deleted(stored: Client) -> None:
    service(stored)
    stored.post("/services/s/routes", {"paths": ["/x"]})
    answer = stored.delete("/services/s")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "code": 4,
            "name": "foreign key violation",
            "message": "an existing 'routes' entity references this 'services' entity",
            "fields": {"@referenced_by": "routes"},
        },
    )


def test_a_taken_name_and_a_taken_id_are_refused(stored: Client) -> None:
    made = service(stored)
    unique = stored.post("/services", {"name": "s", "host": "h.test"})
    assert (unique.status_code, unique.json()["fields"]) == (409, {"name": "s"})
    primary = stored.post("/services", {"id": made["id"], "host": "h.test"})
    assert (primary.status_code, primary.json()["code"]) == (400, 3)


def test_routes_below_a_service_are_those_of_the_service(stored: Client) -> None:
    one, two = service(stored, "one"), service(stored, "two")
    made = stored.post("/services/one/routes", {"name": "r1", "paths": ["/1"], "service": {"id": two["id"]}})
    assert made.status_code == 201
    assert made.json()["service"] == {"id": one["id"]}
    stored.post("/services/two/routes", {"name": "r2", "paths": ["/2"]})
    assert [row["name"] for row in stored.get("/services/one/routes").json()["data"]] == ["r1"]
    assert stored.get("/services/one/routes/r1").json() == made.json()
    for method in ("GET", "PATCH", "DELETE"):
        answer = stored.request(method, "/services/one/routes/r2")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert stored.patch("/services/one/routes/r1", {"paths": ["/3"]}).json()["paths"] == ["/3"]
    assert stored.delete("/services/one/routes/r1").status_code == 204
    assert stored.delete("/services/one/routes/r1").status_code == 404


def test_put_below_a_service_makes_a_route_or_moves_it_there(stored: Client) -> None:
    one, two = service(stored, "one"), service(stored, "two")
    made = stored.put("/services/one/routes/r", {"paths": ["/x"]}).json()
    assert made["service"] == {"id": one["id"]}
    moved = stored.put("/services/two/routes/r", {"paths": ["/x"]}).json()
    assert (moved["id"], moved["service"]) == (made["id"], {"id": two["id"]})


def test_what_a_route_points_to_is_read_and_written_through_it(stored: Client) -> None:
    made = service(stored)
    stored.post("/services/s/routes", {"name": "r", "paths": ["/x"]})
    assert stored.get("/routes/r/service").json() == made
    assert stored.patch("/routes/r/service", {"port": 1}).json()["port"] == 1
    replaced = stored.put("/routes/r/service", {"host": "other.test"}).json()
    assert (replaced["id"], replaced["host"], replaced["port"]) == (made["id"], "other.test", 80)
    refused = stored.delete("/routes/r/service")
    assert (refused.status_code, refused.json()) == (405, {"message": "Method not allowed"})


def test_put_where_nothing_is_pointed_to_makes_something_and_points_to_it(stored: Client) -> None:
    stored.post("/routes", {"name": "r", "paths": ["/x"]})
    for method in ("GET", "PATCH", "DELETE"):
        assert stored.request(method, "/routes/r/service").status_code == 404
    made = stored.put("/routes/r/service", {"name": "new", "host": "h.test"}).json()
    assert stored.get("/routes/r").json()["service"] == {"id": made["id"]}
    assert stored.get("/services/new").json() == made


def test_a_reference_may_be_a_name(stored: Client) -> None:
    made = service(stored)
    answer = stored.post("/routes", {"paths": ["/x"], "service": {"name": "s"}})
    assert (answer.status_code, answer.json()["service"]) == (201, {"id": made["id"]})
    route = answer.json()["id"]
    service(stored, "other")
    assert stored.patch(f"/routes/{route}", {"service": {"name": "other"}}).json()["service"] != {"id": made["id"]}


def test_a_reference_to_nothing_is_refused(stored: Client) -> None:
    by_name = stored.post("/routes", {"paths": ["/x"], "service": {"name": "nope"}})
    sentence = "the foreign key cannot be resolved with '{name=\"nope\"}' for an existing 'services' entity"
    assert (by_name.status_code, by_name.json()) == (
        400,
        {
            "code": 13,
            "name": "foreign keys unresolved",
            "message": f"foreign key unresolved (service.name: {sentence})",
            "fields": {"service": {"name": sentence}},
        },
    )
    by_id = stored.post("/routes", {"paths": ["/x"], "service": {"id": UUID}})
    assert (by_id.status_code, by_id.json()["code"]) == (400, 4)


def test_a_name_with_a_slash_is_reached_percent_encoded(stored: Client) -> None:
    made = stored.post("/consumers", {"username": "a/b c"}).json()
    assert stored.get("/consumers/a%2Fb%20c").json() == made
    assert stored.get("/consumers/a/b%20c").status_code == 404


def test_every_answer_with_an_entity_has_its_tag(stored: Client) -> None:
    made = stored.post("/services", {"name": "s", "host": "h.test"})
    read = stored.get("/services/s")
    assert made.headers["etag"] == read.headers["etag"]
    assert stored.patch("/services/s", {"port": 1}).headers["etag"] != made.headers["etag"]


def test_a_write_says_who_and_why(stored: Client) -> None:
    assert stored.node is not None
    stored.post("/services", {"name": "s", "host": "h.test"})
    stored.request("DELETE", "/services/s", headers={"Gateline-Reason": "not used any more"})
    stored.get("/services")
    assert stored.node.writes == [
        ("anyone@127.0.0.1", "POST /services"),
        ("anyone@127.0.0.1", "not used any more"),
    ]
    stored.delete("/consumers/secret-name")
    assert stored.node.writes[-1][1] == "DELETE /consumers/{consumers}"


def test_a_refused_write_changes_nothing(stored: Client) -> None:
    service(stored)
    assert stored.patch("/services/s", {"port": 70000}).status_code == 400
    assert stored.put("/routes/r/service", {"host": "x.test"}).status_code == 404
    assert stored.get("/services").json()["data"][0]["port"] == 80


def test_paths_that_kong_does_not_have_are_not_there(stored: Client) -> None:
    for path in ("/targets", "/targets/x/upstream", "/snis/a.test/certificate", "/consumer_group_consumers"):
        assert stored.get(path).json() == NOT_FOUND


def test_options_tells_the_verbs_of_entities(stored: Client) -> None:
    assert stored.options("/routes/r").headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert stored.options("/services/s/routes").headers["allow"] == "GET, HEAD, OPTIONS, POST"
