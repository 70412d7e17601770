"""Plugin: a feature that is switched on, for everything or for a service, route, consumer or group.

Source: Kong's Plugin object.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.constraints import Abstract, AsSet, To
from gateline.entities.fields import Name, Protocol, Tags
from gateline.entities.model import Entity, Record
from gateline.entities.schema import Reference


class Ordering(Record):
    """Which plugins this one runs before and after, by phase."""

    before: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Phase: plugins that run later.")] = None
    after: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Phase: plugins that run earlier.")] = None


class Plugin(Entity):
    """A plugin with its configuration and its scope."""

    kind: ClassVar = "plugins"
    singular: ClassVar = "plugin"
    endpoint_key: ClassVar = "instance_name"
    unique_together: ClassVar = (("name", "route", "service", "consumer", "consumer_group"),)

    name: Annotated[str, Field(description="Which plugin.")]
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
    ] = ("grpc", "grpcs", "http", "https")
    enabled: Annotated[bool, Field(description="Whether it runs.")] = True
    ordering: Annotated[Ordering | None, Field(description="Which plugins it runs before and after.")] = None
    tags: Tags | None = None
