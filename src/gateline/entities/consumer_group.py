"""Consumer groups: consumers that plugins treat alike. Source: the ConsumerGroup object of Kong's documentation."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.fields import Tags
from gateline.entities.marks import To, Unique
from gateline.entities.model import Entity
from gateline.entities.schema import Reference


class ConsumerGroup(Entity):
    """A group of consumers; plugins may be put on it."""

    kind: ClassVar = "consumer_groups"
    singular: ClassVar = "consumer_group"
    endpoint_key: ClassVar = "name"

    name: Annotated[str, Unique(), Field(description="A unique name.")]
    tags: Tags | None = None


class ConsumerGroupMember(Entity):
    """One consumer's being in one group."""

    kind: ClassVar = "consumer_group_consumers"
    singular: ClassVar = "consumer_group_consumer"
    flat_path: ClassVar = None
    unique_together: ClassVar = (("consumer_group", "consumer"),)

    consumer_group: Annotated[
        Reference,
        To("consumer_groups", on_delete="cascade", nests=False, ties="consumers"),
        Field(description="The group."),
    ]
    consumer: Annotated[
        Reference,
        To("consumers", on_delete="cascade", nests=False, ties="groups"),
        Field(description="The consumer in it."),
    ]
