"""A new kind of entity is one class: validation, references, wire form and registry follow from its declaration."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest

from gateline.entities import (
    Entity,
    EntityError,
    Record,
    Reference,
    children,
    entity_class,
    foreign_fields,
    kinds,
    unique_fields,
)
from gateline.entities.checks import AllOrNoneOf, AtMostOneOf, Check, Conditional, Distinct, ExactlyOneOf, There
from gateline.entities.constraints import Between, GreaterThan, MinLength, NotOneOf, OneOf
from gateline.entities.fields import Name, Port, Tags
from gateline.entities.marks import AsSet, To
from gateline.entities.schema import FOREIGN_MODELS


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
