"""What plugins that authenticate have in common: who may pass unauthenticated, what a refusal says, and in which order
several of them count.

Such a plugin derives from `Authentication` and looks for a credential in `identify`. What that gives decides:

- an `Identity`: the exchange is that identity's. With several such plugins each must be satisfied, and the last one
  that runs says who it is.
- a `Refusal`: the client gets it, with the plugin's challenge; or goes on as the consumer that `anonymous` names.

Where `anonymous` is set, the plugin does not look for a credential when another one has found one: then one of them is
enough. A plugin that has to wait for somebody defines `access` itself, of `passes`, `passed_over` and `concluded`: as a
coroutine function, or as a plain one that gives a coroutine for the requests that have to wait.
"""

import logging
import secrets
import string
from collections.abc import Coroutine
from typing import Annotated, Any, Generic, TypeVar

from gateline.pdk.answers import Answer, ErrorResponse
from gateline.pdk.exchange import Exchange
from gateline.pdk.fields import Field
from gateline.pdk.identity import Identity
from gateline.pdk.plugin import Plugin, PluginConfig

__all__ = ["Anonymous", "Authentication", "AuthenticationConfig", "Realm", "Refusal", "new_secret", "wire_text"]

_log = logging.getLogger(__name__)
_ALPHABET = string.ascii_letters + string.digits

_TOLD = (
    "X-Consumer-ID",
    "X-Consumer-Custom-ID",
    "X-Consumer-Username",
    "X-Credential-Identifier",
    "X-Anonymous-Consumer",
)
"""How the service is told who sends a request."""

Anonymous = Annotated[
    str | None,
    Field(description="The consumer (id or username) as whom a request goes on that could not be authenticated."),
]
Realm = Annotated[str | None, Field(description="What `WWW-Authenticate` calls the protected place.")]


class AuthenticationConfig(PluginConfig):
    """What the configuration of every such plugin has."""

    anonymous: Anonymous = None


class Refusal:
    """Why a request is not let through: the status and message of its answer."""

    __slots__ = ("challenge", "message", "status")

    def __init__(self, message: str = "Unauthorized", status: int = 401, *, challenge: str | None = None) -> None:
        self.message = message
        self.status = status
        self.challenge = challenge
        """In the place of the plugin's own."""


C = TypeVar("C", bound=AuthenticationConfig)


class Authentication(Plugin[C], Generic[C], no_consumer=True, no_consumer_group=True):
    """The base of plugins that find out who sends a request."""

    challenge: str | None = None
    """The value of `WWW-Authenticate` in an answer 401."""
    preflight: bool = True
    """Whether OPTIONS requests must be authenticated."""

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Who sends a request, or why it is not known."""
        raise NotImplementedError

    def access(self, exchange: Exchange) -> Answer | Coroutine[Any, Any, Answer | None] | None:
        """Let the request through, as somebody, or not."""
        if self.passes(exchange):
            return self.passed_over(exchange)
        result = self.identify(exchange)
        if type(result) is Identity:
            exchange.authenticate(result)
            return None
        return self.concluded(exchange, result)

    def passes(self, exchange: Exchange) -> bool:
        """Whether nothing has to be found out about a request."""
        if self.config.anonymous is not None and exchange.credential is not None:
            return True
        return not self.preflight and exchange.request.method == "OPTIONS"

    def passed_over(self, exchange: Exchange) -> Answer | None:
        """Let a request pass about which nothing was found out: what the client says of itself does not reach the
        service."""
        if exchange.identity is None:
            request = exchange.service_request
            for header in _TOLD:
                request.remove_header(header)
        return None

    def concluded(self, exchange: Exchange, result: Identity | Refusal) -> Answer | None:
        """What follows from what was found out."""
        if not isinstance(result, Refusal):
            exchange.authenticate(result)
            return None
        anonymous = self.config.anonymous
        if anonymous is not None:
            return self._as_anonymous(exchange, anonymous)
        challenge = result.challenge or self.challenge
        headers = {"WWW-Authenticate": challenge} if challenge and result.status == 401 else None
        return ErrorResponse(result.status, result.message, headers)

    def _as_anonymous(self, exchange: Exchange, name: str) -> Answer | None:
        consumer = self.node.credentials.consumer_named(name)
        if consumer is None:
            _log.error("%s: the anonymous consumer %s is configured but does not exist", self.name, name)
            return ErrorResponse(500, "An unexpected error occurred")
        exchange.authenticate(Identity(consumer, anonymous=True))
        return None


def wire_text(value: str) -> str:
    """A header's value as a text of the client: UTF-8, where it is that."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def new_secret() -> str:
    """A key, a secret or a token: 32 letters and digits, which nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))
