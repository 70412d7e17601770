"""The plugin: which requests are for the authorization server, and who sends the others."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from gateline.pdk import EntitiesError, Exchange, Identity, Response
from gateline.pdk.answers import Answer
from gateline.pdk.authentication import Authentication, Refusal
from gateline.plugins.oauth2.authorize import authorize
from gateline.plugins.oauth2.bearer import SCOPE, USER, Bearers, Refusals
from gateline.plugins.oauth2.config import CHECKS, Config
from gateline.plugins.oauth2.entities import Oauth2AuthorizationCode, Oauth2Credential, Oauth2Token
from gateline.plugins.oauth2.errors import OAuthError
from gateline.plugins.oauth2.inspection import introspect, revoke
from gateline.plugins.oauth2.parameters import BODY_METHODS, FORM, Parameters, content_type, is_json
from gateline.plugins.oauth2.server import Call, Server
from gateline.plugins.oauth2.token import issue

__all__ = ["OAuth2"]

_log = logging.getLogger(__name__)

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}

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
        self._header = config.auth_header_name
        self._challenge = f'Bearer realm="{config.realm}"' if config.realm else "Bearer"
        refusals = Refusals(
            missing=_Refused(_MISSING, self._challenge),
            invalid=_Refused(_INVALID, self._challenged(_INVALID)),
            too_global=_Refused(_GLOBAL, self._challenged(_GLOBAL)),
        )
        self.identify = Bearers(config, self.node, refusals).identify  # type: ignore[method-assign]
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
        service.remove_header(SCOPE)
        service.remove_header(USER)
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
    def concluded(self, exchange: Exchange, result: Identity | Refusal) -> Answer | None:
        """What follows from what was found out."""
        if isinstance(result, _Refused) and self.config.anonymous is None:
            return Response(result.status, result.body, {"WWW-Authenticate": result.challenge or self._challenge})
        return super().concluded(exchange, result)
