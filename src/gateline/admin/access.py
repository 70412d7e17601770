"""Who may use the Admin API: anyone who reaches it, or, with the setting `admin_token`, whoever knows that token.

Every request has an actor, whose name goes into the log of changes. Roles will hang here: an actor that may not do
everything.
"""

import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from gateline.settings import Settings

TOKEN_HEADER = "kong-admin-token"  # noqa: S105 - a header's name
BEARER = "bearer "
SCOPE_KEY = "gateline.actor"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sends a request: by what it was let in, and from which address."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name}@{self.address}"


class Access:
    """Lets requests in."""

    def __init__(self, settings: Settings) -> None:
        token = settings.admin_token
        self._token = token.encode() if token else None

    def actor(self, scope: Scope, headers: Headers) -> Actor | None:
        """Who sends the request; None when it may not."""
        address = scope["client"][0] if scope.get("client") else "unix:"
        if self._token is None:
            return Actor("anyone", address)
        if is_preflight(scope["method"], headers):
            return Actor("preflight", address)
        return Actor("admin_token", address) if self._knows_token(headers) else None

    def _knows_token(self, headers: Headers) -> bool:
        given = headers.get(TOKEN_HEADER)
        if given is None:
            authorization = headers.get("authorization", "")
            if authorization[: len(BEARER)].lower() != BEARER:
                return False
            given = authorization[len(BEARER) :].strip()
        return self._token is not None and hmac.compare_digest(given.encode("latin-1"), self._token)


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what a page of another origin may do; it cannot send a token with that."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def actor_of(scope: Scope) -> Actor:
    """The actor of a request that was let in."""
    actor: Actor = scope[SCOPE_KEY]
    return actor
