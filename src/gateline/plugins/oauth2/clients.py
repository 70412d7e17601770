"""Applications: who asks at an endpoint, and whether that is proved (RFC 6749, 2.3)."""

import asyncio
import hmac
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import unquote_plus

from gateline.pdk.node import Entities, Found
from gateline.plugins.oauth2.entities import CREDENTIALS
from gateline.plugins.oauth2.errors import invalid_client, invalid_request
from gateline.plugins.oauth2.parameters import Parameters
from gateline.plugins.oauth2.secret import Verified, verify

__all__ = ["Client", "Clients"]


class Client(NamedTuple):
    """An application."""

    id: str
    client_id: str
    secret: str
    secret_is_hashed: bool
    public: bool
    redirect_uris: tuple[str, ...] | None

    @classmethod
    def of(cls, found: Found) -> "Client":
        """The one that an entity is."""
        fields = found.fields
        uris = fields.get("redirect_uris")
        return cls(
            found.id,
            fields["client_id"],
            fields.get("client_secret") or "",
            bool(fields.get("hash_secret")),
            fields.get("client_type") == "public",
            None if uris is None else tuple(uris),
        )

    @property
    def type(self) -> str:
        """The word for what it is."""
        return "public" if self.public else "confidential"


class Clients:
    """The applications that there are."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._verified = Verified()

    def find(self, client_id: str | None) -> Client | None:
        """The application with an id, if its consumer is there."""
        found = self._entities.find(CREDENTIALS, "client_id", client_id) if client_id else None
        return None if found is None or found.consumer is None else Client.of(found)

    async def authenticated(self, parameters: Parameters, header: str | None) -> Client:
        """The application that proves who it is: in the parameters, or in the Authorization header. A public one has
        nothing to prove it with, and only says it. Raises OAuthError."""
        client_id, secret = parameters.text("client_id"), parameters.text("client_secret")
        if client_id is not None and secret is not None:
            return await self._proved([(client_id, secret)], by_header=False)
        if header is not None:
            return await self._proved(_basic(header), by_header=True)
        return await self._proved([(client_id or "", "")], by_header=False)

    async def _proved(self, claims: list[tuple[str, str]], *, by_header: bool) -> Client:
        for client_id, secret in claims:
            client = self.find(client_id)
            if client is None:
                continue
            if client.public:
                if secret.strip():
                    raise invalid_request("client_secret is disallowed for public clients")
                return client
            if await self._is_secret(client, secret):
                return client
        raise invalid_client(by_header=by_header)

    async def _is_secret(self, client: Client, secret: str) -> bool:
        kept = client.secret
        if not kept or not secret:
            return False
        if not client.secret_is_hashed:
            given = secret.encode("utf-8", "surrogatepass")
            return hmac.compare_digest(given, kept.encode("utf-8", "surrogatepass"))
        if self._verified.knows(secret, kept):
            return True
        right = await asyncio.to_thread(verify, secret, kept)
        if right:
            self._verified.remember(secret, kept)
        return right


def _basic(header: str) -> list[tuple[str, str]]:
    """What a header says (RFC 7617): as it stands, and decoded as RFC 6749 wants it encoded, which few clients do."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        text = b64decode(encoded.strip(), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return []
    client_id, _, secret = text.partition(":")
    claims = [(client_id, secret)]
    if "%" in text or "+" in text:
        claims.append((unquote_plus(client_id), unquote_plus(secret)))
    return claims
