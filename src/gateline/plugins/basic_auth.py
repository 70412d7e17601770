"""basic-auth: a user name and a password in the Authorization header say which consumer sends a request (RFC 7617)."""

import hmac
from binascii import a2b_base64
from collections.abc import Collection
from hashlib import sha1
from typing import Annotated, Any, ClassVar

from gateline.pdk import Exchange, Identity
from gateline.pdk.authentication import Authentication, AuthenticationConfig, Refusal
from gateline.pdk.fields import Entity, Field, Reference, Secret, Tags, To, Unique

__all__ = ["BasicAuth", "BasicauthCredential", "Config"]

_REFUSED = Refusal("Unauthorized")
_NOBODY = "0" * 40
_SHA1 = sha1(usedforsecurity=False)
"""To be copied: OpenSSL looks the function up anew for each that is made."""


def password_hash(password: str, consumer: str) -> str:
    """The form in which a consumer's password is kept, which is Kong's: databases and files of it can be taken over."""
    salted = password.encode("utf-8", "surrogateescape") + consumer.encode()
    made = _SHA1.copy()
    made.update(salted)
    return made.hexdigest()


class BasicauthCredential(Entity):
    """A consumer's user name and password."""

    kind: ClassVar = "basicauth_credentials"
    singular: ClassVar = "basicauth_credential"
    endpoint_key: ClassVar = "username"
    flat_path: ClassVar = "basic-auths"
    nested_path: ClassVar = "basic-auth"
    sealed: ClassVar = True
    not_shown: ClassVar = frozenset({"updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Whose name it is.")]
    username: Annotated[str, Unique(), Field(description="The user name, which may not hold a colon.")]
    password: Annotated[str, Secret(), Field(description="The password; what is shown is its hash.")]
    tags: Tags | None = None

    @classmethod
    def derive_linked(cls, values: dict[str, Any], given: Collection[str]) -> None:
        """A password that is written is hashed."""
        if "password" in given:
            values["password"] = password_hash(values["password"], values["consumer"].id)


class Config(AuthenticationConfig):
    """What the client is told, and what becomes of requests without credentials."""

    hide_credentials: Annotated[bool, Field(description="Take the credentials out of what the service gets.")] = False
    realm: Annotated[str, Field(description="What `WWW-Authenticate` calls the protected place.")] = "service"


class BasicAuth(Authentication[Config], name="basic-auth", entities=(BasicauthCredential,)):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self.challenge = f'Basic realm="{config.realm}"'
        self._find = self.node.credentials.finder("basicauth_credentials", "username")

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Look the user name up and compare the passwords."""
        for header in ("proxy-authorization", "authorization"):
            given = _credentials(exchange.request.header(header))
            if given is not None:
                if self.config.hide_credentials:
                    exchange.service_request.remove_header(header)
                return self._identity(*given)
        return _REFUSED

    def _identity(self, username: str, password: str) -> Identity | Refusal:
        found = self._find(username)
        consumer = found.consumer if found else None
        # Whether there is such a user must not show in the time that it takes.
        wanted = found.fields.get("password", _NOBODY) if found else _NOBODY
        given = password_hash(password, consumer.id if consumer else _NOBODY)
        if hmac.compare_digest(given.encode(), wanted.encode()) and found is not None and consumer is not None:
            return found.identity(username)
        return _REFUSED


def _credentials(header: str | None) -> tuple[str, str] | None:
    """User name and password of a header; None where it holds none."""
    if header is None:
        return None
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = a2b_base64(encoded.strip(), strict_mode=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return None
    username, colon, password = decoded.partition(":")
    return (username, password) if colon and username and password else None
