"""The plugin: from a request to its token, from the token to an identity."""

from base64 import b64decode
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from typing import Any

from gateline.pdk import Answer, Exchange, Identity, Response
from gateline.pdk.authentication import Authentication, Refusal
from gateline.pdk.documents import Document
from gateline.pdk.jose import SYMMETRIC, Token, TokenError, UnusableKeyError, hmac_is_right, parse, public_key
from gateline.pdk.node import Found
from gateline.plugins.jwt.claims import Claims
from gateline.plugins.jwt.config import CHECKS, Config
from gateline.plugins.jwt.finding import TokenPlaces
from gateline.plugins.jwt.issuers import OfIssuer, TrustedIssuer, documents_of
from gateline.plugins.jwt.refusals import Rejected
from gateline.plugins.jwt.secret import JwtSecret
from gateline.plugins.jwt.verified import Verified, verified

__all__ = ["Jwt"]

_UNAUTHORIZED = Rejected(401, {"message": "Unauthorized"}, None)
_SEVERAL = Rejected.saying("Multiple tokens provided")
_ALGORITHM = Rejected.saying("Invalid algorithm")
_KEY = Rejected.saying("Invalid key/secret")
_SIGNATURE = Rejected.saying("Invalid signature")
_UNKNOWN_KEY = Rejected.saying("No key found for given 'kid'")
_NO_KEYS = Rejected.saying("The keys of the token's issuer are not available", 503, None)

_numbers = count(1)


class _Waiting:
    """The token may be signed with a key that its issuer has only now."""

    __slots__ = ("issuer",)

    def __init__(self, issuer: TrustedIssuer) -> None:
        self.issuer = issuer


