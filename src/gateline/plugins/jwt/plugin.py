"""The plugin: from a request to its token, from the token to an identity."""

from collections.abc import Coroutine, Iterable
from itertools import count
from typing import Any

from gateline.pdk import Answer, Exchange, Identity, Response
from gateline.pdk.authentication import Authentication, Refusal
from gateline.pdk.documents import Document
from gateline.plugins.jwt.admission import CONTEXT_KEY, Admission
from gateline.plugins.jwt.config import CHECKS, Config
from gateline.plugins.jwt.finding import TokenPlaces
from gateline.plugins.jwt.issuers import TrustedIssuer, documents_of
from gateline.plugins.jwt.judging import NO_KEYS, UNKNOWN_KEY, Judge, Waiting
from gateline.plugins.jwt.refusals import Rejected
from gateline.plugins.jwt.secret import JwtSecret

__all__ = ["Jwt"]

_UNAUTHORIZED = Rejected(401, {"message": "Unauthorized"}, None)
_SEVERAL = Rejected.saying("Multiple tokens provided")

_numbers = count(1)


class Jwt(Authentication[Config], name="jwt", entities=(JwtSecret,), checks=CHECKS):
    """See the module. Requests whose token is known see no more of it than its `Admission`."""

    def __init__(self, config: Config) -> None:
        self.preflight = config.run_on_preflight
        self.challenge = f'Bearer realm="{config.realm}"' if config.realm else "Bearer"
        number = next(_numbers)
        self._judge = Judge(config, self.node, number)
        excuse = None if self.preflight and config.anonymous is None else self.passes
        admission = Admission(
            number, TokenPlaces(config), self.node.time, excuse, self.passed_over, self._with_unknown_token
        )
        self.access = admission.access  # type: ignore[method-assign]

    @classmethod
    def documents(cls, config: Config) -> Iterable[Document]:
        """The issuers' key sets."""
        return documents_of(config)

    def _with_unknown_token(
        self, exchange: Exchange, token: object
    ) -> Answer | Coroutine[Any, Any, Answer | None] | None:
        """Let a request through, as somebody, or not; wait only for keys that are not there yet."""
        if not isinstance(token, str):
            return self.concluded(exchange, _UNAUTHORIZED if token is None else _SEVERAL)
        judged = self._judge.judged(token)
        if isinstance(judged, Waiting):
            return self._when_renewed(exchange, token, judged.issuer)
        return self._concluded(exchange, token, judged)

    async def _when_renewed(self, exchange: Exchange, token: str, issuer: TrustedIssuer) -> Answer | None:
        await issuer.renew()
        judged = self._judge.judged(token)
        if isinstance(judged, Waiting):
            judged = UNKNOWN_KEY if issuer.keys() is not None else NO_KEYS
        return self._concluded(exchange, token, judged)

    def _concluded(self, exchange: Exchange, token: str, judged: Identity | Rejected) -> Answer | None:
        if not isinstance(judged, Identity):
            return self.concluded(exchange, judged)
        exchange.context[CONTEXT_KEY] = token
        exchange.authenticate(judged)
        return None

    def concluded(self, exchange: Exchange, result: Identity | Refusal) -> Answer | None:
        """As for all such plugins, but that bodies are Kong's, and that only who is not known may be anonymous."""
        if not isinstance(result, Rejected) or (result.status == 401 and self.config.anonymous is not None):
            return super().concluded(exchange, result)
        fault = result.fault
        if result.status == 503:
            return Response(503, result.body)
        challenge = str(self.challenge) if fault is None else f"{self.challenge} {fault}"
        return Response(result.status, result.body, {"WWW-Authenticate": challenge})
