"""Plugin: a feature that is switched on, for everything or for a service, route, consumer or group.

Source: Kong's Plugin object.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from gateline.entities.checks import Custom
from gateline.entities.constraints import Format, OneOf
from gateline.entities.fields import Name, Protocol, Tags
from gateline.entities.marks import Abstract, AsSet, To
from gateline.entities.model import Entity, Opaque, Record
from gateline.entities.plugin_configs import HTTP_PROTOCOLS, plugin_type, plugin_types
from gateline.entities.schema import Reference, Variant

NOT_WITH_ROUTE = "must match the associated route's protocols"
NOT_WITH_SERVICE = "must match the protocols of at least one route pointing to this Plugin's service"


def _enabled(name: str) -> str | None:
    if plugin_type(name):
        return None
    return f"plugin '{name}' not enabled; add it to the 'plugins' configuration property"


PHASES = ("certificate", "rewrite", "access", "response", "header_filter", "body_filter", "log")
Phase = Annotated[str, OneOf(PHASES)]


class Ordering(Record):
    """Which plugins this one runs before and after, by phase."""

    before: Annotated[dict[Phase, tuple[str, ...]] | None, Field(description="Phase: plugins that run later.")] = None
    after: Annotated[dict[Phase, tuple[str, ...]] | None, Field(description="Phase: plugins that run earlier.")] = None


def _impossible_ordering(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Violations for what cannot be: before itself, or both before and after another one."""
    ordering = values["ordering"]
    if ordering is None:
        return None
    before, after = ordering.before or {}, ordering.after or {}
    for side, phases in (("before", before), ("after", after)):
        for phase, names in phases.items():
            if values["name"] in names:
                return {"ordering": {side: {phase: f"a plugin cannot run {side} itself"}}}
    for phase, names in before.items():
        both = next((name for name in names if name in after.get(phase, ())), None)
        if both is not None:
            return {"ordering": {"before": {phase: f"'{both}' stands under 'after' as well"}}}
    return None


class Plugin(Entity):
    """A plugin with its configuration and its scope."""

    kind: ClassVar = "plugins"
    singular: ClassVar = "plugin"
    endpoint_key: ClassVar = "instance_name"
    checks: ClassVar = (Custom(("name", "ordering"), _impossible_ordering),)
    unique_together: ClassVar = (("name", "route", "service", "consumer", "consumer_group"),)

    name: Annotated[
        str,
        Format(_enabled, lambda: {"enum": list(plugin_types())} if plugin_types() else {}),
        Field(description="Which plugin."),
    ]
    instance_name: Annotated[Name | None, Field(description="A unique name for this use of the plugin.")] = None
    route: Annotated[
        Reference | None, To("routes", on_delete="cascade"), Field(description="Run for this route only.")
    ] = None
    service: Annotated[
        Reference | None, To("services", on_delete="cascade"), Field(description="Run for this service only.")
    ] = None
    consumer: Annotated[
        Reference | None, To("consumers", on_delete="cascade"), Field(description="Run for this consumer only.")
    ] = None
    consumer_group: Annotated[
        Reference | None,
        To("consumer_groups", on_delete="cascade"),
        Field(description="Run for consumers in this group only."),
    ] = None
    config: Annotated[Record, Abstract(), Field(description="What the plugin needs to know.")]
    protocols: Annotated[
        tuple[Protocol, ...], AsSet(), Field(description="Run for requests of these protocols only.")
    ] = HTTP_PROTOCOLS
    enabled: Annotated[bool, Field(description="Whether it runs.")] = True
    ordering: Annotated[Ordering | None, Field(description="Which plugins it runs before and after.")] = None
    tags: Tags | None = None

    @classmethod
    def variant(cls, data: Mapping[str, Any]) -> Variant | None:
        """What the plugin's own declaration says: its configuration, protocols and scopes."""
        known = plugin_type(data.get("name"))
        return known.variant if known else None

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> Self:
        """A plugin from its wire form. The configuration of one that is not registered is kept as it is."""
        known = plugin_type(row.get("name"))
        config: type[Record] = known.config if known else Opaque
        return super().from_wire({**row, "config": config.from_wire(row.get("config") or {})})


def protocols_problem(
    plugin: Plugin, route_protocols: Collection[str] | None, service_protocols: Collection[Collection[str]]
) -> str | None:
    """What is wrong with a plugin's `protocols` beside those of its route, or of the routes of its service.

    `route_protocols` is None for a plugin without a route.
    """
    if route_protocols is not None:
        return None if set(plugin.protocols) & set(route_protocols) else NOT_WITH_ROUTE
    if service_protocols and all(set(plugin.protocols).isdisjoint(protocols) for protocols in service_protocols):
        return NOT_WITH_SERVICE
    return None
