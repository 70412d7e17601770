"""Certificates with their server names."""

from pathlib import Path
from typing import Any

import pytest

from harness.certificates import self_signed
from unit.admin.small_node import UUID, Client


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cert, key = self_signed(tmp_path_factory.mktemp("certificates"), "a.test")
    return {"cert": Path(cert).read_text(), "key": Path(key).read_text()}


def made(api: Client, pair: dict[str, str], *snis: str) -> Any:
    answer = api.post("/certificates", {**pair, "snis": list(snis)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_certificate_is_made_with_its_server_names(stored: Client, pair: dict[str, str]) -> None:
    certificate = made(stored, pair, "b.test", "a.test")
    assert certificate["snis"] == ["a.test", "b.test"]
    assert stored.get("/snis/a.test").json()["certificate"] == {"id": certificate["id"]}
    for path in (f"/certificates/{certificate['id']}", "/certificates/b.test"):
        assert stored.get(path).json() == certificate
    assert stored.get("/certificates").json()["data"] == [certificate]
    assert len(stored.get("/certificates/a.test/snis").json()["data"]) == 2


def test_server_names_may_be_a_text_with_commas(stored: Client, pair: dict[str, str]) -> None:
    answer = stored.post("/certificates", data={**pair, "snis": "a.test, b.test"})
    assert answer.json()["snis"] == ["a.test", "b.test"]


@pytest.mark.parametrize(
    ("snis", "problem"),
    [
        (["a.test", "a.test"], "a.test is duplicated"),
        (["ok.test", "no*pe"], [None, "wildcard must be leftmost or rightmost character"]),
        ([5], ["expected a string"]),
        (5, "expected a set"),
    ],
)
def test_wrong_server_names_are_refused(stored: Client, pair: dict[str, str], snis: Any, problem: Any) -> None:
    answer = stored.post("/certificates", {**pair, "snis": snis})
    assert (answer.status_code, answer.json()["fields"]) == (400, {"snis": problem})
    assert stored.get("/certificates").json() == {"data": [], "next": None}


def test_a_server_name_belongs_to_one_certificate(stored: Client, pair: dict[str, str]) -> None:
    other = made(stored, pair, "a.test")
    answer = stored.post("/certificates", {**pair, "snis": ["b.test", "a.test"]})
    sentence = f"a.test already associated with existing certificate '{other['id']}'"
    assert answer.json() == {
        "code": 2,
        "name": "schema violation",
        "message": f"schema violation (snis: {sentence})",
        "fields": {"snis": sentence},
    }
    assert len(stored.get("/certificates").json()["data"]) == 1


def test_patch_replaces_the_server_names_that_it_names(stored: Client, pair: dict[str, str]) -> None:
    certificate = made(stored, pair, "a.test", "b.test")
    path = f"/certificates/{certificate['id']}"
    kept = stored.get("/snis/b.test").json()
    assert stored.patch(path, {"snis": ["b.test", "c.test"]}).json()["snis"] == ["b.test", "c.test"]
    assert stored.get("/snis/b.test").json() == kept
    assert stored.get("/snis/a.test").status_code == 404
    assert stored.patch(path, {"tags": ["t"]}).json()["snis"] == ["b.test", "c.test"]
    assert stored.patch(path, {"snis": []}).json()["snis"] == []


def test_put_by_server_name(stored: Client, pair: dict[str, str]) -> None:
    certificate = made(stored, pair, "a.test")
    replaced = stored.put("/certificates/a.test", {**pair, "snis": ["a.test", "b.test"], "tags": ["t"]}).json()
    assert (replaced["id"], replaced["snis"], replaced["tags"]) == (certificate["id"], ["a.test", "b.test"], ["t"])
    new = stored.put("/certificates/new.test", pair).json()
    assert (new["snis"], new["id"] == certificate["id"]) == ([], False)


def test_an_unknown_server_name_has_its_own_words(stored: Client) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        answer = stored.request(method, "/certificates/nope.test", json={})
        assert (answer.status_code, answer.json()) == (404, {"message": "SNI not found"})
    unknown = stored.get(f"/certificates/{UUID}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, 6)
    assert stored.delete(f"/certificates/{UUID}").status_code == 204


def test_the_tag_of_a_certificate_changes_with_its_server_names(stored: Client, pair: dict[str, str]) -> None:
    certificate = made(stored, pair, "a.test")
    before = stored.get("/certificates/a.test").headers["etag"]
    stored.post("/snis", {"name": "b.test", "certificate": {"id": certificate["id"]}})
    assert stored.get("/certificates/a.test").headers["etag"] != before
    conditional = {"headers": {"If-Match": before}}
    assert stored.patch("/certificates/a.test", {"tags": ["t"]}, **conditional).status_code == 412


def test_server_names_go_with_their_certificate(stored: Client, pair: dict[str, str]) -> None:
    made(stored, pair, "a.test")
    assert stored.delete("/certificates/a.test").status_code == 204
    assert stored.get("/snis").json()["data"] == []
