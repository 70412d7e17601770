"""Key: a public key, or a pair, in JWK or PEM form. Source: Kong's Key object."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.checks import AtLeastOneOf, AtMostOneOf, Check
from gateline.entities.constraints import Ref, Secret, To, Unique
from gateline.entities.fields import Tags
from gateline.entities.model import Entity, Record
from gateline.entities.schema import Reference


class PemPair(Record):
    """A pair of keys in PEM form."""

    private_key: Annotated[str | None, Ref(), Secret(), Field(description="The private key, PEM.")] = None
    public_key: Annotated[str | None, Ref(), Field(description="The public key, PEM.")] = None


class Key(Entity):
    """A key with an id by which tokens and messages name it."""

    kind: ClassVar = "keys"
    singular: ClassVar = "key"
    endpoint_key: ClassVar = "name"
    unique_together: ClassVar = (("kid", "set"),)

    set: Annotated[
        Reference | None, To("key_sets", on_delete="cascade"), Field(description="The set that it is in.")
    ] = None
    name: Annotated[Annotated[str, Unique()] | None, Field(description="A unique name.")] = None
    kid: Annotated[str, Field(description="The key's id, unique in its set.")]
    jwk: Annotated[str | None, Ref(), Secret(), Field(description="The key as a JWK, JSON in a text.")] = None
    pem: Annotated[PemPair | None, Field(description="The key in PEM form.")] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (AtMostOneOf(("jwk", "pem")), AtLeastOneOf(("jwk", "pem")))
