"""Target: one address behind an upstream. Source: Kong's Target object."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities import formats
from gateline.entities.constraints import Between, Format, Timestamp
from gateline.entities.fields import Tags
from gateline.entities.marks import Auto, BeyondKong, To
from gateline.entities.model import Entity
from gateline.entities.schema import Reference

_Seconds = Annotated[float, Timestamp(), Auto()]


class Target(Entity):
    """A host and port that takes a share of an upstream's requests."""

    kind: ClassVar = "targets"
    singular: ClassVar = "target"
    endpoint_key: ClassVar = "target"
    flat_path: ClassVar = None
    unique_together: ClassVar = (("upstream", "target"),)

    created_at: Annotated[_Seconds, Field(description="When the entity was made, in seconds since 1970.")]  # type: ignore[assignment]
    updated_at: Annotated[_Seconds, Field(description="When the entity was last changed, in seconds since 1970.")]  # type: ignore[assignment]
    upstream: Annotated[Reference, To("upstreams", on_delete="cascade"), Field(description="What it is part of.")]
    target: Annotated[
        str, Format(formats.target), Field(description="Host name or address, and a port; 8000 when there is none.")
    ]
    weight: Annotated[
        Annotated[int, Between(0, 65535)], Field(description="Its share of the requests; 0 takes it out.")
    ] = 100
    tags: Tags | None = None
    priority: Annotated[
        Annotated[int, Between(0, 127)] | None,
        BeyondKong(),
        Field(description="Targets with the lowest number come first, others take what those cannot; null: 0."),
    ] = None
    locality: Annotated[
        Annotated[str, Format(formats.tag)] | None,
        BeyondKong(),
        Field(description="Where it is, such as a zone: nodes of the same `locality` prefer it."),
    ] = None

    @classmethod
    def derive(cls, values: dict[str, Any], _given: Collection[str]) -> None:
        """Write the target in its normal form."""
        values["target"] = formats.target_with_port(values["target"])