class Jwt(Authentication[Config], name="jwt", entities=(JwtSecret,), checks=CHECKS):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self.preflight = config.run_on_preflight
        self.challenge = f'Bearer realm="{config.realm}"' if config.realm else "Bearer"
        self._claims = Claims(config)
        self._places = TokenPlaces(config)
        self._find = self.node.credentials.find
        self._now = self.node.time
        self._key_claim = config.key_claim_name
        self._base64 = config.secret_is_base64
        self._issuers = {issuer.issuer: TrustedIssuer(issuer, self.node) for issuer in config.issuers}
        self._number = next(_numbers)
        self._known = verified.get

    @classmethod
    def documents(cls, config: Config) -> Iterable[Document]:
        """The issuers' key sets."""
        return documents_of(config)

    def access(self, exchange: Exchange) -> Answer | Coroutine[Any, Any, Answer | None] | None:
        """Let the request through, as somebody, or not; wait only for keys that are not there yet."""
        if self.passes(exchange):
            return self.passed_over(exchange)
        token = self._places.find(exchange.request)
        if type(token) is not str:
            return self.concluded(exchange, _UNAUTHORIZED if token is None else _SEVERAL)
        known = self._known((self._number, token))
        if known is not None and known.until > self._now() and known.stands():
            exchange.context["authenticated_jwt_token"] = token
            exchange.authenticate(known.identity)
            return None
        judged = self._judged(token)
        if type(judged) is _Waiting:
            return self._when_renewed(exchange, token, judged.issuer)
        return self._concluded(exchange, token, judged)  # type: ignore[arg-type]

    async def _when_renewed(self, exchange: Exchange, token: str, issuer: TrustedIssuer) -> Answer | None:
        await issuer.renew()
        judged = self._judged(token)
        if isinstance(judged, _Waiting):
            judged = _UNKNOWN_KEY if issuer.keys() is not None else _NO_KEYS
        return self._concluded(exchange, token, judged)

    def _concluded(self, exchange: Exchange, token: str, judged: Identity | Rejected) -> Answer | None:
        if type(judged) is not Identity:
            return self.concluded(exchange, judged)
        exchange.context["authenticated_jwt_token"] = token
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

    # A token that is not known.

    def _judged(self, text: str) -> "Identity | Rejected | _Waiting":
        try:
            token = parse(text)
        except TokenError as error:
            return Rejected.saying(f"Bad token; {error}")
        issuer = self._issuers.get(token.claims["iss"]) if self._issuers and _named(token.claims.get("iss")) else None
        return self._of_credential(text, token) if issuer is None else self._of_issuer(text, token, issuer)

    def _of_credential(self, text: str, token: Token) -> Identity | Rejected:
        name = self._key_claim
        key = token.claims.get(name)
        if key is None or key is False:
            key = token.header.get(name)
        if key is None or key is False:
            return Rejected.saying(f"No mandatory '{name}' in claims")
        if not _named(key):
            return Rejected.saying(f"Invalid '{name}' in claims")
        found = self._find("jwt_secrets", "key", key)
        if found is None or found.consumer is None:
            return Rejected.saying(f"No credentials found for given '{name}'")
        fields = found.fields
        algorithm = fields.get("algorithm") or "HS256"
        if token.algorithm != algorithm:
            return _ALGORITHM
        right = self._signed_with(token, fields.get("secret"), fields.get("rsa_public_key"))
        if right is None:
            return _KEY
        if not right:
            return _SIGNATURE
        now = self._now()
        if problem := self._claims.problem(token.claims, now, strictly=False):
            return problem
        own = found.identity(key)
        identity = _identity(token, self._claims, own.consumer, own.credential)
        end = self._claims.end(token.claims, now, strictly=False)
        verified.put((self._number, text), _OfCredential(identity, end, self._find, key, found))
        return identity

    def _signed_with(self, token: Token, secret: str | None, public: str | None) -> bool | None:
        """Whether a token's signature is right; None where there is nothing to check it with."""
        algorithm = token.algorithm
        if algorithm in SYMMETRIC:
            raw = _secret(secret, base64=self._base64)
            return hmac_is_right(algorithm, raw, token.signed, token.signature) if raw else None
        try:
            return public_key(algorithm, public or "").verify(algorithm, token.signed, token.signature)
        except UnusableKeyError:
            return None

    def _of_issuer(self, text: str, token: Token, issuer: TrustedIssuer) -> "Identity | Rejected | _Waiting":
        if token.algorithm not in issuer.algorithms:
            return _ALGORITHM
        key = issuer.key(token.header, token.algorithm)
        if key is None:
            if issuer.renewable():
                return _Waiting(issuer)
            return _UNKNOWN_KEY if issuer.keys() is not None else _NO_KEYS
        if not key.verify(token.algorithm, token.signed, token.signature):
            return _SIGNATURE
        now = self._now()
        if problem := self._claims.problem(token.claims, now, strictly=True):
            return problem
        consumer = issuer.consumer(token.claims)
        if isinstance(consumer, Rejected):
            return consumer
        identity = _identity(
            token, self._claims, consumer, issuer.credential(token.claims, consumer), issuer.groups(token.claims)
        )
        end = self._claims.end(token.claims, now, strictly=True)
        verified.put((self._number, text), OfIssuer(identity, end, issuer, issuer.keys()))
        return identity


class _OfCredential(Verified):
    """A token that a consumer's credential has signed."""

    __slots__ = ("_find", "_found", "_key")

    def __init__(
        self, identity: Identity, until: float, find: Callable[[str, str, str], Found | None], key: str, found: Found
    ) -> None:
        self.identity = identity
        self.until = until
        self._find = find
        self._key = key
        self._found = found

    def stands(self) -> bool:
        """Whether there is still this credential, and it is as it was."""
        return self._find("jwt_secrets", "key", self._key) is self._found


def _identity(token: Token, claims: Claims, consumer: Any, credential: Any, groups: Any = None) -> Identity:
    subject = token.claims.get("sub")
    return Identity(
        consumer,
        credential,
        groups=groups,
        scopes=claims.scopes(token.claims),
        claims=token.claims,
        subject=subject if isinstance(subject, str) else None,
    )


def _named(value: Any) -> bool:
    """Whether a claim can name something."""
    return isinstance(value, str) and value != ""


def _secret(text: str | None, *, base64: bool) -> bytes:
    """A credential's secret; empty where there is none that can be used."""
    if not text:
        return b""
    raw = text.encode("utf-8", "surrogateescape")
    if not base64:
        return raw
    try:
        return b64decode(raw.translate(_STANDARD) + b"=" * (-len(raw) % 4), validate=True)
    except ValueError:
        return b""


_STANDARD = bytes.maketrans(b"-_", b"+/")
