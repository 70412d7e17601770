"""Plugins: what is special about them, with a plugin that only this test knows."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from gateline.entities import Record
from gateline.entities.plugin_configs import register, unregister
from unit.admin.small_node import UUID, Client

NAME = "of-this-test"


class Limits(Record):
    """Limits of a kind."""

    minute: Annotated[int | None, Field(description="Requests a minute.")] = None
    hide: Annotated[bool, Field(description="Whether it is told.")] = False
    names: Annotated[tuple[str, ...], Field(description="Names.")] = ("apikey",)
    headers: Annotated[dict[str, str] | None, Field(description="Headers.")] = None


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    register(NAME, Limits, priority=900, version="1.2.3", no_consumer=True)
    yield
    unregister(NAME)


def made(api: Client, path: str = "/plugins", **fields: Any) -> Any:
    answer = api.post(path, {"name": NAME, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_plugin_gets_its_defaults(stored: Client) -> None:
    row = made(stored)
    assert row["config"] == {"minute": None, "hide": False, "names": ["apikey"], "headers": None}
    assert (row["enabled"], row["service"], row["instance_name"]) == (True, None, None)
    assert stored.get(f"/plugins/{row['id']}").json() == row


def test_what_is_available_and_used_is_told(stored: Client) -> None:
    made(stored)
    root = stored.get("/").json()["plugins"]
    assert root["available_on_server"][NAME] == {"version": "1.2.3", "priority": 900}
    assert root["enabled_in_cluster"] == [NAME]
    assert NAME in stored.get("/plugins/enabled").json()["enabled_plugins"]


def test_form_values_of_the_configuration_are_typed_by_its_schema(stored: Client) -> None:
    form = {"name": NAME, "config.minute": "5", "config.hide": "true", "config.names": "k", "config.headers.x-a": "1"}
    config = stored.post("/plugins", data=form).json()["config"]
    assert config == {"minute": 5, "hide": True, "names": ["k"], "headers": {"x-a": "1"}}


def test_patch_merges_the_configuration_by_name_of_the_plugin_that_is_there(stored: Client) -> None:
    path = f"/plugins/{made(stored, config={'minute': 5, 'hide': True})['id']}"
    assert stored.patch(path, {"enabled": False}).json()["config"]["minute"] == 5
    assert stored.patch(path, {"config": {"minute": None}}).json()["config"]["hide"] is True
    refused = stored.patch(path, {"config": {"names": None, "x": 1}})
    assert refused.json()["fields"] == {"config": {"names": "required field missing", "x": "unknown field"}}
    assert stored.patch(path, {"config": {"minute": 7}}).json()["config"]["minute"] == 7


def test_patch_of_an_unknown_plugin_has_other_words(stored: Client) -> None:
    answer = stored.patch(f"/plugins/{UUID}", {"enabled": False})
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})


def test_put_to_an_instance_name(stored: Client) -> None:
    first = stored.put("/plugins/mine", {"name": NAME, "config": {"minute": 1}}).json()
    second = stored.put("/plugins/mine", {"name": NAME, "config": {"minute": 2}}).json()
    assert (first["instance_name"], second["id"], second["config"]["minute"]) == ("mine", first["id"], 2)


def test_the_same_plugin_may_be_on_different_things_once_each(stored: Client) -> None:
    stored.put("/services/s", {"host": "h.test"})
    service = made(stored, "/services/s/plugins")
    made(stored)
    again = stored.post("/services/s/plugins", {"name": NAME})
    assert (again.status_code, again.json()["code"]) == (409, 5)
    assert again.json()["fields"]["name"] == NAME
    assert stored.get(f"/services/s/plugins/{service['id']}").json() == service
    assert stored.get(f"/plugins/{service['id']}/service").json()["name"] == "s"
    assert stored.get(f"/plugins/{service['id']}/route").status_code == 404
    stored.delete("/services/s")
    assert stored.get(f"/plugins/{service['id']}").status_code == 404


def test_a_scope_that_the_plugin_does_not_have_is_refused(stored: Client) -> None:
    stored.put("/consumers/bob", {})
    answer = stored.post("/consumers/bob/plugins", {"name": NAME})
    assert answer.json()["fields"] == {"consumer": "value must be null"}


def test_protocols_must_fit_the_route_or_one_of_the_service(stored: Client) -> None:
    stored.put("/services/s", {"host": "h.test"})
    made(stored, "/services/s/plugins", protocols=["grpc"])  # no route yet that it would not fit
    stored.put("/services/s/routes/r", {"paths": ["/x"], "protocols": ["https"]})
    on_route = stored.post("/routes/r/plugins", {"name": NAME, "protocols": ["http"]})
    assert on_route.json()["fields"] == {"protocols": "must match the associated route's protocols"}
    assert stored.post("/routes/r/plugins", {"name": NAME, "protocols": ["http", "https"]}).status_code == 201
    plugin = stored.get("/services/s/plugins").json()["data"][0]["id"]
    on_service = stored.patch(f"/plugins/{plugin}", {"protocols": ["http"]})
    sentence = "must match the protocols of at least one route pointing to this Plugin's service"
    assert on_service.json()["fields"] == {"protocols": sentence}
    assert stored.patch(f"/plugins/{plugin}", {"protocols": ["https"]}).status_code == 200


def test_schemas_of_plugins(stored: Client) -> None:
    schema = stored.get(f"/schemas/plugins/{NAME}").json()
    assert stored.get(f"/plugins/schema/{NAME}").json() == schema
    (config,) = (field["config"] for field in schema["fields"] if "config" in field)
    assert {"minute": {"type": "integer", "description": "Requests a minute."}} in config["fields"]
    for path in ("/schemas/plugins/nope", "/plugins/schema/nope"):
        answer = stored.get(path)
        assert (answer.status_code, answer.json()) == (404, {"message": "No plugin named 'nope'"})


def test_validation_says_what_making_would_say(stored: Client) -> None:
    good = stored.post("/schemas/plugins/validate", {"name": NAME, "config": {"minute": 1}})
    assert (good.status_code, good.json()) == (200, {"message": "schema validation successful"})
    bad = {"name": NAME, "config": {"minute": "x"}}
    assert stored.post("/schemas/plugins/validate", bad).json() == stored.post("/plugins", bad).json()
