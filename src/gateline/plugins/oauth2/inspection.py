"""`/oauth2/introspect` (RFC 7662) and `/oauth2/revoke` (RFC 7009), which Kong does not have."""

from typing import Any

from gateline.pdk import Response
from gateline.pdk.node import Found
from gateline.plugins.oauth2.entities import CREDENTIALS, TOKENS
from gateline.plugins.oauth2.errors import OAuthError, invalid_client, invalid_request
from gateline.plugins.oauth2.server import Call, Server

__all__ = ["introspect", "revoke"]

_FIELDS = ("access_token", "refresh_token")


async def introspect(server: Server, call: Call) -> Response:
    """Tell a confidential client what a token is good for here. Raises OAuthError."""
    client = await server.client(call)
    if client.public:
        raise invalid_client(by_header=call.header is not None)
    field, found, _ = _token(server, call)
    told = None if found is None else _told(server, field, found)
    return Response(200, told or {"active": False})


async def revoke(server: Server, call: Call) -> Response:
    """Do away with a client's token, access and refresh token together. Raises OAuthError, EntitiesError."""
    client = await server.client(call)
    field, found, text = _token(server, call)
    if found is not None:
        if found.fields["credential"]["id"] != client.id:
            raise OAuthError("invalid_grant", "The token is another client's")
        await server.entities.delete((TOKENS, field, text))
    return Response(200)


def _token(server: Server, call: Call) -> tuple[str, Found | None, str]:
    """The token that is asked about: what sort of token the text is, its entity if it is good here, and the text.
    `token_type_hint` is not needed."""
    text = call.parameters.text("token")
    if not text:
        raise invalid_request("token is required")
    for field in _FIELDS:
        found = server.entities.find(TOKENS, field, text)
        if found is not None and server.good_at(call.service, found.fields):
            return field, found, text
    return _FIELDS[0], None, text


def _told(server: Server, field: str, found: Found) -> dict[str, Any] | None:
    fields = found.fields
    application = server.entities.get(CREDENTIALS, fields["credential"]["id"])
    if application is None or application.consumer is None:
        return None
    told = {"active": True, "client_id": application.fields["client_id"]}
    for name, field_name in (("scope", "scope"), ("sub", "authenticated_userid")):
        if fields.get(field_name):
            told[name] = fields[field_name]
    if application.consumer.username:
        told["username"] = application.consumer.username
    end = found.end
    if field == "access_token":
        told["token_type"] = "bearer"  # noqa: S105 - what it is
        end = fields.get("valid_until") or 0.0
        if end and end <= server.time():
            return None
        if end:
            told["iat"] = int(end) - fields["expires_in"]
    if end:
        told["exp"] = int(end)
    return told
