"""`/oauth2/authorize`: whoever has the provision key says what a user has allowed, and gets the address to which the
user's browser goes with the code, the token or the error (RFC 6749, 4.1.1 and 4.2.1)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urlsplit, urlunsplit

from gateline.pdk import Response
from gateline.plugins.oauth2.clients import Client
from gateline.plugins.oauth2.errors import OAuthError, invalid_client, invalid_request
from gateline.plugins.oauth2.pkce import challenge_of
from gateline.plugins.oauth2.server import MISMATCH, Call, Server

__all__ = ["authorize"]

_CODE, _TOKEN = "code", "token"


async def authorize(server: Server, call: Call) -> Response:
    """Answer. Raises OAuthError for what is wrong before it is known where to send the user; EntitiesError."""
    parameters = call.parameters
    server.refuse_stranger(parameters)
    user = server.user(parameters)
    client = server.clients.find(parameters.text("client_id"))
    target, known = _target(client, parameters.text("redirect_uri"), parameters.given("redirect_uri") is not None)
    state = parameters.text("state")
    in_fragment = False
    try:
        told = await _told(server, call, client, user, target if known else None)
        status = 200
        in_fragment = _CODE not in told
    except OAuthError as error:
        if target is None:
            raise
        told = error.body
        status = error.status
    if state is not None:
        told["state"] = state
    assert target is not None  # noqa: S101 - without one it was refused
    return Response(status, {"redirect_uri": _with(target, told, in_fragment=in_fragment)})


def _target(client: Client | None, asked: str | None, given: bool) -> tuple[str | None, bool]:
    """Where the user goes, and whether that is where the request says: only ever where the application has said."""
    uris = client.redirect_uris if client else None
    if not uris:
        return None, False
    if not given:
        return uris[0], True
    return (asked, True) if asked in uris else (uris[0], False)


async def _told(server: Server, call: Call, client: Client | None, user: str, target: str | None) -> dict[str, Any]:
    parameters = call.parameters
    challenge = challenge_of(parameters)
    if client is None or client.redirect_uris is None:
        raise invalid_client()
    pkce = server.config.pkce
    if challenge is None and (pkce == "strict" or (client.public and pkce != "none")):
        raise invalid_request(f"code_challenge is required for {client.type} clients")
    if target is None:
        raise invalid_request(MISMATCH)
    scope = server.scope(parameters)
    kind = parameters.text("response_type")
    if kind == _CODE and server.config.enable_authorization_code:
        service = server.bound_to(call)
        code = await server.issuer.code(
            client,
            service=None if service is None else {"id": service},
            authenticated_userid=user,
            scope=scope,
            challenge=challenge,
            challenge_method="S256" if challenge else None,
            redirect_uri=target,
        )
        return {"code": code}
    if kind == _TOKEN and server.config.enable_implicit_grant:
        service = server.bound_to(call)
        return await server.issuer.token(client, service=service, user=user, scope=scope, refreshable=False)
    raise OAuthError("unsupported_response_type", "Invalid response_type")


def _with(uri: str, told: Mapping[str, Any], *, in_fragment: bool) -> str:
    """A URI with parameters: in its query, in the place of those of the same names, or in its fragment."""
    added = urlencode(sorted(told.items()), quote_via=quote)
    parts = urlsplit(uri)
    if in_fragment:
        return urlunsplit(parts._replace(fragment=added))
    kept = [part for part in parts.query.split("&") if part and unquote_plus(part.partition("=")[0]) not in told]
    return urlunsplit(parts._replace(query="&".join([*kept, added])))
