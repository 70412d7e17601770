"""Lists: pages, tag filters, tags, and what is refused about them."""

import base64
from typing import Any

import pytest

from unit.admin.small_node import UUID, Client


def names(answer: Any, field: str = "name") -> list[str]:
    return [row[field] for row in answer.json()["data"]]


def test_pages_hold_each_entity_once(stored: Client) -> None:
    for number in range(5):
        stored.put(f"/services/s{number}", {"host": "h.test"})
    seen: list[str] = []
    path = "/services?size=2"
    while path:
        answer = stored.get(path).json()
        assert ("offset" in answer) == bool(answer["next"])
        seen += [row["name"] for row in answer["data"]]
        path = answer["next"]
    assert sorted(seen) == ["s0", "s1", "s2", "s3", "s4"]
    assert stored.get("/services?size=5").json()["next"] is None


def test_a_link_keeps_size_and_tags(stored: Client) -> None:
    for name in "abc":
        stored.put(f"/consumers/{name}", {"tags": ["corp_ a/b".replace("/", "-")]})
    following = stored.get("/consumers?tags=corp_%20a-b&size=1").json()["next"]
    assert following.startswith("/consumers?offset=")
    assert following.endswith("&tags=corp_%20a-b&size=1")
    assert len(stored.get(following).json()["data"]) == 1


def test_a_link_below_a_parent_names_the_parent_as_it_was_asked_for(stored: Client) -> None:
    stored.put("/services/%E5%86%86", {"host": "h.test"})
    for path in ("/1", "/2"):
        stored.post("/services/%E5%86%86/routes", {"paths": [path]})
    following = stored.get("/services/%E5%86%86/routes?size=1").json()["next"]
    assert following.startswith("/services/%E5%86%86/routes?offset=")
    assert stored.get(following).json()["next"] is None


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("query", "code", "name", "message"),
    [
        ("size=x", 9, "invalid size", "size must be a number"),
        ("size=", 9, "invalid size", "size must be a number"),
        ("size=0", 9, "invalid size", "size must be an integer between 1 and 1000"),
        ("size=1001", 9, "invalid size", "size must be an integer between 1 and 1000"),
        ("size=1.5", 9, "invalid size", "size must be an integer between 1 and 1000"),
        ("size=1e99", 9, "invalid size", "size must be an integer between 1 and 1000"),
        ("offset=x", 7, "invalid offset", "'x' is not a valid offset: bad base64 encoding"),
        ("offset=", 7, "invalid offset", "'' is not a valid offset: bad base64 encoding"),
        ("offset=%2F%2F%2F%2F", 7, "invalid offset", "'////' is not a valid offset: bad base64 encoding"),
        (f"offset={encoded('hello')}", 7, "invalid offset", f"'{encoded('hello')}' is not a valid offset: bad value"),
        ("tags=", 11, "invalid options", "invalid option (tags: cannot be null)"),
        ("tags=a,b/c", 11, "invalid options", "invalid option (tags: invalid filter syntax)"),
        ("tags=a,,b", 11, "invalid options", "invalid option (tags: invalid filter syntax)"),
        ("tags=a,b,c,d,e,f", 11, "invalid options", "invalid option (tags: cannot query more than 5 tags)"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(stored: Client, query: str, code: int, name: str, message: str) -> None:
    answer = stored.get(f"/routes?{query}")
    body = answer.json()
    assert (answer.status_code, body["code"], body["name"], body["message"]) == (400, code, name, message)
    if code == 11:
        assert body["options"] == {"tags": message.removeprefix("invalid option (tags: ").removesuffix(")")}


@pytest.mark.parametrize("query", ["size=1e2", "size=%2010", "size=10&size=10", "unknown=1", "tags=a%2Cb"])
def test_what_can_be_asked_for(stored: Client, query: str) -> None:
    assert stored.get(f"/routes?{query}").json() == {"data": [], "next": None}


def test_tags_with_commas_must_all_be_there_and_with_slashes_any(stored: Client) -> None:
    stored.put("/consumers/one", {"tags": ["corp", "c1"]})
    stored.put("/consumers/two", {"tags": ["corp", "c2"]})
    assert names(stored.get("/consumers?tags=corp,c1"), "username") == ["one"]
    assert sorted(names(stored.get("/consumers?tags=c2/c1"), "username")) == ["one", "two"]
    assert names(stored.get("/consumers?tags=c3"), "username") == []


def test_tags_are_not_looked_at_below_a_parent(stored: Client) -> None:
    stored.put("/services/s", {"host": "h.test"})
    stored.post("/services/s/routes", {"name": "r", "paths": ["/x"]})
    assert names(stored.get("/services/s/routes?tags=a,b/c")) == ["r"]


def test_tags_are_listed_with_what_has_them(stored: Client) -> None:
    made = stored.put("/consumers/one", {"tags": ["a", "b"]}).json()
    row = {"entity_name": "consumers", "entity_id": made["id"]}
    assert stored.get("/tags").json() == {"data": [{"tag": "a", **row}, {"tag": "b", **row}], "next": None}
    assert stored.get("/tags/b").json() == {"data": [{"tag": "b", **row}], "next": None}
    following = stored.get("/tags?size=1").json()["next"]
    assert stored.get(following).json()["data"] == [{"tag": "b", **row}]


def test_tags_are_made_with_their_entities_only(stored: Client) -> None:
    answer = stored.post("/tags", {"tag": "x"})
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"tags": "does not support insert/upsert/update/delete operations"}
    assert stored.delete("/tags").status_code == 405
    bad = stored.get("/tags/a,b")
    assert (bad.status_code, bad.json()["code"], bad.json()["name"]) == (400, 10, "invalid unique tag")
    assert stored.get("/tags?offset=x").json()["code"] == 7
    assert stored.get(f"/tags?offset={encoded('[]')}").json()["code"] == 7


def test_consumers_by_custom_id(stored: Client) -> None:
    stored.post("/consumers", {"username": "bob", "custom_id": "007"})
    assert names(stored.get("/consumers?custom_id=007"), "username") == ["bob"]
    assert stored.get("/consumers?custom_id=008").json() == {"data": [], "next": None}
    empty = stored.get("/consumers?custom_id=")
    assert (empty.status_code, empty.json()) == (400, {"message": "custom_id must be an unempty string"})
    assert stored.get("/consumers?custom_id=007&size=x").status_code == 400


def test_a_declarative_configuration_is_listed_the_same_way(declared: Client) -> None:
    consumers = [{"username": name, "tags": [name]} for name in ("a", "b", "c")]
    assert declared.post("/config", {"_format_version": "3.0", "consumers": consumers}).status_code == 201
    first = declared.get("/consumers?size=2").json()
    second = declared.get(first["next"]).json()
    assert sorted(row["username"] for row in first["data"] + second["data"]) == ["a", "b", "c"]
    assert names(declared.get("/consumers?tags=b/c"), "username") != []
    assert len(declared.get("/tags").json()["data"]) == 3
    assert declared.get(f"/consumers/{UUID}").status_code == 404
