"""The plugin: whose signature it is, whether it is right, and whether it is of now."""

import hmac
from binascii import b2a_base64
from hashlib import sha256
from typing import Annotated, ClassVar

from gateline.pdk import Exchange, Identity
from gateline.pdk.authentication import (
    Authentication,
    AuthenticationConfig,
    Realm,
    Refusal,
    new_secret,
    wire_text,
)
from gateline.pdk.exchange import RequestView
from gateline.pdk.fields import AsSet, Auto, Entity, Field, GreaterThan, OneOf, Reference, Secret, Tags, To, Unique
from gateline.plugins.hmac_auth.dates import seconds_of
from gateline.plugins.hmac_auth.signature import ALGORITHMS, Signature

__all__ = ["Config", "HmacAuth", "HmacauthCredential"]

_NOTHING = Refusal("Unauthorized")
_NO_DATE = Refusal(
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication"
)
_UNVERIFIABLE = Refusal("HMAC signature cannot be verified")
_WRONG = Refusal("HMAC signature does not match")


class HmacauthCredential(Entity):
    """A consumer's name and the secret that its signatures are made with."""

    kind: ClassVar = "hmacauth_credentials"
    singular: ClassVar = "hmacauth_credential"
    endpoint_key: ClassVar = "username"
    flat_path: ClassVar = "hmac-auths"
    nested_path: ClassVar = "hmac-auth"
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Whose name it is.")]
    username: Annotated[str, Unique(), Field(description="The name that signatures carry.")]
    secret: Annotated[
        str,
        Auto(new_secret),
        Secret(),
        Field(description="What signatures are made with; made up if it is left out."),
    ]
    tags: Tags | None = None


class Config(AuthenticationConfig):
    """What has to be signed, how, and when."""

    hide_credentials: Annotated[bool, Field(description="Take the signature out of what the service gets.")] = False
    clock_skew: Annotated[
        float,
        GreaterThan(0),
        Field(description="Seconds by which the date of a request may differ from the time at the gateway."),
    ] = 300
    validate_request_body: Annotated[
        bool,
        Field(
            description="Compare the body with the `Digest` header (`SHA-256=` and base64). "
            "Have `digest` signed too: name it in `enforce_headers`."
        ),
    ] = False
    enforce_headers: Annotated[
        tuple[str, ...],
        AsSet(),
        Field(description="What a signature has to cover: header names, `@request-target`, `request-line`."),
    ] = ()
    algorithms: Annotated[
        tuple[Annotated[str, OneOf(tuple(ALGORITHMS))], ...],
        AsSet(),
        Field(description="The algorithms that are taken."),
    ] = tuple(ALGORITHMS)
    realm: Realm = None


class HmacAuth(Authentication[Config], name="hmac-auth", entities=(HmacauthCredential,)):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self.challenge = f'hmac realm="{config.realm}"' if config.realm else "hmac"
        self._find = self.node.credentials.find
        self._algorithms = frozenset(config.algorithms)
        self._enforced = frozenset(name.lower() for name in config.enforce_headers)

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the body is compared with its digest."""
        return self.config.validate_request_body and not self.passes(exchange)

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Read the signature, look its maker up and make it again."""
        request = exchange.request
        for_proxy, for_service = request.header("proxy-authorization"), request.header("authorization")
        if for_proxy is None and for_service is None:
            return _NOTHING
        x_date, date = self._timely(request, "x-date"), self._timely(request, "date")
        if not x_date and not date:
            return _NO_DATE
        name = "proxy-authorization"
        signature = Signature.read(for_proxy)
        if signature is None:
            name, signature = "authorization", Signature.read(for_service)
        if signature is None:
            return _UNVERIFIABLE
        if self.config.hide_credentials:
            exchange.service_request.remove_header(name)
        signed = signature.covers
        if not self._enforced <= signed or signature.algorithm not in self._algorithms:
            return _UNVERIFIABLE
        # A date that is signed is the one that counts: beside an old one, anybody can put a new one that is not signed.
        if ("x-date" in signed and not x_date) or ("date" in signed and not date):
            return _NO_DATE
        return self._identity(request, signature)

    def _identity(self, request: RequestView, signature: Signature) -> Identity | Refusal:
        username = wire_text(signature.username)
        found = self._find("hmacauth_credentials", "username", username)
        secret = found.fields.get("secret") if found else None
        if found is None or found.consumer is None or not secret:
            return _UNVERIFIABLE
        if not signature.fits(request, secret) or (self.config.validate_request_body and not _digested(request)):
            return _WRONG
        return found.identity(username)

    def _timely(self, request: RequestView, name: str) -> bool:
        values = request.header_values(name)
        if len(values) != 1:
            return False
        moment = seconds_of(values[0])
        return moment is not None and abs(self.node.time() - moment) <= self.config.clock_skew


def _digested(request: RequestView) -> bool:
    """Whether the body is the one that its digest is of; nothing needs none."""
    body = request.body or b""
    values = request.header_values("digest")
    if len(values) != 1:
        return not values and not body
    made = b"SHA-256=" + b2a_base64(sha256(body).digest(), newline=False)
    return hmac.compare_digest(made, values[0].encode("latin-1", "replace"))
