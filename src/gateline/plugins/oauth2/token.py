"""`/oauth2/token`: clients get their tokens (RFC 6749, 4.1.3, 4.3, 4.4 and 6)."""

from typing import Any

from gateline.pdk import Response
from gateline.plugins.oauth2 import pkce
from gateline.plugins.oauth2.clients import Client
from gateline.plugins.oauth2.entities import CODES, TOKENS
from gateline.plugins.oauth2.errors import OAuthError, invalid_client, invalid_request
from gateline.plugins.oauth2.server import MISMATCH, Call, Server

__all__ = ["issue"]


async def issue(server: Server, call: Call) -> Response:
    """Answer. Raises OAuthError, EntitiesError."""
    client = await server.client(call)
    grant = call.parameters.text("grant_type")
    if grant != "client_credentials":
        _refuse_other_target(client, call)
    config = server.config
    if grant == "authorization_code":
        told = await _for_code(server, call, client)
    elif grant == "refresh_token":
        told = await _refreshed(server, call, client)
    elif grant == "client_credentials" and config.enable_client_credentials:
        told = await _for_itself(server, call, client)
    elif grant == "password" and config.enable_password_grant:
        told = await _for_user(server, call, client)
    else:
        raise OAuthError("unsupported_grant_type", "Invalid grant_type")
    state = call.parameters.text("state")
    return Response(200, told if state is None else {**told, "state": state})


def _refuse_other_target(client: Client, call: Call) -> None:
    if client.redirect_uris is None:
        raise invalid_client(by_header=call.header is not None)
    given = call.parameters.given("redirect_uri")
    if (given is None and not client.redirect_uris) or (given is not None and given not in client.redirect_uris):
        raise invalid_request(MISMATCH)


async def _for_code(server: Server, call: Call, client: Client) -> dict[str, Any]:
    code = call.parameters.text("code")
    found = server.entities.find(CODES, "code", code) if code else None
    if code is None or found is None:
        if code is not None:
            await server.issuer.used_again("code", code, client)
        raise invalid_request("Invalid code")
    fields = found.fields
    if fields["credential"]["id"] != client.id or not server.good_at(call.service, fields):
        raise invalid_request("Invalid code")
    _verify(server, call, client, fields.get("challenge"))
    given, target = call.parameters.text("redirect_uri"), fields.get("redirect_uri")
    if given is not None and target is not None and given != target:
        raise invalid_request(MISMATCH)
    told = await server.issuer.for_code(client, code, found)
    if told is None:
        await server.issuer.used_again("code", code, client)
        raise invalid_request("Invalid code")
    return told


def _verify(server: Server, call: Call, client: Client, challenge: str | None) -> None:
    """PKCE. A verifier for a code that was asked for without a challenge means that somebody took the challenge away
    (RFC 9700, 4.8.2)."""
    wanted = server.config.pkce
    if challenge is not None or wanted == "strict" or (client.public and wanted != "none"):
        pkce.verify(call.parameters, challenge)
    elif wanted != "none" and call.parameters.given("code_verifier") is not None:
        raise OAuthError("invalid_grant", "Invalid code")


async def _refreshed(server: Server, call: Call, client: Client) -> dict[str, Any]:
    text = call.parameters.text("refresh_token")
    found = server.entities.find(TOKENS, "refresh_token", text) if text else None
    if text is None or found is None or not server.good_at(call.service, found.fields):
        if text is not None and found is None and client.public:
            await server.issuer.used_again("refresh", text, client)
        raise invalid_request("Invalid refresh_token")
    if found.fields["credential"]["id"] != client.id:
        raise invalid_client()
    scope = found.fields.get("scope")
    asked = call.parameters.given("scope")
    wider = asked is not None and not (isinstance(asked, str) and set(asked.split()) <= set((scope or "").split()))
    if (wider and server.config.scopes is not None) or not server.knows(scope):
        raise OAuthError("invalid_scope", "Scope mismatch")
    told = await server.issuer.renewed(client, text, found)
    if told is None:
        raise invalid_request("Invalid refresh_token")
    return told


async def _for_itself(server: Server, call: Call, client: Client) -> dict[str, Any]:
    parameters = call.parameters
    if client.public:  # it has not proved anything (RFC 6749, 4.4)
        raise OAuthError("unauthorized_client", "client_credentials is disallowed for public clients")
    user = None
    if parameters.given("authenticated_userid") is not None:
        server.refuse_stranger(parameters)
        user = server.user(parameters)
    service = server.bound_to(call)
    scope = server.scope(parameters)
    return await server.issuer.token(client, service=service, user=user, scope=scope, refreshable=False)


async def _for_user(server: Server, call: Call, client: Client) -> dict[str, Any]:
    parameters = call.parameters
    server.refuse_stranger(parameters)
    user = server.user(parameters)
    service = server.bound_to(call)
    scope = server.scope(parameters)
    return await server.issuer.token(client, service=service, user=user, scope=scope, refreshable=True)
