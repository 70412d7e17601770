"""`PUT /config`: the difference is told, and done as a whole or not at all."""

from typing import Any

import pytest

from unit.admin.small_node import Client


def document(*services: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"_format_version": "3.0", "services": list(services), **others}


def service(name: str, *routes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": name, "host": f"{name}.test", **({"routes": list(routes)} if routes else {}), **fields}


def put(api: Client, config: dict[str, Any], query: str = "", **headers: str) -> Any:
    answer = api.request("PUT", f"/config{query}", json=config, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(api: Client, kind: str = "services") -> list[str]:
    return sorted(one["name"] for one in api.get(f"/{kind}?size=1000").json()["data"])


def told(found: Any) -> list[tuple[str, str, str]]:
    return [(one["operation"], one["kind"], one["name"]) for one in found["difference"]]


@pytest.fixture(params=["stored", "declared"])
def api(request: pytest.FixtureRequest) -> Client:
    """With a database and without one."""
    client: Client = request.getfixturevalue(request.param)
    return client


def test_a_configuration_takes_the_place_of_what_is_there(api: Client) -> None:
    found = put(api, document(service("a", {"name": "r", "paths": ["/r"]}), service("b")))
    assert told(found) == [("create", "services", "a"), ("create", "services", "b"), ("create", "routes", "r")]
    assert found["summary"] == {"create": 3, "update": 0, "delete": 0}
    assert found["applied"] is True
    found = put(api, document(service("a", {"name": "r", "paths": ["/r", "/s"]}), service("c")))
    assert told(found) == [("create", "services", "c"), ("update", "routes", "r"), ("delete", "services", "b")]
    (update,) = [one for one in found["difference"] if one["operation"] == "update"]
    assert update["fields"] == [{"field": "paths", "before": ["/r"], "after": ["/r", "/s"]}]
    assert (names(api), names(api, "routes")) == (["a", "c"], ["r"])


def test_the_same_again_changes_nothing(api: Client) -> None:
    first = put(api, document(service("a")))
    again = put(api, document(service("a")))
    assert (again["difference"], again["applied"], again["version"]) == ([], False, first["version"])


def test_a_dry_run_only_tells(api: Client) -> None:
    found = put(api, document(service("a")), "?dry_run=1")
    assert (told(found), found["applied"]) == ([("create", "services", "a")], False)
    assert names(api) == []


def test_an_entity_keeps_the_id_that_it_was_given_elsewhere(stored: Client) -> None:
    made = stored.post("/services", {"name": "a", "host": "old.test"}).json()
    found = put(stored, document(service("a", {"name": "r", "paths": ["/r"]})))
    assert told(found) == [("create", "routes", "r"), ("update", "services", "a")]
    assert stored.get("/services/a").json()["id"] == made["id"]
    assert stored.get("/services/a").json()["created_at"] == made["created_at"]
    assert stored.get("/routes/r").json()["service"] == {"id": made["id"]}


def test_with_tags_only_what_has_them_is_touched(api: Client) -> None:
    put(api, document(service("theirs"), service("ours"), service("gone", tags=["team", "x"])))
    found = put(api, document(service("ours", port=81), service("new")), "?select_tags=team")
    assert told(found) == [
        ("create", "services", "new"),
        ("update", "services", "ours"),
        ("delete", "services", "gone"),
    ]
    assert names(api) == ["new", "ours", "theirs"]
    assert api.get("/services/new").json()["tags"] == ["team"]
    assert api.get("/services/ours").json()["tags"] == ["team"]
    assert put(api, document(service("ours", port=81), service("new")), "?select_tags=team")["difference"] == []


def test_with_tags_what_the_configuration_has_none_of_is_deleted_where_it_has_them(api: Client) -> None:
    ours, theirs = {"username": "ours", "tags": ["team"]}, {"username": "theirs"}
    put(api, document(service("a", tags=["team"]), consumers=[ours, theirs]))
    found = put(api, document(service("a", tags=["team"])), "?select_tags=team")
    assert told(found) == [("delete", "consumers", "ours")]
    assert [row["username"] for row in api.get("/consumers").json()["data"]] == ["theirs"]


def test_of_two_who_compared_only_the_first_gets_through(api: Client) -> None:
    compared = api.request("PUT", "/config?dry_run=1", json=document(service("a")))
    tag = compared.headers["etag"]
    put(api, document(service("b")), **{"If-Match": tag})
    late = api.request("PUT", "/config", json=document(service("a")), headers={"If-Match": tag})
    assert late.status_code == 412
    assert names(api) == ["b"]
    assert put(api, document(service("a")), **{"If-Match": "*"})["applied"] is True


@pytest.mark.parametrize("tag", ['"mongodb-1"', "nonsense", '"sqlite-1", "sqlite-2"', 'W/"sqlite-1"'])
def test_a_tag_that_is_none_is_refused(api: Client, tag: str) -> None:
    assert api.request("PUT", "/config", json=document(), headers={"If-Match": tag}).status_code == 412


def test_at_the_same_time_each_is_done_as_a_whole(stored: Client) -> None:
    documents = [document(*(service(f"s{number}-{one}") for one in range(5))) for number in range(4)]
    answers = stored.together(*(("PUT", "/config", {"json": one}) for one in documents))
    assert {answer.status_code for answer in answers} == {200}
    left = names(stored)
    assert len(left) == 5
    assert len({name.partition("-")[0] for name in left}) == 1


def test_names_and_references_may_change_hands(stored: Client) -> None:
    ids = [f"5f1d7fbc-0000-4000-8000-00000000000{number}" for number in range(4)]
    put(stored, document(service("a", {"name": "r", "paths": ["/"]}, id=ids[0]), service("b", id=ids[1])))
    put(stored, document(service("b", {"name": "r", "paths": ["/"]}, id=ids[0]), service("a", id=ids[1])))
    assert stored.get("/services/a").json()["id"] == ids[1]
    # The route moves to a new service, and the one that it leaves goes.
    put(stored, document(service("c", {"name": "r", "paths": ["/"]}, id=ids[2])))
    assert names(stored) == ["c"]
    assert stored.get("/routes/r").json()["service"] == {"id": ids[2]}


def test_a_mistake_changes_nothing(api: Client) -> None:
    put(api, document(service("a")))
    answer = api.request("PUT", "/config", json=document(service("b"), {"name": "c"}))
    assert (answer.status_code, answer.json()["code"]) == (400, 14)
    assert names(api) == ["a"]


def test_what_others_hold_on_to_is_not_deleted(stored: Client) -> None:
    put(stored, document(service("a", tags=["team"])))
    stored.post("/services/a/routes", {"name": "theirs", "paths": ["/"]})
    answer = stored.request("PUT", "/config?select_tags=team", json=document(service("b")))
    assert (answer.status_code, answer.json()["code"]) == (400, 4)
    assert names(stored) == ["a"]


def test_secrets_are_not_told(stored: Client) -> None:
    vault = {"name": "env", "prefix": "mine", "config": {"prefix": "X_"}}
    found = put(stored, document(vaults=[vault]))
    assert told(found) == [("create", "vaults", "mine")]
    keys = [{"kid": "k", "jwk": '{"kty":"oct","k":"c2VjcmV0","kid":"k"}'}]
    found = put(stored, document(vaults=[vault], keys=keys))
    assert "c2VjcmV0" not in str(found)


def test_text_in_yaml_is_taken_too(api: Client) -> None:
    text = '_format_version: "3.0"\nservices:\n- {name: a, host: a.test}\n'
    answer = api.request("PUT", "/config", content=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 200
    assert names(api) == ["a"]


def test_what_is_stored_is_given_as_yaml_to_whom_asks_for_it(api: Client) -> None:
    put(api, document(service("a", {"name": "r", "paths": ["/r"]}, tags=["t"]), service("b")))
    answer = api.get("/config", headers={"Accept": "application/yaml"})
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.text.startswith('_format_version: "3.0"\n')
    again = api.request("PUT", "/config", content=answer.text, headers={"Content-Type": "application/yaml"})
    assert again.json()["difference"] == []
    part = api.get("/config?select_tags=t", headers={"Accept": "application/yaml"}).text
    assert ("name: a" in part, "name: b" in part, "name: r" in part) == (True, False, False)


def test_kongs_answer_stays_for_everybody_else(stored: Client, declared: Client) -> None:
    assert stored.get("/config").status_code == 400
    assert set(declared.get("/config").json()) == {"config"}


def test_who_wrote_and_why_is_known(stored: Client) -> None:
    put(stored, document(service("a")), **{"Gateline-Reason": "because"})
    assert stored.node is not None
    assert stored.node.writes[-1][1] == "because"
