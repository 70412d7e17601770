"""The plugin, its configuration and what it brings."""

from typing import Annotated, ClassVar

from gateline.pdk import Exchange
from gateline.pdk.authentication import Authentication, AuthenticationConfig, Realm, new_secret
from gateline.pdk.fields import AsSet, Auto, Entity, Field, GreaterThan, OneOf, Reference, Secret, Tags, To, Unique
from gateline.plugins.hmac_auth.signature import ALGORITHMS
from gateline.plugins.hmac_auth.verifying import Verifier

__all__ = ["Config", "HmacAuth", "HmacauthCredential"]


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
        verifier = Verifier(
            self.node,
            algorithms=frozenset(config.algorithms),
            enforced=frozenset(name.lower() for name in config.enforce_headers),
            skew=config.clock_skew,
            hides=config.hide_credentials,
            digests=config.validate_request_body,
        )
        self.identify = verifier.identify  # type: ignore[method-assign]

    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the body is compared with its digest."""
        return self.config.validate_request_body and not self.passes(exchange)
