"""The plugin: which requests are for the authorization server, and who sends the others."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import unquote_plus, urlencode

import msgspec

from gateline.pdk import EntitiesError, Exchange, Identity, Response
from gateline.pdk.answers import Answer
from gateline.pdk.authentication import Authentication, Refusal, wire_text
from gateline.plugins.oauth2.authorize import authorize
from gateline.plugins.oauth2.config import CHECKS, Config
from gateline.plugins.oauth2.entities import (
    CREDENTIALS,
    TOKENS,
    Oauth2AuthorizationCode,
    Oauth2Credential,
    Oauth2Token,
)
from gateline.plugins.oauth2.errors import OAuthError
from gateline.plugins.oauth2.inspection import introspect, revoke
from gateline.plugins.oauth2.parameters import BODY_METHODS, FORM, Parameters, content_type, is_json
from gateline.plugins.oauth2.server import Call, Server
from gateline.plugins.oauth2.token import issue

__all__ = ["OAuth2"]

_log = logging.getLogger(__name__)

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_ARGUMENT = "access_token"
_SCOPE, _USER = "X-Authenticated-Scope", "X-Authenticated-UserId"

_MISSING = OAuthError("invalid_request", "The access token is missing", 401)
_INVALID = OAuthError("invalid_token", "The access token is invalid or has expired", 401)
_GLOBAL = OAuthError(
    "invalid_token",
    "The access token is global, but the current plugin is configured without 'global_credentials'",
    401,
)

Endpoint = Callable[[Server, Call], Awaitable[Response]]


class _Refused(Refusal):
    """A refusal with a body of its own."""

    __slots__ = ("body",)

    def __init__(self, error: OAuthError, challenge: str) -> None:
        super().__init__(error.description, error.status, challenge=challenge)
        self.body = error.body


class OAuth2(
    Authentication[Config],
    name="oauth2",
    checks=CHECKS,
    entities=(Oauth2Credential, Oauth2AuthorizationCode, Oauth2Token),
):
    """See the package."""

    large_body = "pass"

    def __init__(self, config: Config) -> None:
        self._server = Server(config, self.node)
        self._find, self._get = self.node.entities.find, self.node.entities.get
        self._header = config.auth_header_name
        self._challenge = f'Bearer realm="{config.realm}"' if config.realm else "Bearer"
        self._missing = _Refused(_MISSING, self._challenge)
        self._invalid = _Refused(_INVALID, self._challenged(_INVALID))
        self._global = _Refused(_GLOBAL, self._challenged(_GLOBAL))
        self._endpoints: dict[str, tuple[str, Endpoint]] = {
            "token": ("token", issue),
            "authorize": ("authorization", authorize),
        }
        if config.enable_introspection:
            self._endpoints["introspect"] = "introspection", introspect
        if config.enable_revocation:
            self._endpoints["revoke"] = "revocation", revoke

    # -- which requests are for whom -------------------------------------------------------------------------------
    def reads_request(self, exchange: Exchange) -> bool:
        """Whether parameters or a token may be in the body."""
        request = exchange.request
        if request.method not in BODY_METHODS:
            return False
        if self._endpoint(request.path) is not None:
            return request.method == "POST"
        if request.header(self._header) is not None or self.passes(exchange):
            return False
        kind = content_type(request)
        return kind == FORM or is_json(kind)

    def access(self, exchange: Exchange) -> Answer | Coroutine[Any, Any, Answer | None] | None:
        """Answer as the authorization server, or let the request through, as somebody, or not."""
        endpoint = self._endpoint(exchange.request.path)
        if endpoint is not None:
            name, call = endpoint
            method = exchange.request.method
            return self._served(exchange, call) if method == "POST" else self._wrong_method(method, name)
        service = exchange.service_request
        service.remove_header(_SCOPE)
        service.remove_header(_USER)
        return super().access(exchange)

    def _endpoint(self, path: str) -> tuple[str, Endpoint] | None:
        place = path.rfind("/oauth2/")
        return None if place < 0 else self._endpoints.get(path[place + 8 :].removesuffix("/"))

    # -- the authorization server ----------------------------------------------------------------------------------
    async def _served(self, exchange: Exchange, endpoint: Endpoint) -> Response:
        state = None
        try:
            parameters = Parameters.of(exchange.request)
            state = parameters.text("state")
            self._server.refuse_plain(exchange)
            service = exchange.service
            call = Call(parameters, exchange.request.header(self._header), service.id if service else None)
            answer = await endpoint(self._server, call)
        except OAuthError as error:
            body = error.body if state is None else {**error.body, "state": state}
            return Response(error.status, body, {**_NOT_KEPT, **error.headers})
        except EntitiesError as error:
            _log.error("oauth2: a token cannot be stored (request id %s): %s", exchange.request.id, error)
            body = {"error": "temporarily_unavailable", "error_description": "Tokens cannot be stored now"}
            return Response(503, body, _NOT_KEPT)
        return Response(answer.status, answer.body, _NOT_KEPT)

    def _wrong_method(self, method: str, name: str) -> Response:
        error = OAuthError("invalid_method", f"The HTTP method {method} is invalid for the {name} endpoint", 405)
        return Response(405, error.body, {"WWW-Authenticate": self._challenged(error)})

    def _challenged(self, error: OAuthError) -> str:
        return f'{self._challenge} error="{error.error}" error_description="{error.description}"'

    # -- the service -----------------------------------------------------------------------------------------------
    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Look the token up, and whose it is."""
        text = self._token(exchange)
        if not text:
            return self._missing
        found = self._find(TOKENS, "access_token", text)
        if found is None:
            return self._invalid
        fields = found.fields
        service = exchange.service
        if not self._server.good_at(service.id if service else None, fields):
            return self._invalid if fields.get("service") else self._global
        end = fields.get("valid_until")
        if end is not None and end < self.node.time():
            return self._invalid
        application = self._get(CREDENTIALS, fields["credential"]["id"])
        if application is None or application.consumer is None:
            return self._invalid
        proved = application.identity(application.fields["client_id"])
        scope, user = fields.get("scope"), fields.get("authenticated_userid")
        if scope:
            exchange.service_request.set_header(_SCOPE, scope)
        if user:
            exchange.service_request.set_header(_USER, user)
        return Identity(proved.consumer, proved.credential, scopes=tuple(scope.split()) if scope else (), subject=user)

    def concluded(self, exchange: Exchange, result: Identity | Refusal) -> Answer | None:
        """What follows from what was found out."""
        if isinstance(result, _Refused) and self.config.anonymous is None:
            return Response(result.status, result.body, {"WWW-Authenticate": result.challenge or self._challenge})
        return super().concluded(exchange, result)

    def _token(self, exchange: Exchange) -> str | None:
        """The token that a request has (RFC 6750, 2); hidden from the service if that is wanted."""
        given = exchange.request.header(self._header)
        if given is not None:
            parts = given.split()
            if len(parts) != 2 or parts[0].lower() not in ("bearer", "token"):
                return wire_text(given)  # as in Kong: a token that is not known
            if self.config.hide_credentials:
                exchange.service_request.remove_header(self._header)
            return wire_text(parts[1])
        token = Parameters.of(exchange.request).text(_ARGUMENT)
        if token is not None and self.config.hide_credentials:
            _take_out(exchange)
        return token


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
