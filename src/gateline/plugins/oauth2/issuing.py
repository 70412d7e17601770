"""Codes and tokens: made, exchanged and renewed; and what becomes of those that are used twice.

A token and its refresh token are one entity. When it is renewed the entity stays and has other texts, so that whatever
was given for one code, or for one refresh token after another, is taken back together.
"""

import logging
import math
from hashlib import sha256
from typing import Any

from gateline.pdk.authentication import new_secret
from gateline.pdk.node import Found, Node, Place
from gateline.plugins.oauth2.clients import Client
from gateline.plugins.oauth2.config import Config
from gateline.plugins.oauth2.entities import CODES, TOKENS, Oauth2AuthorizationCode, Oauth2Token

__all__ = ["Issuer"]

_log = logging.getLogger(__name__)

_CODE_TTL = 300
"""Seconds that a code is good for."""
_LONGEST_TTL = 100_000_000
_MONTH = 30 * 86400.0
"""Seconds for which it is known at most that a refresh token was used."""


class Issuer:
    """Makes them as the configuration says."""

    def __init__(self, config: Config, node: Node) -> None:
        self._node = node
        self._entities = node.entities
        self._reuse = config.reuse_refresh_token
        self._lasts = max(0, math.ceil(config.token_expiration))
        self._refresh_ttl = math.ceil(config.refresh_token_ttl)

    async def code(self, client: Client, **fields: Any) -> str:
        """A new code. Raises EntitiesError, as all that follows."""
        made = Oauth2AuthorizationCode.parse({"credential": {"id": client.id}, "ttl": _CODE_TTL, **fields})
        await self._entities.insert(made)
        return made.code

    async def token(
        self,
        client: Client,
        *,
        service: str | None,
        user: str | None,
        scope: str | None,
        refreshable: bool,
    ) -> dict[str, Any]:
        """A new token, as clients are told of it."""
        made = self._made(client, _reference(service), user, scope, refreshable=refreshable)
        await self._entities.insert(made)
        return self._told(made)

    async def for_code(self, client: Client, code: str, found: Found) -> dict[str, Any] | None:
        """The token that a code is good for; None when somebody else had it just now."""
        fields = found.fields
        service, user, scope = fields.get("service"), fields.get("authenticated_userid"), fields.get("scope")
        made = self._made(client, service, user, scope, refreshable=True)
        if not await self._entities.insert(made, instead_of=(CODES, "code", code)):
            return None
        self._remember("code", code, client, made.id, _CODE_TTL)
        return self._told(made)

    async def renewed(self, client: Client, refresh_token: str, found: Found) -> dict[str, Any] | None:
        """A token in the place of another; None when somebody else has renewed that just now."""
        fields = found.fields
        service, user, scope = fields.get("service"), fields.get("authenticated_userid"), fields.get("scope")
        kept: dict[str, Any] = {"id": found.id}
        if self._reuse:
            kept |= {"refresh_token": refresh_token, "ttl": fields.get("ttl"), "expires_at": found.end or None}
        made = self._made(client, service, user, scope, refreshable=True, **kept)
        place: Place = (TOKENS, "refresh_token", refresh_token)
        if not await self._entities.insert(made, instead_of=place):
            return None
        if not self._reuse:
            left = found.end - self._node.time() if found.end else _MONTH
            self._remember("refresh", refresh_token, client, made.id, min(left, _MONTH))
        return self._told(made)

    async def used_again(self, what: str, text: str, client: Client) -> None:
        """A code or refresh token of which nothing is known any more: if this client has used it before, somebody has
        it who should not, and what was given for it is taken back."""
        known = self._node.cache.get(_spent(what, text))
        of, _, token = (known or b"").decode().partition(" ")
        if of == client.id and await self._entities.delete((TOKENS, "id", token)):
            _log.warning("a %s of the client %s was used again: its tokens are revoked", what, client.client_id)

    def _made(
        self,
        client: Client,
        service: Any,
        user: str | None,
        scope: str | None,
        *,
        refreshable: bool,
        **kept: Any,
    ) -> Oauth2Token:
        lasts = self._lasts
        refresh_token = new_secret() if refreshable and lasts else None
        # What cannot be renewed is of no use any longer than the access token is.
        ttl = self._refresh_ttl if refresh_token else lasts
        return Oauth2Token.parse(
            {
                "service": service,
                "credential": {"id": client.id},
                "authenticated_userid": user,
                "scope": scope,
                "expires_in": lasts,
                "refresh_token": refresh_token,
                "ttl": ttl if 0 < ttl <= _LONGEST_TTL and lasts else None,
                **kept,
            }
        )

    def _told(self, token: Oauth2Token) -> dict[str, Any]:
        told: dict[str, Any] = {"access_token": token.access_token, "token_type": "bearer"}
        if token.expires_in:
            told["expires_in"] = token.expires_in
        if token.refresh_token:
            told["refresh_token"] = token.refresh_token
        return told

    def _remember(self, what: str, text: str, client: Client, token: str, ttl: float) -> None:
        self._node.cache.put(_spent(what, text), f"{client.id} {token}".encode(), ttl=ttl)


def _spent(what: str, text: str) -> str:
    return f"oauth2 {what} {sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _reference(identifier: str | None) -> dict[str, str] | None:
    return None if identifier is None else {"id": identifier}
