"""PATCH and PUT: what an entity is after them."""

from typing import Any

import pytest

from gateline.entities import EntityError, Route, Service
from unit.entities.refusing import patch_fields_of

SERVICE = Service.parse({"name": "s", "url": "https://h.test:81/p", "retries": 2, "tags": ["t"]}, now=100)
ROUTE = Route.parse({"name": "r", "paths": ["/a"], "headers": {"a": ["1"], "b": ["2"]}}, now=100)


def test_a_change_touches_only_what_it_names() -> None:
    changed = Service.patched(SERVICE.to_wire(), {"retries": 0}, now=200)
    assert changed.to_wire() == {**SERVICE.to_wire(), "retries": 0, "updated_at": 200}


def test_no_change_is_one_as_well() -> None:
    assert Service.patched(SERVICE.to_wire(), {}, now=200).to_wire() == {**SERVICE.to_wire(), "updated_at": 200}


def test_lists_and_maps_are_replaced() -> None:
    changed = Route.patched(ROUTE.to_wire(), {"paths": ["/b"], "headers": {"c": ["3"]}, "tags": ["x"]})
    assert (changed.paths, changed.headers, changed.tags) == (("/b",), {"c": ("3",)}, ("x",))


def test_a_null_takes_a_field_back() -> None:
    changed = Service.patched(SERVICE.to_wire(), {"path": None, "tags": None, "retries": None})
    assert (changed.path, changed.tags, changed.retries) == (None, None, 5)


def test_a_shorthand_stands_for_its_fields() -> None:
    changed = Service.patched(SERVICE.to_wire(), {"url": "http://new.test"})
    assert (changed.protocol, changed.host, changed.port, changed.path) == ("http", "new.test", 80, None)
    assert patch_fields_of(SERVICE, {"url": 5}) == {"url": "expected a string"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"port": None}, {"port": "required field missing"}),
        ({"host": None, "nope": 1}, {"host": "required field missing", "nope": "unknown field"}),
        ({"id": "5f1d7fbc-0000-4000-8000-000000000001"}, {"id": "immutable field cannot be updated"}),
        ({"id": "x"}, {"id": "expected a valid UUID"}),
        ({"id": None}, {"id": "required field missing"}),
        (
            {"protocol": "tcp"},
            {
                "path": "value must be null",
                "@entity": ["failed conditional validation given value of field 'protocol'"],
            },
        ),
    ],
)
def test_what_a_change_may_not_do(changes: dict[str, Any], fields: dict[str, Any]) -> None:
    assert patch_fields_of(SERVICE, changes) == fields


def test_its_own_id_may_be_named() -> None:
    assert Service.patched(SERVICE.to_wire(), {"id": SERVICE.id.upper()}).id == SERVICE.id


def test_a_change_may_not_leave_a_route_with_nothing_to_match_on() -> None:
    route = Route.parse({"paths": ["/a"]})
    assert patch_fields_of(route, {"paths": None}) == {
        "@entity": ["must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"]
    }


def test_a_row_of_another_flavour_or_an_older_release_can_be_changed() -> None:
    route = Route.parse({"expression": "http.port == 80", "priority": 3}, router_flavor="expressions")
    row = {**route.to_wire(), "paths": ["/x"], "strip_path": None, "gone": 1}
    changed = Route.patched(row, {"name": "r"})
    assert (changed.name, changed.expression, changed.strip_path) == ("r", None, True)


def test_a_replacement_keeps_id_and_birth_and_nothing_else() -> None:
    replaced = Service.replaced(SERVICE.to_wire(), {"name": "s", "host": "new.test", "id": ROUTE.id}, now=200)
    assert replaced == Service.parse({"id": SERVICE.id, "name": "s", "host": "new.test", "created_at": 100}, now=200)
    with pytest.raises(EntityError, match="host: required field missing"):
        Service.replaced(SERVICE.to_wire(), {"name": "s"})
