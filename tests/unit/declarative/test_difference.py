"""What changes between two configurations, which part of one is meant, and which entity is which."""

from typing import Any

import pytest

from gateline.declarative import difference, load_object, matched, select, tagged
from gateline.entities import Entity, Plugin, Reference, Route, Service, Snapshot
from gateline.entities.plugin_configs import PluginType

ID = "5f1d7fbc-0000-4000-8000-000000000001"


def load(*, now: int = 100, **kinds: Any) -> Snapshot:
    return load_object({"_format_version": "3.0", **kinds}, source="x", now=now)


def stored(*entities: Entity) -> Snapshot:
    """A configuration as a store has it."""
    kinds: dict[str, dict[str, Entity]] = {}
    for entity in entities:
        kinds.setdefault(entity.kind, {})[entity.id] = entity
    return Snapshot(hash="0" * 32, **kinds)


def test_nothing_changes_between_equal_configurations() -> None:
    one = load(services=[{"name": "s", "host": "a.test"}], now=1)
    other = load(services=[{"name": "s", "host": "a.test"}], now=2)
    assert not difference(one, other)


def test_parents_are_created_first_and_deleted_last(limit: PluginType) -> None:
    plugin = {"name": "limit", "config": {"minute": 1}}
    service = {"name": "s", "host": "a.test", "routes": [{"name": "r", "paths": ["/"], "plugins": [plugin]}]}
    full, empty = load(services=[service]), load()
    assert [entity.kind for entity in difference(empty, full).created] == ["services", "routes", "plugins"]
    gone = difference(full, empty)
    assert [entity.kind for entity in gone.deleted] == ["plugins", "routes", "services"]
    assert gone


def test_a_change_is_told_field_by_field(limit: PluginType) -> None:
    def configuration(minute: int, host: str | None, password: str | None, names: list[str], now: int) -> Snapshot:
        config = {"minute": minute, "names": names, "server": {"host": host, "password": password}}
        return load(plugins=[{"name": "limit", "config": config}], now=now)

    old = configuration(1, None, "old", ["a"], 100)
    new = configuration(2, "a.test", "new", ["a", "b"], 200)
    [changed] = difference(old, new).changed
    assert [(change.field, change.before, change.after) for change in changed.fields] == [
        ("config.minute", 1, 2),
        ("config.names", ["a"], ["a", "b"]),
        ("config.server.host", None, "a.test"),
        ("config.server.password", "old", "new"),
    ]
    assert changed.fields[3].shown() == ("******", "******")
    assert changed.fields[2].shown() == (None, "a.test")
    assert (changed.after.created_at, changed.after.updated_at) == (100, 200)


def test_a_reference_that_changes_is_told_by_id() -> None:
    services = [{"name": "a", "host": "a.test"}, {"name": "b", "host": "b.test"}]
    old = load(services=services, routes=[{"name": "r", "paths": ["/"], "service": "a"}])
    new = load(services=services, routes=[{"name": "r", "paths": ["/"], "service": "b"}])
    [changed] = difference(old, new).changed
    ids = {service.name: {"id": service.id} for service in old.services.values()}
    assert [(change.before, change.after) for change in changed.fields] == [(ids["a"], ids["b"])]


def test_the_part_with_certain_tags_is_selected_and_memberships_with_it() -> None:
    snapshot = load(
        services=[
            {"name": "one", "host": "a.test", "tags": ["x", "y"], "routes": [{"name": "r", "paths": ["/"]}]},
            {"name": "two", "host": "a.test", "tags": ["x"]},
        ],
        consumers=[{"username": "bob", "tags": ["x"], "groups": ["gold", "silver"]}],
        consumer_groups=[{"name": "gold", "tags": ["x"]}, {"name": "silver"}],
    )
    assert select(snapshot, []) is snapshot
    assert {service.name for service in select(snapshot, ["x"]).services.values()} == {"one", "two"}
    assert {service.name for service in select(snapshot, ["y", "x"]).services.values()} == {"one"}
    assert not select(snapshot, ["x"]).routes
    assert len(select(snapshot, ["x"]).kind("consumer_group_consumers")) == 1
    assert select(snapshot, ["z"]) == Snapshot()


def test_a_selected_part_gets_its_tags() -> None:
    snapshot = load(services=[{"name": "s", "host": "a.test", "tags": ["own"], "routes": [{"paths": ["/"]}]}])
    with_tags = tagged(snapshot, ["team", "own"])
    [service], [route] = with_tags.services.values(), with_tags.routes.values()
    assert (service.tags, route.tags) == (("own", "team"), ("team", "own"))
    assert tagged(snapshot, []) is snapshot


def test_what_a_file_names_is_the_stored_entity_of_that_name(limit: PluginType) -> None:
    service = Service.parse({"name": "s", "host": "a.test"})
    route = Route.parse({"name": "r", "paths": ["/"], "service": {"id": service.id}})
    plugin = Plugin.parse({"name": "limit", "config": {"minute": 1}, "route": {"id": route.id}})
    wanted = {"name": "limit", "config": {"minute": 2}}
    file = load(
        services=[{"name": "s", "host": "a.test", "routes": [{"name": "r", "paths": ["/"], "plugins": [wanted]}]}]
    )
    old = stored(service, route, plugin)
    changes = difference(old, matched(old, file))
    assert not (changes.created)
    assert not (changes.deleted)
    [changed] = changes.changed
    assert (changed.before.id, [change.field for change in changed.fields]) == (plugin.id, ["config.minute"])


def test_what_has_no_name_is_the_stored_entity_that_says_the_same() -> None:
    service = Service.parse({"name": "s", "host": "a.test"})
    same, other = (Route.parse({"paths": [path], "service": {"id": service.id}}) for path in ("/same", "/other"))
    old = stored(service, same, other)
    file = load(services=[{"name": "s", "host": "a.test", "routes": [{"paths": ["/same"]}, {"paths": ["/new"]}]}])
    changes = difference(old, matched(old, file))
    assert [entity.id for entity in changes.deleted] == [other.id]
    [created] = changes.created
    assert isinstance(created, Route)
    assert (created.paths, created.service) == (("/new",), Reference(service.id))


@pytest.mark.parametrize("identity", [None, ID])
def test_an_id_that_a_file_gives_stays(identity: str | None) -> None:
    old = stored(Service.parse({"name": "s", "host": "a.test"}))
    given = {"id": identity} if identity else {}
    new = matched(old, load(services=[{"name": "s", "host": "a.test", **given}]))
    changes = difference(old, new)
    assert bool(changes) is (identity is not None)
    assert [entity.id for entity in changes.created] == ([ID] if identity else [])


def test_two_entities_do_not_take_over_one_id() -> None:
    route = Route.parse({"paths": ["/"]})
    old = stored(route)
    new = matched(old, load(routes=[{"paths": ["/"]}, {"paths": ["/"]}]))
    assert len(new.routes) == 2
    assert [entity.kind for entity in difference(old, new).created] == ["routes"]
