"""Kong's schema language: a file's `Schema` validates a plugin's configuration in Kong's words."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateline.entities import EntityError, Plugin, kong_plugin_schema
from gateline.entities.json_schema import json_plugin_schema
from gateline.entities.plugin_configs import register, unregister
from gateline.pdk.kong.schema import KongSchemaError, config_from

Parse = Callable[[Any, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def parse() -> Iterator[Parse]:
    """The configuration that comes out of a schema and what a user wrote."""

    def parse(schema: Any, config: dict[str, Any]) -> dict[str, Any]:
        register("py-test", config_from(schema, "py-test"), priority=1, version="1")
        plugin = Plugin.parse({"name": "py-test", "config": config})
        assert Plugin.from_wire(plugin.to_wire()) == plugin
        return dict(plugin.to_wire()["config"])

    yield parse
    unregister("py-test")


def _field(**what: Any) -> Any:
    return ({"field": what},)


def test_what_is_left_out_has_its_default(parse: Parse) -> None:
    schema = (
        {"message": {"type": "string", "default": "hello"}},
        {"count": {"type": "integer"}},
        {"names": {"type": "set", "elements": {"type": "string"}, "default": ("a", "b")}},
        {"limits": {"type": "map", "keys": {"type": "string"}, "values": {"type": "number"}, "default": {"a": 1.5}}},
        {
            "server": {
                "type": "record",
                "required": True,
                "fields": [{"host": {"type": "string"}}, {"port": {"type": "integer", "default": 80}}],
            }
        },
        {"other": {"type": "record", "fields": [{"port": {"type": "integer", "default": 80}}]}},
    )
    assert parse(schema, {}) == {
        "message": "hello",
        "count": None,
        "names": ["a", "b"],
        "limits": {"a": 1.5},
        "server": {"host": None, "port": 80},
        "other": None,
    }
    assert parse(schema, {"other": {}, "message": None})["other"] == {"port": 80}


def test_without_a_schema_there_is_nothing_to_configure(parse: Parse) -> None:
    assert parse(None, {}) == {}
    with pytest.raises(EntityError, match="unknown field"):
        parse((), {"x": 1})


@pytest.mark.parametrize(
    ("what", "value", "error"),
    [
        ({"type": "string", "required": True}, None, "required field missing"),
        ({"type": "string"}, "", "length must be at least 1"),
        ({"type": "string"}, 1, "expected a string"),
        ({"type": "integer"}, 1.5, "expected an integer"),
        ({"type": "number"}, "1", "expected a number"),
        ({"type": "boolean"}, 1, "expected a boolean"),
        ({"type": "array", "elements": {"type": "string"}}, "a", "expected an array"),
        ({"type": "set", "elements": {"type": "integer"}}, [1, "x"], [None, "expected an integer"]),
        ({"type": "map", "keys": {"type": "string"}, "values": {"type": "string"}}, [], "expected a map"),
        ({"type": "string", "one_of": ["a", "b"]}, "c", "expected one of: a, b"),
        ({"type": "string", "not_one_of": ["a", "b"]}, "a", "must not be one of: a, b"),
        ({"type": "integer", "between": [1, 5]}, 6, "value should be between 1 and 5"),
        ({"type": "number", "gt": 0}, 0, "value must be greater than 0"),
        ({"type": "string", "len_min": 3}, "ab", "length must be at least 3"),
        ({"type": "string", "len_max": 3}, "abcd", "length must be at most 3"),
        ({"type": "string", "len_eq": 3}, "ab", "length must be 3"),
        ({"type": "array", "elements": {"type": "string"}, "len_max": 1}, ["a", "b"], "length must be at most 1"),
        ({"type": "string", "match": "^%d+$"}, "1a", "invalid value: 1a"),
        ({"type": "string", "not_match": "^%d+$"}, "12", "invalid value: 12"),
        ({"type": "string", "match_none": [{"pattern": "%s", "err": "no spaces"}]}, "a b", "no spaces"),
        ({"type": "string", "match_all": [{"pattern": "a"}, {"pattern": "b", "err": "no b"}]}, "a", "no b"),
        ({"type": "string", "match_any": {"patterns": ["^a", "^b"], "err": "a or b"}}, "c", "a or b"),
        ({"type": "string", "starts_with": "/"}, "a", "should start with: /"),
        ({"type": "set", "elements": {"type": "string"}, "contains": "x"}, ["y"], "expected to contain: x"),
        ({"type": "string", "is_regex": True}, "(", "not a valid regex: ("),
        ({"type": "string", "uuid": True}, "x", "expected a valid UUID"),
        ({"type": "integer", "timestamp": True}, -1, "expected a valid timestamp"),
        ({"type": "boolean", "eq": True}, False, "value must be true"),
        ({"type": "string", "ne": "x"}, "x", "value must not be x"),
        (
            {"type": "array", "elements": {"type": "string", "match": "^[^:]+:.*$"}},
            ["a:b", "c"],
            [None, "invalid value: c"],
        ),
        (
            {"type": "record", "fields": [{"a": {"type": "integer", "required": True}}]},
            {"b": 1},
            {"a": "required field missing", "b": "unknown field"},
        ),
        (
            {
                "type": "record",
                "fields": [{"a": {"type": "string"}}, {"b": {"type": "string"}}],
                "entity_checks": [{"at_least_one_of": ["a", "b"]}],
            },
            {},
            {"@entity": ["at least one of these fields must be non-empty: 'a', 'b'"]},
        ),
    ],
)
def test_a_wrong_value_is_refused_in_kongs_words(parse: Parse, what: Any, value: Any, error: Any) -> None:
    with pytest.raises(EntityError) as caught:
        parse(_field(**what), {"field": value})
    assert caught.value.fields == {"config": {"field": error}}


def test_texts_may_be_empty_where_the_schema_says_so(parse: Parse) -> None:
    assert parse(_field(type="string", len_min=0), {"field": ""}) == {"field": ""}


def test_references_to_secrets_pass_where_they_may(parse: Parse) -> None:
    schema = _field(type="string", referenceable=True, encrypted=True, match="^s3")
    assert parse(schema, {"field": "{vault://env/key}"}) == {"field": "{vault://env/key}"}
    assert "s3cret" not in repr(Plugin.parse({"name": "py-test", "config": {"field": "s3cret"}}))


def test_automatic_values_are_made_up(parse: Parse) -> None:
    schema = ({"a": {"type": "string", "uuid": True, "auto": True}}, {"b": {"type": "integer", "auto": True}})
    made = parse(schema, {})
    assert len(made["a"]) == 36
    assert made["b"] > 1_600_000_000
    assert parse(schema, {"b": 1})["b"] == 1


def test_names_that_python_has_for_other_things_are_fields_all_the_same(parse: Parse) -> None:
    names = ["schema", "json", "copy", "class", "header-name", "config", "model_name", "id"]
    schema = [{name: {"type": "string"}} for name in names]
    config = {name: f"value of {name}" for name in names}
    assert parse(schema, config) == config


def test_the_schema_is_shown_as_it_was_written(parse: Parse) -> None:
    what = {
        "type": "string",
        "required": True,
        "default": "a1",
        "match": "^a",
        "len_max": 5,
        "description": "A word.",
    }
    parse((*_field(**what), {"list": {"type": "array", "elements": {"type": "string", "one_of": ["x"]}}}), {})
    config = next(entry["config"] for entry in (kong_plugin_schema("py-test") or {})["fields"] if "config" in entry)
    assert config["fields"] == [
        {"field": what},
        {"list": {"type": "array", "elements": {"type": "string", "one_of": ["x"]}}},
    ]
    described = (json_plugin_schema("py-test", mode="create") or {})["properties"]["field"]
    assert (described["maxLength"], described["default"]) == (5, "a1")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("text", "Schema: expected a sequence"),
        ([{"a": {"type": "string"}, "b": {"type": "string"}}], "one key"),
        (["a"], "one key"),
        ([{"a": "string"}], r"Schema\.a: expected a mapping"),
        ([{"a": {}}], "the type None"),
        ([{"a": {"type": "foreign"}}], "the type 'foreign'"),
        ([{"a": {"type": "array"}}], "needs 'elements'"),
        ([{"a": {"type": "map", "keys": {"type": "string"}}}], "needs 'values'"),
        ([{"a": {"type": "string", "custom_validator": len}}], "'custom_validator' is not one that is understood"),
        ([{"a": {"type": "string", "lenmin": 1}}], "'lenmin' is not one that is understood"),
        ([{"a": {"type": "string", "between": [1, 2]}}], "'between' does not go with the type string"),
        ([{"a": {"type": "integer", "between": 1}}], r"Schema\.a\.between: 1 is not what it takes"),
        ([{"a": {"type": "integer", "default": "x"}}], "the default 'x' is not valid: expected an integer"),
        ([{"a": {"type": "string", "match": "%b()"}}], r"Schema\.a\.match: .*linear"),
        ([{"a": {"type": "record", "fields": [{"b": {"type": "x"}}]}}], r"Schema\.a\.b: the type 'x'"),
        ([{"a": {"type": "record", "fields": [], "entity_checks": [{"x": []}]}}], "the entity check 'x'"),
        ([{"_a": {"type": "string"}}], "cannot have this name"),
        ([{"a": {"type": "string"}}, {"a": {"type": "string"}}], "there twice"),
    ],
)
def test_a_schema_that_is_not_understood_is_refused_with_its_place(schema: Any, why: str) -> None:
    with pytest.raises(KongSchemaError, match=why):
        config_from(schema, "py-test")
