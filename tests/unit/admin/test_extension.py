"""A kind of entities that a plugin brings gets its paths from its declaration: flat, below what it points to, and by a
key of its own there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from gateline.entities import Entity, Reference
from gateline.entities.fields import Tags
from gateline.entities.marks import Auto, To, Unique
from gateline.entities.schema import FOREIGN_MODELS
from unit.admin.small_node import Client, SmallNode


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Client]:
    class Badge(Entity):
        """A kind with a key that is unique everywhere."""

        kind: ClassVar = "badges_of_this_test"
        singular: ClassVar = "badge"
        endpoint_key: ClassVar = "number"
        flat_path: ClassVar = "badges"
        nested_path: ClassVar = "badge"

        number: Annotated[str, Unique(), Auto(lambda: "made up")]
        consumer: Annotated[Reference, To("consumers", on_delete="cascade")]
        tags: Tags | None = None

    class Club(Entity):
        """A kind with a key that counts below its parent only."""

        kind: ClassVar = "clubs_of_this_test"
        singular: ClassVar = "club"
        nested_key: ClassVar = "club"
        flat_path: ClassVar = "clubs"
        unique_together: ClassVar = (("consumer", "club"),)

        club: str
        consumer: Annotated[Reference, To("consumers", on_delete="cascade")]

    try:
        with Client.of(SmallNode(tmp_path / "gateline.db")) as client:
            for name in ("bob", "ann"):
                client.put(f"/consumers/{name}", {})
            yield client
    finally:
        for kind in (Badge.kind, Club.kind):
            FOREIGN_MODELS.pop(kind)


def test_a_kind_with_a_key_is_reached_everywhere(api: Client) -> None:
    made = api.post("/consumers/bob/badge", {"number": "7"})
    assert made.status_code == 201
    for path in ("/consumers/bob/badge/7", "/badges/7", f"/badges/{made.json()['id']}"):
        assert api.get(path).json() == made.json()
    assert api.get("/badges/7/consumer").json()["username"] == "bob"
    assert api.post("/consumers/bob/badge").json()["number"] == "made up"
    for method in ("GET", "PATCH", "DELETE"):
        assert api.request(method, "/consumers/ann/badge/7", json={}).status_code == 404
    put = api.put("/consumers/ann/badge/8")
    assert (put.status_code, put.json()["number"]) == (200, "8")
    flat = api.post("/badges", {"number": "9", "consumer": {"username": "ann"}})
    assert flat.json()["consumer"] == put.json()["consumer"]
    assert api.post("/badges", {"number": "10"}).json()["fields"] == {"consumer": "required field missing"}


def test_a_kind_with_a_key_below_its_parent_is_reached_there_only(api: Client) -> None:
    bob = api.put("/consumers/bob/clubs/chess")
    ann = api.put("/consumers/ann/clubs/chess")
    assert (bob.status_code, ann.status_code, bob.json()["id"] == ann.json()["id"]) == (200, 200, False)
    assert api.put("/consumers/bob/clubs/chess").json()["id"] == bob.json()["id"]
    assert api.get("/consumers/bob/clubs/chess").json()["id"] == bob.json()["id"]
    assert api.get("/consumers/bob/clubs/go").status_code == 404
    assert api.get(f"/clubs/{ann.json()['id']}").json() == ann.json()
    assert api.get("/clubs/chess").json()["code"] == 1
    assert len(api.get("/clubs").json()["data"]) == 2
    assert api.delete("/consumers/ann/clubs/chess").status_code == 204
    assert api.get("/consumers/bob/clubs/chess").status_code == 200
