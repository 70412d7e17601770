"""A consumer's credential for tokens that it signs itself. Source: Kong's `jwt_secrets`."""

import secrets
import string
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from gateline.pdk.fields import (
    Auto,
    Check,
    Conditional,
    Constraint,
    Custom,
    Entity,
    Field,
    OneOf,
    Reference,
    Secret,
    Tags,
    There,
    To,
    Unique,
)
from gateline.pdk.jose import ALGORITHMS, ASYMMETRIC, UnusableKeyError, public_key

__all__ = ["JwtSecret"]

_ALPHABET = string.ascii_letters + string.digits


def _made_up() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))


def _unusable(values: Mapping[str, Any]) -> dict[str, Any] | None:
    if values["algorithm"] not in ASYMMETRIC:
        return None
    try:
        public_key(values["algorithm"], values["rsa_public_key"])
    except UnusableKeyError:
        return {
            "rsa_public_key": "invalid key",
            "@entity": ["failed conditional validation given value of field 'algorithm'"],
        }
    return None


_ASYMMETRIC: Constraint = OneOf(ASYMMETRIC)


class JwtSecret(Entity):
    """What a consumer's tokens are verified with."""

    kind: ClassVar = "jwt_secrets"
    singular: ClassVar = "jwt_secret"
    endpoint_key: ClassVar = "key"
    flat_path: ClassVar = "jwts"
    nested_path: ClassVar = "jwt"
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Whose tokens they are.")]
    key: Annotated[
        str, Unique(), Auto(_made_up), Field(description="What the tokens name it by; made up if it is left out.")
    ]
    secret: Annotated[
        str,
        Auto(_made_up),
        Secret(),
        Field(description="The secret that HS256, HS384 and HS512 sign with; made up if it is left out."),
    ]
    rsa_public_key: Annotated[
        str | None,
        Field(description="The public key of every other algorithm, whatever its name says, PEM. RSA from 2048 bits."),
    ] = None
    algorithm: Annotated[
        str, OneOf(ALGORITHMS), Field(description="What the tokens are signed with; one of another is refused.")
    ] = "HS256"
    tags: Tags | None = None

    checks: ClassVar[tuple[Check, ...]] = (
        Conditional("algorithm", _ASYMMETRIC, "rsa_public_key", There()),
        Custom(("algorithm", "rsa_public_key"), _unusable),
    )
