"""What the plugin brings: applications, the codes that they are given, and their tokens."""

import time
from collections.abc import Collection
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from gateline.pdk.authentication import new_secret
from gateline.pdk.fields import (
    Auto,
    Entity,
    Expiring,
    Field,
    Format,
    OneOf,
    Reference,
    Secret,
    Tags,
    To,
    Unique,
)
from gateline.plugins.oauth2.secret import hashed, is_hashed

__all__ = ["CODES", "CREDENTIALS", "TOKENS", "Oauth2AuthorizationCode", "Oauth2Credential", "Oauth2Token"]

CREDENTIALS, CODES, TOKENS = "oauth2_credentials", "oauth2_authorization_codes", "oauth2_tokens"

_Service = Annotated[
    Reference | None,
    To("services", on_delete="cascade"),
    Field(description="The service where it is good; without one, wherever `global_credentials` is on."),
]
_Credential = Annotated[
    Reference, To("oauth2_credentials", on_delete="cascade"), Field(description="The application that has it.")
]


def _header_text(value: str) -> str | None:
    """A text that can be a header."""
    return None if value.isprintable() else "cannot hold control characters"


_User = Annotated[Annotated[str, Format(_header_text)] | None, Field(description="The user who has allowed it.")]
_Scope = Annotated[
    Annotated[str, Format(_header_text)] | None,
    Field(description="The scopes that it is good for, with spaces between them."),
]


def _redirect_uri(value: str) -> str | None:
    """An absolute URI without a fragment."""
    try:
        parts = urlsplit(value)
        whole = bool(parts.scheme and parts.hostname) and value.isprintable() and " " not in value
    except ValueError:
        whole = False
    if not whole:
        return f"cannot parse '{value}'"
    return f"fragment not allowed in '{value}'" if "#" in value else None


class Oauth2Credential(Entity):
    """An application of a consumer."""

    kind: ClassVar = CREDENTIALS
    singular: ClassVar = "oauth2_credential"
    endpoint_key: ClassVar = "client_id"
    flat_path: ClassVar = "oauth2"
    nested_path: ClassVar = "oauth2"
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Whose application it is.")]
    name: Annotated[str, Field(description="What it is called.")]
    client_id: Annotated[str, Unique(), Auto(new_secret), Field(description="Its id; made up if it is left out.")]
    client_secret: Annotated[
        str, Auto(new_secret), Secret(), Field(description="Its secret; made up if it is left out.")
    ]
    hash_secret: Annotated[
        bool, Field(description="Keep a hash of the secret (PBKDF2), which is what is shown from then on.")
    ] = False
    redirect_uris: Annotated[
        tuple[Annotated[str, Format(_redirect_uri)], ...] | None,
        Field(
            description="Where users may be sent with a code or token: these texts and no others. The first is usual."
        ),
    ] = None
    client_type: Annotated[
        str,
        OneOf(("confidential", "public")),
        Field(description="`public` for one that cannot keep a secret: it has none, and needs PKCE."),
    ] = "confidential"
    tags: Tags | None = None

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """A secret that is to be hashed is, once."""
        if values["hash_secret"] and not {"hash_secret", "client_secret"}.isdisjoint(given):
            secret = values["client_secret"] or new_secret()
            values["client_secret"] = secret if is_hashed(secret) else hashed(secret)


class Oauth2AuthorizationCode(Expiring):
    """A code that an application exchanges for a token."""

    kind: ClassVar = CODES
    singular: ClassVar = "oauth2_authorization_code"
    passing: ClassVar = True
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"expires_at", "redirect_uri", "updated_at"})

    service: _Service = None
    credential: _Credential
    code: Annotated[str, Unique(), Auto(new_secret), Secret(compared=True), Field(description="The code.")]
    authenticated_userid: _User = None
    scope: _Scope = None
    challenge: Annotated[str | None, Field(description="What the application's verifier hashes to (PKCE).")] = None
    challenge_method: Annotated[Annotated[str, OneOf(("S256",))] | None, Field(description="How it is hashed.")] = None
    redirect_uri: Annotated[str | None, Field(description="Where the code was sent.")] = None


class Oauth2Token(Expiring):
    """An access token and its refresh token."""

    kind: ClassVar = TOKENS
    singular: ClassVar = "oauth2_token"
    endpoint_key: ClassVar = "access_token"
    passing: ClassVar = True
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"expires_at", "updated_at", "valid_until"})

    service: _Service = None
    credential: _Credential
    token_type: Annotated[str, OneOf(("bearer",)), Field(description="How it is used (RFC 6750).")] = "bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds that it is good for from `created_at` on; 0 is for ever.")]
    access_token: Annotated[
        str, Unique(), Auto(new_secret), Secret(compared=True), Field(description="The token; made if it is left out.")
    ]
    refresh_token: Annotated[
        str | None, Unique(), Secret(compared=True), Field(description="What a new one can be had for.")
    ] = None
    authenticated_userid: _User = None
    scope: _Scope = None
    valid_until: Annotated[
        float | None, Field(description="When it is no longer good, in seconds since 1970; follows from `expires_in`.")
    ] = None

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """The end of the access token follows from its age."""
        super().derive(values, given)
        created, lasts = values["created_at"] or int(time.time()), values["expires_in"]
        values["valid_until"] = float(created + lasts) if lasts > 0 else None
