"""Key: a public key, or a pair, in JWK or PEM form. Source: Kong's Key object."""

import json
from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities import x509
from gateline.entities.checks import AtLeastOneOf, AtMostOneOf, Check, Custom, Values
from gateline.entities.constraints import Format
from gateline.entities.fields import Tags
from gateline.entities.jwk import problem as jwk_problem
from gateline.entities.marks import Ref, Secret, To, Unique
from gateline.entities.model import Entity, Record
from gateline.entities.references import is_reference
from gateline.entities.schema import Reference


class PemPair(Record):
    """A pair of keys in PEM form."""

    private_key: Annotated[
        Annotated[str, Ref(), Secret(), Format(x509.private_key)] | None, Field(description="The private key, PEM.")
    ] = None
    public_key: Annotated[
        Annotated[str, Ref(), Format(x509.public_key)] | None, Field(description="The public key, PEM.")
    ] = None


def _wrong_key(values: Values) -> str | None:
    jwk, pem = values["jwk"], values["pem"]
    if jwk is not None and not is_reference(jwk):
        return _wrong_jwk(jwk, values["kid"])
    if pem is not None and pem.private_key is None and pem.public_key is None:
        return "need to supply a PEM formatted public and/or private key."
    return None


def _wrong_jwk(text: str, kid: str) -> str | None:
    try:
        jwk = json.loads(text)
    except (ValueError, RecursionError):
        return "could not json decode jwk string"
    if not isinstance(jwk, dict):
        return "could not json decode jwk string"
    if jwk.get("kid") != kid:
        return "kid in jwk.kid must be equal to keys.kid"
    problem = jwk_problem(jwk)
    return f"could not load JWK: {problem}" if problem else None


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
    jwk: Annotated[
        Annotated[str, Ref(), Secret()] | None, Field(description="The key as a JWK (RFC 7517), JSON in a text.")
    ] = None
    pem: Annotated[PemPair | None, Field(description="The key in PEM form.")] = None
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (
        AtMostOneOf(("jwk", "pem")),
        AtLeastOneOf(("jwk", "pem")),
        Custom(("jwk", "pem", "kid"), _wrong_key),
    )
