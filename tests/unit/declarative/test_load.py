"""Configurations that are right: what they become."""

import gc
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from gateline.declarative import DeclarativeError, Limits, dump, load_object, load_path, load_text, to_config_response
from gateline.entities import Reference, Route, Service, Snapshot


def load(text: str, **more: Any) -> Snapshot:
    return load_text(text, source="kong.yml", **more)


def named(snapshot: Snapshot) -> tuple[dict[str | None, Service], dict[str | None, Route]]:
    return (
        {service.name: service for service in snapshot.services.values()},
        {route.name: route for route in snapshot.routes.values()},
    )


def problems(caught: pytest.ExceptionInfo[DeclarativeError]) -> list[str]:
    return [str(problem) for problem in caught.value.problems]


def test_services_and_routes_stand_nested_or_flat() -> None:
    services, routes = named(
        load(
            """
            _format_version: "3.0"
            _comment: dropped
            _ignore: [anything, {at: all}]
            _transform: false
            services:
            - name: one
              url: http://one.test:81/x
              _comment: dropped
              _ignore: [dropped]
              routes:
              - {name: nested, paths: [/n], _comment: dropped}
            - {id: 5f1d7fbc-0000-4000-8000-000000000001, host: two.test}
            routes:
            - {name: by-name, paths: [/a], service: one}
            - {name: by-id, paths: [/b], service: 5F1D7FBC-0000-4000-8000-000000000001}
            - {name: by-object, paths: [/c], service: {id: 5f1d7fbc-0000-4000-8000-000000000001}}
            - {name: alone, paths: [/d], service: null}
            """
        )
    )
    one, two = services["one"], services[None]
    assert (one.host, one.port, one.path) == ("one.test", 81, "/x")
    assert {name: route.service for name, route in routes.items()} == {
        "nested": Reference(one.id),
        "by-name": Reference(one.id),
        "by-id": Reference(two.id),
        "by-object": Reference(two.id),
        "alone": None,
    }


@pytest.mark.parametrize("text", ['_format_version: "3.0"', '_format_version: "3.0"\nservices: []\nroutes: null'])
def test_an_empty_configuration_is_a_good_one(text: str) -> None:
    assert load(text) == Snapshot()


