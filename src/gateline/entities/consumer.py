"""Consumer: someone, or some program, that uses services. Source: Kong's Consumer object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.checks import AtLeastOneOf, Check
from gateline.entities.fields import Tags
from gateline.entities.marks import Unique
from gateline.entities.model import Entity


class Consumer(Entity):
    """Who sends a request; credentials, limits and groups belong to it."""

    kind: ClassVar = "consumers"
    singular: ClassVar = "consumer"
    endpoint_key: ClassVar = "username"

    username: Annotated[Annotated[str, Unique()] | None, Field(description="A unique name.")] = None
    custom_id: Annotated[
        Annotated[str, Unique()] | None, Field(description="A unique id from elsewhere, such as a database of users.")
    ] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (AtLeastOneOf(("custom_id", "username")),)
