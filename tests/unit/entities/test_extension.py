"""A new kind of entity is one class: validation, references, wire form and registry follow from its declaration."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, ClassVar

import pytest

from gateline.declarative import DeclarativeError, difference, load_object
from gateline.entities import (
    Entity,
    EntityError,
    Plugin,
    Record,
    Reference,
    children,
    entity_class,
    foreign_fields,
    kinds,
    kong_plugin_schema,
    unique_fields,
)
from gateline.entities.checks import AllOrNoneOf, AtMostOneOf, Check, Conditional, Distinct, ExactlyOneOf, There
from gateline.entities.constraints import Between, GreaterThan, MinLength, NotOneOf, OneOf
from gateline.entities.fields import Name, Port, Tags
from gateline.entities.marks import AsSet, Auto, Ref, Secret, To
from gateline.entities.plugin_configs import register, unregister
from gateline.entities.schema import FOREIGN_MODELS
from gateline.entities.shorthand import old_name
from unit.entities.refusing import fields_of as refused_fields


class Probe(Record):
    path: str = "/"
    timeout: Annotated[float, GreaterThan(0)] = 1.0
    statuses: Annotated[tuple[Annotated[int, Between(100, 999)], ...], AsSet()] = (200, 302)


class Checks(Record):
    active: Probe
    threshold: Annotated[float, Between(0, 100)] = 0.0


@pytest.fixture(scope="module")
def pool() -> Iterator[type[Entity]]:
    class Pool(Entity):
        """A kind that the product does not have."""

        kind: ClassVar = "pools"
        singular: ClassVar = "pool"
        endpoint_key: ClassVar = "label"

        label: Name
        algorithm: Annotated[str, OneOf(("robin", "hash"))] = "robin"
        hash_on: str | None = None
        one: str | None = None
        other: Annotated[str | None, MinLength(0)] = None
        prefix: Annotated[str, NotOneOf(("env",))] = "x"
        ports: dict[str, Port] | None = None
        checks_of: Checks
        service: Annotated[Reference, To("services", on_delete="cascade")]
        tags: Tags | None = None

        checks: ClassVar[tuple[Check, ...]] = (
            Conditional("algorithm", OneOf(("hash",)), "hash_on", There()),
            AtMostOneOf(("one", "other")),
            Distinct(("hash_on", "one")),
            AllOrNoneOf(("one", "hash_on")),
            ExactlyOneOf(("label", "other")),
        )

    yield Pool
    del FOREIGN_MODELS["pools"]


SERVICE = {"id": "5f1d7fbc-0000-4000-8000-000000000001"}


def fields_of(pool: type[Entity], data: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(EntityError) as caught:
        pool.parse(data)
    return dict(caught.value.fields or {})


def test_it_is_registered_after_what_it_points_to(pool: type[Entity]) -> None:
    assert entity_class("pools") is pool
    assert list(kinds()).index("services") < list(kinds()).index("pools")
    assert ("pools", "service") in children("services")
    assert [field.field for field in foreign_fields("pools")] == ["service"]
    assert unique_fields("pools") == ("label",)


def test_records_left_out_get_the_defaults_of_their_fields(pool: type[Entity]) -> None:
    entity = pool.parse({"label": "a", "service": SERVICE})
    wire = entity.to_wire()
    assert wire["checks_of"] == {
        "active": {"path": "/", "timeout": 1.0, "statuses": [200, 302]},
        "threshold": 0.0,
    }
    assert pool.from_wire(wire) == entity
    assert entity.endpoint_value == "a"


def test_violations_inside_of_records_are_told_by_their_path(pool: type[Entity]) -> None:
    data = {"label": "a", "service": SERVICE, "checks_of": {"active": {"timeout": 0, "statuses": [1]}, "nope": 1}}
    assert fields_of(pool, data) == {
        "checks_of": {
            "active": {
                "timeout": "value must be greater than 0",
                "statuses": ["value should be between 100 and 999"],
            },
            "nope": "unknown field",
        }
    }
    with pytest.raises(EntityError, match=r"3 schema violations \(checks_of\.active\.statuses\.1: value should"):
        pool.parse(data)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"service": None}, {"service": "required field missing"}),
        ({"prefix": "env"}, {"prefix": "must not be one of: env"}),
        ({"ports": {"a": 65536}}, {"ports": "value should be between 0 and 65535"}),
        ({"ports": {"a": None}}, {"ports": "required field missing"}),
        ({"checks_of": []}, {"checks_of": "expected a record"}),
        ({"checks_of": None}, {"checks_of": "required field missing"}),
        ({"checks_of": {"threshold": "x"}}, {"checks_of": {"threshold": "expected a number"}}),
        (
            {"algorithm": "hash"},
            {
                "hash_on": "required field missing",
                "@entity": ["failed conditional validation given value of field 'algorithm'"],
            },
        ),
        (
            {"one": "x", "other": "y", "hash_on": "x"},
            {
                "@entity": [
                    "only one or none of these fields must be set: 'one', 'other'",
                    "values of these fields must be distinct: 'hash_on', 'one'",
                    "exactly one of these fields must be non-empty: 'label', 'other'",
                ]
            },
        ),
        ({"one": "x"}, {"@entity": ["all or none of these fields must be set: 'one', 'hash_on'"]}),
    ],
)
def test_checks_and_types_speak_kongs_words(pool: type[Entity], data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(pool, {"label": "a", "service": SERVICE, **data}) == fields


def test_a_field_of_two_types_is_refused_when_it_is_declared() -> None:
    with pytest.raises(TypeError, match="a field has one type"):

        class Two(Record):
            value: int | str


def test_a_model_can_be_made_directly_and_is_validated_the_same_way() -> None:
    with pytest.raises(ValueError, match=r"statuses\.1: value should be between 100 and 999"):
        Probe(statuses=(1,))
    assert Probe(path="/x").statuses == (200, 302)
    assert Probe.model_json_schema()["properties"]["path"]["default"] == "/"


class Cache(Record):
    host: Annotated[str | None, Ref()] = None
    port: Port = 6379
    password: Annotated[str | None, Secret(), MinLength(3)] = None


class CountingConfig(Record):
    cache: Cache

    shorthands: ClassVar = {
        "cache_host": old_name("cache.host"),
        "cache_port": old_name("cache.port", int),
        "cache_password": old_name("cache.password"),
    }


@pytest.fixture(scope="module")
def counting() -> Iterator[None]:
    register("counting", CountingConfig, priority=1, version="1")
    yield
    unregister("counting")


def test_an_old_name_of_a_field_is_taken_and_shown_beside_the_new_one(counting: None) -> None:
    plugin = Plugin.parse({"name": "counting", "config": {"cache_host": "r.test", "cache_port": 6380}})
    shown = {
        "cache": {"host": "r.test", "port": 6380, "password": None},
        "cache_host": "r.test",
        "cache_port": 6380,
        "cache_password": None,
    }
    assert plugin.to_wire()["config"] == shown
    assert Plugin.from_wire(plugin.to_wire()) == Plugin.parse(plugin.to_wire()) == plugin
    changed = Plugin.patched(plugin.to_wire(), {"config": {"cache": {"host": "new.test"}}})
    assert changed.to_wire()["config"]["cache_host"] == "new.test"
    again = Plugin.patched(changed.to_wire(), {"config": {"cache_host": "newer.test"}})
    assert again.to_wire()["config"]["cache"] == {"host": "newer.test", "port": 6380, "password": None}


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"cache_port": "x"}, {"cache_port": "expected an integer"}),
        ({"cache_port": 65536}, {"cache": {"port": "value should be between 0 and 65535"}}),
        ({"cache_host": ""}, {"cache_host": "length must be at least 1"}),
    ],
)
def test_an_old_name_is_checked_as_the_new_one(counting: None, config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert refused_fields(Plugin, {"name": "counting", "config": config}) == {"config": fields}


def test_a_null_under_an_old_name_says_nothing(counting: None) -> None:
    plugin = Plugin.parse({"name": "counting", "config": {"cache_host": None, "cache": {"host": "r.test"}}})
    assert plugin.to_wire()["config"]["cache_host"] == "r.test"


def test_a_secret_is_one_under_its_old_name_too(counting: None) -> None:
    document = {"_format_version": "3.0", "plugins": [{"name": "counting", "config": {"cache_password": "s3cret"}}]}
    old = load_object(document, source="x")
    document["plugins"][0]["config"]["cache_password"] = "other"  # type: ignore[index]
    [changed] = difference(old, load_object(document, source="x")).changed
    assert [(change.field, change.shown()) for change in changed.fields] == [
        ("config.cache.password", ("******", "******"))
    ]
    document["plugins"][0]["config"]["cache_password"] = ["s3cret"]  # type: ignore[index]
    with pytest.raises(DeclarativeError) as caught:
        load_object(document, source="x")
    assert [problem.found for problem in caught.value.problems] == ["******"]


def test_an_old_name_stands_in_kongs_schema(counting: None) -> None:
    [_, protocols_and_config] = [*(kong_plugin_schema("counting") or {})["fields"]][::-1]
    [host, *_] = protocols_and_config["config"]["shorthand_fields"]
    assert host == {
        "cache_host": {
            "type": "string",
            "translate_backwards": ["cache", "host"],
            "deprecation": {"replaced_with": [{"path": ["cache", "host"]}]},
        }
    }


@pytest.fixture(scope="module")
def token() -> Iterator[type[Entity]]:
    class Token(Entity):
        """A kind with values that are made up, and others that are kept in another form than they are given."""

        kind: ClassVar = "tokens"
        singular: ClassVar = "token"
        flat_path: ClassVar = "access-tokens"

        key: Annotated[Annotated[str, Auto(lambda: "made")] | None, Secret()] = None
        password: str

        @classmethod
        def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:
            if "password" in given:
                values["password"] = values["password"][::-1]

    yield Token
    del FOREIGN_MODELS["tokens"]


def test_values_are_made_up_where_they_are_left_out(token: Any) -> None:
    assert token.parse({"password": "abc"}).key == "made"
    assert token.parse({"password": "abc", "key": "own"}).key == "own"
    assert (token.flat_path, token.nested_path) == ("access-tokens", "access-tokens")


def test_values_that_are_kept_in_another_form_are_transformed_when_they_are_given(token: Any) -> None:
    made = token.parse({"password": "abc"})
    assert made.password == "cba"
    assert token.patched(made.to_wire(), {"key": "x"}).password == "cba"
    assert token.patched(made.to_wire(), {"password": "xyz"}).password == "zyx"


def test_a_file_may_say_that_its_values_are_transformed_already(token: Any) -> None:
    for transform, kept in ((None, "cba"), (True, "cba"), (False, "abc")):
        document = {"_format_version": "3.0", "_transform": transform, "tokens": [{"password": "abc"}]}
        [made] = load_object(document, source="x").kind("tokens").values()
        assert made.to_wire()["password"] == kept