def test_ids_left_out_are_kongs_and_the_same_at_every_load() -> None:
    text = '{_format_version: "3.0", services: [{name: s, host: a.test, routes: [{name: r, paths: [/x]}]}]}'
    first, second = load(text), load(text.replace("a.test", "changed.test"))
    assert list(first.services) == list(second.services)
    assert list(first.routes) == list(second.routes)
    # the UUIDv5 of the name, in the UUIDv5 of the kind, in the namespace that Kong uses
    namespace = uuid5(UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5"), "services")
    assert list(first.services) == [str(uuid5(namespace, "s"))]


def test_entities_without_a_name_keep_their_ids_as_long_as_they_say_the_same() -> None:
    text = '{_format_version: "3.0", routes: [{paths: [/x]}, {paths: [/y]}, {paths: [/x]}]}'
    ids = list(load(text).routes)
    assert len(set(ids)) == 3
    assert list(load(text).routes) == ids
    swapped = '{_format_version: "3.0", routes: [{paths: [/y]}, {paths: [/x]}, {paths: [/z]}]}'
    assert list(load(swapped).routes)[:2] == [ids[1], ids[0]]


@pytest.mark.parametrize("version", ["1.1", "2.1"])
def test_older_formats_turn_paths_that_look_like_a_regex_into_regex_paths(version: str) -> None:
    text = f"""{{_format_version: "{version}", routes: [{{paths: ["/status/(re)", /plain, "/a b", /~x%20]}}]}}"""
    [route] = load(text).routes.values()
    assert route.paths == ("~/status/(re)", "/plain", "~/a b", "/~x%20")


def test_the_new_format_takes_paths_as_they_are() -> None:
    [route] = load('{_format_version: "3.0", routes: [{paths: ["/status/(re)", "~/x$"]}]}').routes.values()
    assert route.paths == ("/status/(re)", "~/x$")


def test_the_environment_fills_in_texts_numbers_and_booleans_of_files() -> None:
    environ = {"HOST": "a.test", "PORT": "8080", "ON": "false", "RETRIES": '{"n": 3}'}
    text = """
    _format_version: "3.0"
    services:
    - name: ${NAME:-fallback}
      host: ${HOST}
      port: ${PORT}
      enabled: ${ON}
      retries: "{vault://env/retries/n}"
      path: /$${x}
    """
    with pytest.raises(DeclarativeError):
        load(text, environ=environ)
    [service] = load(text.replace("$${x}", "y"), environ=environ).services.values()
    assert (service.name, service.host, service.port, service.enabled, service.retries) == (
        "fallback",
        "a.test",
        8080,
        False,
        3,
    )
    assert type(service.host) is str


def test_without_an_environment_texts_are_taken_literally() -> None:
    [route] = load('{_format_version: "3.0", routes: [{paths: ["/${HOME}"]}]}').routes.values()
    assert route.paths == ("/${HOME}",)


def test_a_value_of_the_environment_is_not_shown_in_an_error() -> None:
    with pytest.raises(DeclarativeError) as caught:
        load('{_format_version: "3.0", services: [{host: a.test, port: "${SECRET}"}]}', environ={"SECRET": "s3cret"})
    assert "s3cret" not in str(caught.value.body(flatten=True)) + str(problems(caught))
    assert problems(caught) == ['kong.yml:1: services[0] > port: expected an integer (found "${SECRET}")']


def test_the_hash_is_the_md5_of_the_text() -> None:
    text = '_format_version: "3.0"\n'
    expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert load(text).hash == load_text(text.encode(), source="x").hash == expected


def test_the_hash_of_an_object_does_not_depend_on_the_order_of_its_keys() -> None:
    one = load_object({"_format_version": "3.0", "services": []}, source="POST /config")
    other = load_object({"services": [], "_format_version": "3.0"}, source="POST /config")
    assert one.hash == other.hash != "0" * 32


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(DeclarativeError) as caught:
        load_object(value, source="POST /config")
    assert caught.value.fields == {"error": "failed parsing declarative configuration: expected an object"}
    assert caught.value.body()["code"] == 14


def test_an_object_that_is_nested_too_deeply_is_refused() -> None:
    value: Any = {}
    for _ in range(2000):
        value = {"a": value}
    with pytest.raises(DeclarativeError, match="nested deeper than 64 levels"):
        load_object(value, source="POST /config")


def test_entities_that_say_the_same_keep_their_times() -> None:
    text = '{_format_version: "3.0", services: [{name: a, host: a.test}, {name: b, host: b.test}]}'
    before = load(text, now=100)
    services, _ = named(load(text.replace("b.test", "c.test"), now=200, previous=before))
    assert (services["a"].created_at, services["a"].updated_at) == (100, 100)
    assert (services["b"].created_at, services["b"].updated_at) == (100, 200)
    assert load(text, now=300, previous=before) == before


def test_given_times_are_kept() -> None:
    [service] = load(
        '{_format_version: "3.0", services: [{host: a.test, created_at: 5, updated_at: 6}]}'
    ).services.values()
    assert (service.created_at, service.updated_at) == (5, 6)


def test_a_directory_is_read_file_by_file_as_one_configuration(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text('{_format_version: "3.0", routes: [{name: r, paths: [/x], service: s}]}')
    (tmp_path / "a.yml").write_text('{_format_version: "3.0", services: [{name: s, host: a.test}]}')
    (tmp_path / "c.json").write_text('{"_format_version": "1.1", "routes": [{"name": "old", "paths": ["/x+"]}]}')
    (tmp_path / ".hidden.yml").write_text("nonsense")
    (tmp_path / "notes.txt").write_text("nonsense")
    services, routes = named(load_path(tmp_path))
    assert routes["r"].service == Reference(services["s"].id)
    assert routes["old"].paths == ("~/x+",)


def test_errors_in_a_directory_name_the_file_and_the_place_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text('_format_version: "3.0"\nservices:\n- {name: s, host: a.test}\n- text\n')
    (tmp_path / "b.yml").write_text('_format_version: "3.0"\nservices:\n- {name: s, host: a.test}\n- {name: t}\n')
    with pytest.raises(DeclarativeError) as caught:
        load_path(tmp_path)
    repeated = "uniqueness violation: 'services' entity with name set to 's' already declared"
    assert problems(caught) == [
        f'{tmp_path}/a.yml:4: services[1]: expected a record (found "text")',
        f"{tmp_path}/b.yml:4: services[1] 't' > host: required field missing (found nothing)",
        f"{tmp_path}/b.yml:3: services[0] 's': {repeated}",
    ]
    assert caught.value.fields == {"services": [None, "expected a record", None, {"host": "required field missing"}]}


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(DeclarativeError, match=r"missing\.yml: No such file or directory"):
        load_path(tmp_path / "missing.yml")
    with pytest.raises(DeclarativeError, match="the directory holds no"):
        load_path(tmp_path)
    (tmp_path / "long.yml").write_text("# " + "x" * 200)
    with pytest.raises(DeclarativeError, match="larger than 100 bytes"):
        load_path(tmp_path, limits=Limits(size=100))


def test_a_file_is_hashed_like_its_text(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text('_format_version: "3.0"\n')
    assert load_path(file).hash == load(file.read_text()).hash


def test_a_flattened_error_shows_the_parent_and_is_taken_out_of_the_fields() -> None:
    with pytest.raises(DeclarativeError) as caught:
        load(
            '{_format_version: "3.0", services: [{id: 5f1d7fbc-0000-4000-8000-000000000001, name: s, host: h.test,'
            " routes: [{id: 5f1d7fbc-0000-4000-8000-000000000002, name: r, paths: [no-slash]}]}]}"
        )
    assert caught.value.body(flatten=True) == {
        "code": 14,
        "name": "invalid declarative configuration",
        "message": "declarative config is invalid: {}",
        "fields": {},
        "flattened_errors": [
            {
                "entity_type": "route",
                "entity_id": "5f1d7fbc-0000-4000-8000-000000000002",
                "entity_name": "r",
                "entity": {
                    "id": "5f1d7fbc-0000-4000-8000-000000000002",
                    "name": "r",
                    "paths": ["no-slash"],
                    "service": {"id": "5f1d7fbc-0000-4000-8000-000000000001"},
                },
                "errors": [
                    {
                        "type": "field",
                        "field": "paths.1",
                        "message": "should start with: / (fixed path) or ~/ (regex path)",
                    }
                ],
            }
        ],
    }
    assert "flattened_errors" not in caught.value.body()


def test_the_collector_of_garbage_works_on_after_a_load() -> None:
    assert gc.isenabled()
    load('_format_version: "3.0"')
    with pytest.raises(DeclarativeError):
        load("nonsense")
    assert gc.isenabled()


def test_a_dump_is_a_configuration_that_says_the_same() -> None:
    snapshot = load(
        """
        _format_version: "3.0"
        services:
        - {name: "yes", host: a.test, tags: [a b, "1", "no", "#x", 円, "a: b"]}
        routes:
        - name: "1"
          headers: {x: ["~*^a\\\\d$", "\\x7f", "tab\\t"]}
          paths: ["~/(?<n>x)$", "/{}"]
          service: "yes"
        - {protocols: [tcp], sources: [{ip: 10.0.0.1}, {port: 5}]}
        """
    )
    text = dump(snapshot)
    assert text.startswith('_format_version: "3.0"\n_transform: false\nservices:\n- id: ')
    assert load(text) == snapshot
    assert load_text(text, source="x", environ={}) == snapshot


def test_the_answer_to_a_load_holds_entities_by_kind_and_id() -> None:
    snapshot = load('{_format_version: "3.0", services: [{name: s, host: h.test}]}')
    [service] = snapshot.services.values()
    assert to_config_response(snapshot) == {"services": {service.id: service.to_wire()}}


def test_expressions_are_taken_in_their_flavour_only() -> None:
    text = '{_format_version: "3.0", routes: [{expression: http.path == "/", priority: 7}]}'
    with pytest.raises(DeclarativeError) as caught:
        load(text)
    assert caught.value.fields is not None
    assert caught.value.fields["routes"][0]["expression"] == "unknown field"
    snapshot = load(text, router_flavor="expressions")
    [route] = snapshot.routes.values()
    assert (route.expression, route.priority) == ('http.path == "/"', 7)
    assert load(dump(snapshot), router_flavor="expressions") == snapshot
