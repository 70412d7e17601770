"""Key set: keys that belong together. Source: Kong's Key Set object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.fields import Tags
from gateline.entities.marks import Unique
from gateline.entities.model import Entity


class KeySet(Entity):
    """A named set of keys."""

    kind: ClassVar = "key_sets"
    singular: ClassVar = "key_set"
    endpoint_key: ClassVar = "name"
    flat_path: ClassVar = "key-sets"

    name: Annotated[Annotated[str, Unique()] | None, Field(description="A unique name.")] = None
    tags: Tags | None = None
