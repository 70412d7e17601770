"""Vault: a place of secrets, by whose prefix references name it. Source: Kong's Vault object."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from gateline.entities.constraints import Format, Matches, NotOneOf
from gateline.entities.fields import Tags
from gateline.entities.marks import Abstract, Unique
from gateline.entities.model import Entity, Opaque, Record
from gateline.entities.schema import Variant, field_of


class EnvConfig(Record):
    """The vault `env`: environment variables."""

    prefix: Annotated[
        Annotated[str, Matches("[A-Za-z_-][A-Za-z0-9_-]*", lua="^[%a_-][%a%d_-]*$")] | None,
        Field(description="What the names of variables begin with."),
    ] = None


VAULT_TYPES: Mapping[str, type[Record]] = {"env": EnvConfig}
"""Type of vault → what its `config` looks like."""

_VARIANTS = {name: Variant(fields={"config": field_of("config", config)}) for name, config in VAULT_TYPES.items()}


def _installed(name: str) -> str | None:
    return None if name in VAULT_TYPES else f"vault '{name}' is not installed"


class Vault(Entity):
    """A vault under a prefix of its own: `{vault://<prefix>/<resource>}`."""

    kind: ClassVar = "vaults"
    singular: ClassVar = "vault"
    endpoint_key: ClassVar = "prefix"

    prefix: Annotated[
        str,
        Unique(),
        Matches("[a-z][a-z0-9-]*[a-z0-9]", lua="^[a-z][a-z%d-]-[a-z%d]+$"),
        NotOneOf(tuple(VAULT_TYPES)),
        Field(description="By what references name it."),
    ]
    name: Annotated[
        str, Format(_installed, lambda: {"enum": list(VAULT_TYPES)}), Field(description="The type of vault: `env`.")
    ]
    description: Annotated[str | None, Field(description="What is in it.")] = None
    config: Annotated[Record, Abstract(), Field(description="What the type of vault needs to know.")]
    tags: Tags | None = None

    @classmethod
    def variant(cls, data: Mapping[str, Any]) -> Variant | None:
        """What `config` looks like for the type of vault."""
        name = data.get("name")
        return _VARIANTS.get(name) if isinstance(name, str) else None

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> Self:
        """A vault from its wire form. The configuration of an unknown type is kept as it is."""
        config: type[Record] = VAULT_TYPES.get(row.get("name", ""), Opaque)
        return super().from_wire({**row, "config": config.from_wire(row.get("config") or {})})
