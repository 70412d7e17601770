"""What the endpoints have in common: a request at one of them, its client, its scope and who vouches for its user."""

import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateline.pdk import Exchange, Node
from gateline.plugins.oauth2.clients import Client, Clients
from gateline.plugins.oauth2.config import Config
from gateline.plugins.oauth2.errors import OAuthError, invalid_request
from gateline.plugins.oauth2.issuing import Issuer
from gateline.plugins.oauth2.parameters import Parameters

__all__ = ["MISMATCH", "Call", "Server"]

MISMATCH = invalid_request(
    "Invalid redirect_uri that does not match with any redirect_uri created with the application"
).description


class Call(NamedTuple):
    """A request at an endpoint; `service` is the id of its service."""

    parameters: Parameters
    header: str | None
    service: str | None


class Server:
    """The authorization server of one plugin entity."""

    def __init__(self, config: Config, node: Node) -> None:
        self.config = config
        self.entities = node.entities
        self.clients = Clients(node.entities)
        self.issuer = Issuer(config, node)
        self.time = node.time
        self.trusts = node.trusts
        self._scopes = None if config.scopes is None else frozenset(config.scopes)

    def refuse_plain(self, exchange: Exchange) -> None:
        """Raise OAuthError for a request that did not come over TLS."""
        if exchange.request.scheme == "https":
            return
        if self.config.accept_http_if_already_terminated and self.trusts(exchange.client.ip):
            told = exchange.request.header_values("x-forwarded-proto")
            if len(told) > 1:
                raise OAuthError("access_denied", "Only one X-Forwarded-Proto header allowed")
            if told and told[0].lower() == "https":
                return
        raise OAuthError("access_denied", "You must use HTTPS")

    async def client(self, call: Call) -> Client:
        """The client that has proved who it is. Raises OAuthError."""
        return await self.clients.authenticated(call.parameters, call.header)

    def bound_to(self, call: Call) -> str | None:
        """The service to which what is given now belongs; None: to all. Raises OAuthError."""
        if self.config.global_credentials:
            return None
        if call.service is None:
            raise OAuthError("server_error", "There is no service that a token could be for", 500)
        return call.service

    def good_at(self, service: str | None, fields: Mapping[str, Any]) -> bool:
        """Whether a code or token is good at a service."""
        bound = fields.get("service")
        return self.config.global_credentials if bound is None else bool(bound["id"] == service)

    def scope(self, parameters: Parameters) -> str | None:
        """The scopes that are asked for, with spaces between them. Raises OAuthError."""
        given = parameters.given("scope")
        if given is None:
            if self.config.mandatory_scope:
                raise OAuthError("invalid_scope", "You must specify a scope")
            return None
        if self._scopes is None:
            return None
        if not isinstance(given, str):
            raise OAuthError("invalid_scope", "scope must be a string")
        scopes = tuple(dict.fromkeys(given.split()))
        for one in scopes:
            if one not in self._scopes:
                raise OAuthError("invalid_scope", f'"{one}" is an invalid scope')
        if not scopes and self.config.mandatory_scope:
            raise OAuthError("invalid_scope", "You must specify a scope")
        return " ".join(scopes) or None

    def knows(self, scope: str | None) -> bool:
        """Whether scopes that were given once are still those of the configuration."""
        return self._scopes is None or self._scopes.issuperset((scope or "").split())

    def refuse_stranger(self, parameters: Parameters) -> None:
        """Raise OAuthError unless the request proves that it may say who the user is."""
        given, wanted = parameters.text("provision_key"), self.config.provision_key
        if (
            given is None
            or not wanted
            or not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))
        ):
            raise OAuthError("invalid_provision_key", "Invalid provision_key")

    def user(self, parameters: Parameters) -> str:
        """The user that it is about. Raises OAuthError."""
        user = parameters.text("authenticated_userid")
        if user is None or not user.strip():
            raise OAuthError("invalid_authenticated_userid", "Missing authenticated_userid parameter")
        if not user.isprintable():  # it will be a header
            raise OAuthError("invalid_authenticated_userid", "Invalid authenticated_userid parameter")
        return user
