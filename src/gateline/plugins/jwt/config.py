"""The configuration of `jwt`: Kong's fields, and what is beyond them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from gateline.pdk.authentication import AuthenticationConfig, Realm
from gateline.pdk.fields import (
    AsSet,
    Between,
    Check,
    Conditional,
    Contains,
    Custom,
    ExactlyOneOf,
    Field,
    Format,
    GreaterThan,
    HeaderName,
    MinLength,
    OneOf,
    Record,
    Url,
)
from gateline.pdk.jose import ASYMMETRIC, KeySet

__all__ = ["CHECKS", "ClaimRule", "Config", "Issuer"]

ClaimPath = Annotated[tuple[str, ...], MinLength(1)]
"""Where a claim is: its name, or the names that lead to it through objects."""


def _key_set(text: str) -> str | None:
    problem = KeySet.problem(text.encode("utf-8", "surrogatepass"))
    return f"not a set of keys: {problem}" if problem else None


class Issuer(Record):
    """An issuer whose tokens are taken, and who its tokens stand for."""

    issuer: Annotated[str, MinLength(1), Field(description="The claim `iss` of its tokens, to the letter.")]
    jwks_uri: Annotated[
        Url | None,
        Field(description="Where it publishes its keys. The node fetches them, not the request, and keeps them."),
    ] = None
    jwks: Annotated[
        Annotated[str, Format(_key_set)] | None,
        Field(description="Its keys themselves, a JSON Web Key Set as text, in place of `jwks_uri`."),
    ] = None
    jwks_refresh: Annotated[
        int, Between(10, 86400), Field(description="Seconds after which the keys are fetched again.")
    ] = 300
    ssl_verify: Annotated[bool, Field(description="Whether the certificate at `jwks_uri` must be a trusted one.")] = (
        True
    )
    algorithms: Annotated[
        tuple[Annotated[str, OneOf(ASYMMETRIC)], ...],
        AsSet(),
        MinLength(1),
        Field(description="The algorithms that its tokens may be signed with."),
    ] = ASYMMETRIC
    consumer_claim: Annotated[
        ClaimPath | None, Field(description="The claim that names the consumer; without it, tokens have none.")
    ] = None
    consumer_by: Annotated[
        tuple[Annotated[str, OneOf(("id", "username", "custom_id"))], ...],
        AsSet(),
        MinLength(1),
        Field(description="What that claim is of the consumer; the first that fits counts."),
    ] = ("custom_id",)
    consumer_optional: Annotated[
        bool, Field(description="Whether a token passes, without a consumer, when there is none of that name.")
    ] = False
    groups_claim: Annotated[
        ClaimPath | None, Field(description="The claim with the groups that `acl` goes by: an array, or words.")
    ] = None

    checks: ClassVar[tuple[Check, ...]] = (ExactlyOneOf(("jwks_uri", "jwks")),)


class ClaimRule(Record):
    """What a claim must be."""

    claim: Annotated[ClaimPath, Field(description="Where the claim is.")]
    values: Annotated[
        tuple[str, ...] | None,
        AsSet(),
        Field(description="It is one of these, or an array with one of these; without them, it must be there."),
    ] = None


def _repeated(values: Mapping[str, Any]) -> dict[str, Any] | None:
    names = [issuer.issuer for issuer in values["issuers"]]
    return {"issuers": "an issuer is there twice"} if len(set(names)) != len(names) else None


@dataclass(frozen=True, slots=True)
class _NullOrContains(Contains):
    """As Kong has it: what is not there is not looked at."""

    def refuse(self, value: Any) -> str | None:
        """What is wrong with the value, or None."""
        return None if value is None else Contains.refuse(self, value)


CHECKS: tuple[Check, ...] = (
    Conditional("config.maximum_expiration", GreaterThan(0), "config.claims_to_verify", _NullOrContains("exp")),
)
"""On the whole plugin entity."""


class Config(AuthenticationConfig):
    """Where tokens are looked for, what is verified of them, and whose are taken."""

    uri_param_names: Annotated[
        tuple[str, ...], AsSet(), Field(description="Query arguments that may hold the token.")
    ] = ("jwt",)
    cookie_names: Annotated[tuple[str, ...], AsSet(), Field(description="Cookies that may hold the token.")] = ()
    header_names: Annotated[
        tuple[HeaderName, ...], AsSet(), Field(description="Headers that may hold it, each as `Bearer <token>`.")
    ] = ("authorization",)
    key_claim_name: Annotated[
        str, Field(description="The claim, or field of the token's header, that names a consumer's credential.")
    ] = "iss"
    secret_is_base64: Annotated[
        bool, Field(description="Whether credentials' secrets are base64 of the real ones.")
    ] = False
    claims_to_verify: Annotated[
        tuple[Annotated[str, OneOf(("exp", "nbf"))], ...] | None,
        AsSet(),
        Field(description="Claims of time that must be there and hold. Those of issuers' tokens always are verified."),
    ] = None
    maximum_expiration: Annotated[
        float, Between(0, 31536000), Field(description="Seconds that a token may have left; 0: any number.")
    ] = 0
    run_on_preflight: Annotated[bool, Field(description="Whether OPTIONS requests need a token.")] = True
    realm: Realm = None
    clock_skew: Annotated[
        int, Between(0, 300), Field(description="Seconds by which the clocks of issuers may differ from this one.")
    ] = 0
    audience_required: Annotated[
        tuple[str, ...] | None,
        AsSet(),
        Field(description="One of these must be in `aud`: a token for another service is refused."),
    ] = None
    scopes_required: Annotated[
        tuple[str, ...] | None,
        AsSet(),
        Field(description="One of these must be granted; of several words in one, all of them."),
    ] = None
    scopes_claim: Annotated[ClaimPath, Field(description="The claim with the scopes: words, or an array.")] = ("scope",)
    claims_required: Annotated[tuple[ClaimRule, ...], Field(description="What else must be in the token.")] = ()
    issuers: Annotated[tuple[Issuer, ...], Field(description="Issuers, beside consumers, whose tokens are taken.")] = ()

    checks: ClassVar[tuple[Check, ...]] = (Custom(("issuers",), _repeated),)
