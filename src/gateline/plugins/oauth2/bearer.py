"""Access tokens that requests bring (RFC 6750): where they are, and whom they stand for.

What follows from a token and from its application is worked out when it comes first, and holds until one of the two is
another one.
"""

from urllib.parse import unquote_plus, urlencode

import msgspec

from gateline.pdk import Exchange, Identity, Node
from gateline.pdk.authentication import Refusal, wire_text
from gateline.pdk.node import Found
from gateline.plugins.oauth2.config import Config
from gateline.plugins.oauth2.entities import CREDENTIALS, TOKENS
from gateline.plugins.oauth2.parameters import BODY_METHODS, FORM, Parameters, content_type, is_json

__all__ = ["SCOPE", "USER", "Bearers", "Refusals"]

SCOPE, USER = "X-Authenticated-Scope", "X-Authenticated-UserId"
_ARGUMENT = "access_token"
_SCHEMES = frozenset(("bearer", "token"))
_KEPT = 4096
"""Tokens that are known."""


class Refusals:
    """What requests are told that bring no token, a wrong one, or one that is good at other services."""

    __slots__ = ("invalid", "missing", "too_global")

    def __init__(self, missing: Refusal, invalid: Refusal, too_global: Refusal) -> None:
        self.missing = missing
        self.invalid = invalid
        self.too_global = too_global


class _Known:
    """What a token's entity says, and the identity that follows. `end`: in seconds since 1970, 0 is never; `service` is
    an id, empty for a token that is good at several."""

    __slots__ = ("application", "application_id", "end", "found", "identity", "scope", "service", "user")

    def __init__(self, found: Found) -> None:
        fields = found.fields
        bound = fields.get("service")
        self.found = found
        self.application_id: str = fields["credential"]["id"]
        self.application: Found | None = None
        self.identity: Identity | None = None
        self.service: str = bound["id"] if bound else ""
        self.end: float = fields.get("valid_until") or 0.0
        self.scope: str = fields.get("scope") or ""
        self.user: str = fields.get("authenticated_userid") or ""


class Bearers:
    """The tokens of one configuration."""

    __slots__ = ("_find", "_get", "_global", "_header", "_hide", "_known", "_now", "_refusals")

    def __init__(self, config: Config, node: Node, refusals: Refusals) -> None:
        self._find, self._get = node.entities.find, node.entities.get
        self._now = node.time
        self._header = config.auth_header_name
        self._hide = config.hide_credentials
        self._global = config.global_credentials
        self._refusals = refusals
        self._known: dict[str, _Known] = {}

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Look a request's token up, and whose it is."""
        refusals = self._refusals
        text = self._token(exchange)
        if not text:
            return refusals.missing
        found = self._find(TOKENS, "access_token", text)
        if found is None:
            return refusals.invalid
        known = self._known.get(text)
        if known is None or known.found is not found:
            known = self._learned(text, found)
        if known.service:
            service = exchange.service
            if service is None or service.id != known.service:
                return refusals.invalid
        elif not self._global:
            return refusals.too_global
        if known.end and known.end < self._now():
            return refusals.invalid
        application = self._get(CREDENTIALS, known.application_id)
        if application is None or application.consumer is None:
            return refusals.invalid
        identity = known.identity
        if identity is None or application is not known.application:
            identity = known.identity = _identity(known, application)
            known.application = application
        if known.scope:
            exchange.service_request.set_header(SCOPE, known.scope)
        if known.user:
            exchange.service_request.set_header(USER, known.user)
        return identity

    def _learned(self, text: str, found: Found) -> _Known:
        if len(self._known) >= _KEPT:
            self._known.clear()
        known = self._known[text] = _Known(found)
        return known

    def _token(self, exchange: Exchange) -> str | None:
        """The token that a request has; hidden from the service if that is wanted."""
        given = exchange.request.header(self._header)
        if given is None:
            token = Parameters.of(exchange.request).text(_ARGUMENT)
            if token is not None and self._hide:
                _take_out(exchange)
            return token
        parts = given.split()
        if len(parts) != 2 or parts[0].lower() not in _SCHEMES:
            return wire_text(given)  # as in Kong: a token that is not known
        if self._hide:
            exchange.service_request.remove_header(self._header)
        return wire_text(parts[1])


def _identity(known: _Known, application: Found) -> Identity:
    proved = application.identity(application.fields["client_id"])
    return Identity(proved.consumer, proved.credential, scopes=tuple(known.scope.split()), subject=known.user or None)


def _take_out(exchange: Exchange) -> None:
    """Take the token out of the query and the body."""
    request, service = exchange.request, exchange.service_request
    query = service.query
    kept = "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != _ARGUMENT)
    if kept != query:
        service.set_query(kept)
    if request.method not in BODY_METHODS or not request.body:
        return
    kind = content_type(request)
    if kind == FORM:
        fields = request.form() or []
        if any(name == _ARGUMENT for name, _ in fields):
            service.set_body(urlencode([(name, value) for name, value in fields if name != _ARGUMENT]).encode())
    elif is_json(kind):
        try:
            record = request.json()
        except ValueError:
            return
        if isinstance(record, dict) and record.pop(_ARGUMENT, None) is not None:
            service.set_body(msgspec.json.encode(record))
