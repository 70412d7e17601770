"""Consumers, groups, and who is in which."""

from typing import Any

import pytest

from gateline.entities import Consumer, ConsumerGroup, ConsumerGroupMember, Entity, unique_fields
from unit.entities.refusing import fields_of, patch_fields_of

ID = "5f1d7fbc-0000-4000-8000-000000000001"
NAMELESS = "at least one of these fields must be non-empty: 'custom_id', 'username'"


def test_a_consumer_has_a_name_an_id_from_elsewhere_or_both() -> None:
    assert Consumer.parse({"custom_id": "7"}).username is None
    consumer = Consumer.parse({"username": "a b", "custom_id": "007", "tags": ["x"]})
    assert (consumer.username, consumer.custom_id, consumer.tags) == ("a b", "007", ("x",))
    assert consumer.endpoint_value == "a b"
    assert unique_fields("consumers") == ("username", "custom_id")


@pytest.mark.parametrize(
    ("entity", "data", "fields"),
    [
        (Consumer, {}, {"@entity": [NAMELESS]}),
        (Consumer, {"username": None}, {"@entity": [NAMELESS]}),
        (Consumer, {"username": "bob", "groups": ["x"]}, {"groups": "unknown field"}),
        (Consumer, {"username": ""}, {"username": "length must be at least 1", "@entity": [NAMELESS]}),
        (Consumer, {"username": "a\0b"}, {"username": "must not have a NUL character"}),
        (Consumer, {"username": "é\0"}, {"username": "must not have a NUL character"}),
        (ConsumerGroup, {}, {"name": "required field missing"}),
        (ConsumerGroupMember, {"consumer": {"id": ID}}, {"consumer_group": "required field missing"}),
    ],
)
def test_what_is_refused(entity: type[Entity], data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(entity, data) == fields


def test_a_change_may_not_leave_a_consumer_without_any_name() -> None:
    consumer = Consumer.parse({"username": "bob"})
    assert patch_fields_of(consumer, {"username": None}) == {"@entity": [f"when updating, {NAMELESS}"]}


def test_a_membership_has_no_path_of_its_own() -> None:
    member = ConsumerGroupMember.parse({"consumer": {"id": ID}, "consumer_group": {"id": ID}})
    assert member.to_wire()["consumer"] == {"id": ID}
    assert ConsumerGroupMember.flat_path is None
    assert ConsumerGroupMember.unique_together == (("consumer_group", "consumer"),)
