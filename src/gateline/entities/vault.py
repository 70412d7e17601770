"""Vault: a place of secrets, by whose prefix references name it. Source: Kong's Vault object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.constraints import Abstract, Matches, NotOneOf, Unique
from gateline.entities.fields import Tags
from gateline.entities.model import Entity, Record


class EnvConfig(Record):
    """The vault `env`: environment variables."""

    prefix: Annotated[
        Annotated[str, Matches("[A-Za-z_-][A-Za-z0-9_-]*", lua="^[%a_-][%a%d_-]*$")] | None,
        Field(description="What the names of variables begin with."),
    ] = None


class Vault(Entity):
    """A vault under a prefix of its own: `{vault://<prefix>/<resource>}`."""

    kind: ClassVar = "vaults"
    singular: ClassVar = "vault"
    endpoint_key: ClassVar = "prefix"

    prefix: Annotated[
        str,
        Unique(),
        Matches("[a-z][a-z0-9-]*[a-z0-9]", lua="^[a-z][a-z%d-]-[a-z%d]+$"),
        NotOneOf(("env",)),
        Field(description="By what references name it."),
    ]
    name: Annotated[str, Field(description="The type of vault: `env`.")]
    description: Annotated[str | None, Field(description="What is in it.")] = None
    config: Annotated[Record, Abstract(), Field(description="What the type of vault needs to know.")]
    tags: Tags | None = None
