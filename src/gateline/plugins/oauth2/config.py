"""The configuration of oauth2."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar

from gateline.pdk.authentication import AuthenticationConfig, Realm, new_secret
from gateline.pdk.fields import (
    Auto,
    Between,
    Check,
    Conditional,
    Custom,
    Field,
    HeaderName,
    OneOf,
    Secret,
    There,
)

__all__ = ["CHECKS", "Config"]

_GRANTS = (
    "enable_authorization_code",
    "enable_implicit_grant",
    "enable_client_credentials",
    "enable_password_grant",
)


def _no_grant(values: Mapping[str, Any]) -> Mapping[str, str] | None:
    if any(getattr(values["config"], name) for name in _GRANTS):
        return None
    return {"config": f"at least one of these fields must be true: {', '.join(_GRANTS)}"}


CHECKS: tuple[Check, ...] = (Custom(("config",), _no_grant),)


class Config(AuthenticationConfig):
    """Which grants there are, and what tokens are like."""

    scopes: Annotated[tuple[str, ...] | None, Field(description="The scopes that clients may ask for.")] = None
    mandatory_scope: Annotated[bool, Field(description="Refuse requests for tokens without a scope.")] = False
    provision_key: Annotated[
        str | None,
        Auto(),
        Secret(),
        Field(
            description="What the page that asks users proves itself with, and whoever says that a user is "
            "authenticated; made up if it is left out, which in a file is at each load."
        ),
    ] = None
    token_expiration: Annotated[
        float, Field(description="Seconds that an access token is good for; 0 is for ever, without a refresh token.")
    ] = 7200
    enable_authorization_code: Annotated[bool, Field(description="Authorization codes (RFC 6749, 4.1).")] = False
    enable_implicit_grant: Annotated[
        bool, Field(description="Tokens in the fragment (RFC 6749, 4.2); better use codes with PKCE.")
    ] = False
    enable_client_credentials: Annotated[
        bool, Field(description="Tokens for clients themselves (RFC 6749, 4.4); confidential ones only.")
    ] = False
    enable_password_grant: Annotated[
        bool,
        Field(description="Tokens for whom somebody with the provision key has authenticated (RFC 6749, 4.3)."),
    ] = False
    hide_credentials: Annotated[bool, Field(description="Take the token out of what the service gets.")] = False
    accept_http_if_already_terminated: Annotated[
        bool,
        Field(
            description="Count a request as TLS when a trusted proxy (`trusted_ips`) says `X-Forwarded-Proto: https`."
        ),
    ] = False
    global_credentials: Annotated[
        bool,
        Field(description="Give and take tokens that are good at every service whose plugin has this set."),
    ] = False
    auth_header_name: Annotated[HeaderName, Field(description="The header that has the token.")] = "authorization"
    refresh_token_ttl: Annotated[
        float,
        Between(0, 100_000_000),
        Field(description="Seconds that a refresh token is good for, and its access token at most; 0 is for ever."),
    ] = 1_209_600
    reuse_refresh_token: Annotated[
        bool, Field(description="Keep the refresh token when it is used, instead of giving a new one.")
    ] = False
    pkce: Annotated[
        Annotated[str, OneOf(("none", "lax", "strict"))] | None,
        Field(
            description="Who needs PKCE: public clients (`lax`), all (`strict`), nobody (`none`). Whoever begins with "
            "it has to end with it in any case."
        ),
    ] = "lax"
    realm: Realm = None
    enable_introspection: Annotated[
        bool, Field(description="Tell confidential clients about tokens at `/oauth2/introspect` (RFC 7662).")
    ] = False
    enable_revocation: Annotated[
        bool, Field(description="Let clients give tokens back at `/oauth2/revoke` (RFC 7009).")
    ] = False

    checks: ClassVar[tuple[Check, ...]] = (Conditional("mandatory_scope", OneOf((True,)), "scopes", There()),)

    @classmethod
    def derive(cls, values: dict[str, Any], given: Collection[str]) -> None:  # noqa: ARG003
        """A provision key is made where none is given."""
        if values["provision_key"] is None:
            values["provision_key"] = new_secret()
