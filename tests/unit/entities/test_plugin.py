"""Plugins: the configuration is that of the plugin that the name says."""

from typing import Any

import pytest

from gateline.entities import Plugin, plugin
from gateline.entities.plugin_configs import PluginType, plugin_type, plugin_types, register, unregister
from gateline.pdk import PHASES
from unit.entities.limit_plugin import LimitConfig
from unit.entities.refusing import fields_of, patch_fields_of

ID = "5f1d7fbc-0000-4000-8000-000000000001"
NO_LIMIT = "at least one of these fields must be non-empty: 'config.minute', 'config.hour'"


def test_a_plugin_gets_the_defaults_of_its_configuration(limit: PluginType) -> None:
    made = Plugin.parse({"name": "limit", "config": {"minute": 5}})
    assert isinstance(made.config, LimitConfig)
    wire = made.to_wire()
    assert wire["config"] == {
        "minute": 5,
        "hour": None,
        "limit_by": "ip",
        "header_name": None,
        "names": ["apikey"],
        "headers": None,
        "server": {"host": None, "password": None},
    }
    assert (wire["protocols"], wire["enabled"], wire["service"]) == (["grpc", "grpcs", "http", "https"], True, None)
    assert Plugin.from_wire(wire) == made


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"name": None}, {"name": "required field missing"}),
        ({"config": {"minute": 5, "x": 1}}, {"config": {"x": "unknown field"}}),
        ({"config": {"minute": 0}}, {"config": {"minute": "value should be between 1 and 1000"}}),
        ({"config": {"minute": 5, "names": 5}}, {"config": {"names": "expected a set"}}),
        ({"config": []}, {"config": "expected a record", "@entity": [NO_LIMIT]}),
        ({}, {"@entity": [NO_LIMIT]}),
        (
            {"config": {"hour": 1, "limit_by": "header"}},
            {
                "config": {
                    "header_name": "required field missing",
                    "@entity": ["failed conditional validation given value of field 'limit_by'"],
                }
            },
        ),
        ({"config": {"hour": 1}, "consumer": {"id": ID}}, {"consumer": "value must be null"}),
        (
            {"config": {"hour": 1}, "protocols": ["tcp"]},
            {"protocols": ["expected one of: grpc, grpcs, http, https"]},
        ),
    ],
)
def test_what_is_refused(limit: PluginType, data: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(Plugin, {"name": "limit", **data}) == fields


@pytest.mark.parametrize("config", [{}, {"anything": 1}])
def test_an_unknown_plugin_is_refused_and_its_configuration_not_looked_at(config: dict[str, Any]) -> None:
    sentence = "plugin 'nope' not enabled; add it to the 'plugins' configuration property"
    assert fields_of(Plugin, {"name": "nope", "config": config}) == {"name": sentence}


def test_a_configuration_is_merged_by_a_change(limit: PluginType) -> None:
    before = Plugin.parse({"name": "limit", "config": {"minute": 5, "server": {"host": "a.test", "password": "x"}}})
    after = Plugin.patched(before.to_wire(), {"config": {"hour": 7, "names": ["a"], "server": {"password": None}}})
    assert after.config == LimitConfig(minute=5, hour=7, names=("a",), server={"host": "a.test"})  # type: ignore[arg-type]
    assert patch_fields_of(before, {"config": {"names": None}}) == {"config": {"names": "required field missing"}}
    assert patch_fields_of(before, {"config": {"minute": None}}) == {"@entity": [f"when updating, {NO_LIMIT}"]}


def test_a_configuration_of_a_plugin_that_is_gone_is_kept(limit: PluginType) -> None:
    wire = Plugin.parse({"name": "limit", "config": {"minute": 5}}).to_wire()
    unregister("limit")
    gone = Plugin.from_wire(wire)
    assert gone.to_wire() == wire
    assert Plugin.from_wire(wire) == gone


def test_plugins_are_known_by_name_and_the_last_one_wins(limit: PluginType) -> None:
    assert plugin_type("limit") is limit
    assert (limit.priority, limit.version, limit.forbidden) == (910, "1.0.0", frozenset({"consumer"}))
    assert plugin_type(["limit"]) is None
    again = register("limit", LimitConfig, priority=1, version="2", protocols=("http",))
    assert plugin_types()["limit"] is again
    assert Plugin.parse({"name": "limit"}).protocols == ("http",)


@pytest.mark.parametrize(
    ("protocols", "of_route", "of_service", "sentence"),
    [
        (["http"], ["https", "http"], [], None),
        (["http"], ["https"], [], plugin.NOT_WITH_ROUTE),
        (["http"], None, [], None),
        (["http"], None, [["https"], ["http"]], None),
        (["http"], None, [["https"], ["grpc"]], plugin.NOT_WITH_SERVICE),
    ],
)
def test_protocols_must_be_those_of_what_the_plugin_is_on(
    limit: PluginType, protocols: list[str], of_route: Any, of_service: Any, sentence: str | None
) -> None:
    made = Plugin.parse({"name": "limit", "config": {"minute": 5}, "protocols": protocols})
    assert plugin.protocols_problem(made, of_route, of_service) == sentence


def test_an_order_is_kept_as_it_was_given(limit: PluginType) -> None:
    ordering = {"before": {"access": ["acl", "cors"]}, "after": None}
    made = Plugin.parse({"name": "limit", "config": {"minute": 5}, "ordering": ordering})
    assert made.to_wire()["ordering"] == ordering
    assert Plugin.from_wire(made.to_wire()) == made


@pytest.mark.parametrize(
    ("ordering", "fields"),
    [
        ({"before": {"lunch": ["acl"]}}, {"before": f"expected one of: {', '.join(plugin.PHASES)}"}),
        ({"before": {"access": "acl"}}, {"before": "expected an array"}),
        ({"during": {}}, {"during": "unknown field"}),
        ({"before": {"access": ["acl", "limit"]}}, {"before": {"access": "a plugin cannot run before itself"}}),
        ({"after": {"log": ["limit"]}}, {"after": {"log": "a plugin cannot run after itself"}}),
        (
            {"before": {"access": ["acl"]}, "after": {"access": ["cors", "acl"]}},
            {"before": {"access": "'acl' stands under 'after' as well"}},
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused(limit: PluginType, ordering: Any, fields: Any) -> None:
    data = {"name": "limit", "config": {"minute": 5}, "ordering": ordering}
    assert fields_of(Plugin, data) == {"ordering": fields}


def test_other_phases_may_be_ordered_in_the_other_way(limit: PluginType) -> None:
    ordering = {"before": {"access": ["acl"]}, "after": {"log": ["acl"]}}
    assert Plugin.parse({"name": "limit", "config": {"minute": 5}, "ordering": ordering}).ordering is not None


def test_the_phases_are_those_of_plugins() -> None:
    assert plugin.PHASES == PHASES


def test_it_is_unique_by_name_and_scope_and_goes_with_its_scope() -> None:
    assert Plugin.unique_together == (("name", "route", "service", "consumer", "consumer_group"),)
