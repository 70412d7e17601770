"""Tokens that are not known: taken apart, their signature and claims verified, and whom they stand for.

What the tokens of one credential have in common is worked out with the first of them: its key as the algorithm wants
it, and its identity.
"""

from base64 import b64decode
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from gateline.pdk import Consumer, Credential, Identity, Node
from gateline.pdk.jose import (
    SYMMETRIC,
    PublicKey,
    Token,
    TokenError,
    UnusableKeyError,
    hmac_is_right,
    parse,
    public_key,
)
from gateline.pdk.node import Found
from gateline.plugins.jwt.claims import Claims
from gateline.plugins.jwt.config import Config
from gateline.plugins.jwt.issuers import OfIssuer, TrustedIssuer
from gateline.plugins.jwt.refusals import Rejected
from gateline.plugins.jwt.verified import Verified, verified

__all__ = ["NO_KEYS", "UNKNOWN_KEY", "Judge", "Waiting"]

_ALGORITHM = Rejected.saying("Invalid algorithm")
_KEY = Rejected.saying("Invalid key/secret")
_SIGNATURE = Rejected.saying("Invalid signature")
UNKNOWN_KEY = Rejected.saying("No key found for given 'kid'")
NO_KEYS = Rejected.saying("The keys of the token's issuer are not available", 503, None)

_SIGNERS_KEPT = 1024


class Waiting:
    """The token may be signed with a key that its issuer has only now."""

    __slots__ = ("issuer",)

    def __init__(self, issuer: TrustedIssuer) -> None:
        self.issuer = issuer


class _Signer:
    """A credential as it was found: one algorithm, and a secret or a public key; neither where there is none that can
    be used."""

    __slots__ = ("algorithm", "found", "identity", "public", "secret")

    def __init__(self, found: Found, key: str, base64: bool) -> None:
        fields = found.fields
        self.found = found
        self.identity = found.identity(key)
        self.algorithm: str = fields.get("algorithm") or "HS256"
        self.secret = b""
        self.public: PublicKey | None = None
        if self.algorithm in SYMMETRIC:
            self.secret = _secret(fields.get("secret"), base64=base64)
        else:
            with suppress(UnusableKeyError):
                self.public = public_key(self.algorithm, fields.get("rsa_public_key") or "")


class Judge:
    """What one configuration makes of tokens. `number` is that of its plugin."""

    __slots__ = ("_base64", "_claims", "_find", "_issuers", "_key_claim", "_now", "_number", "_signers")

    def __init__(self, config: Config, node: Node, number: int) -> None:
        self._claims = Claims(config)
        self._find = node.credentials.finder("jwt_secrets", "key")
        self._now = node.time
        self._number = number
        self._key_claim = config.key_claim_name
        self._base64 = config.secret_is_base64
        self._issuers = {issuer.issuer: TrustedIssuer(issuer, node) for issuer in config.issuers}
        self._signers: dict[str, _Signer] = {}

    def judged(self, text: str) -> Identity | Rejected | Waiting:
        """Whom a token stands for, or why for nobody; one that is right is known from now on."""
        try:
            token = parse(text)
        except TokenError as error:
            return Rejected.saying(f"Bad token; {error}")
        if self._issuers:
            name = token.claims.get("iss")
            issuer = self._issuers.get(name) if isinstance(name, str) else None
            if issuer is not None:
                return self._of_issuer(text, token, issuer)
        return self._of_credential(text, token)

    def _of_credential(self, text: str, token: Token) -> Identity | Rejected:
        name = self._key_claim
        key = token.claims.get(name)
        if key is None or key is False:
            key = token.header.get(name)
        if key is None or key is False:
            return Rejected.saying(f"No mandatory '{name}' in claims")
        if not isinstance(key, str) or not key:
            return Rejected.saying(f"Invalid '{name}' in claims")
        found = self._find(key)
        if found is None or found.consumer is None:
            return Rejected.saying(f"No credentials found for given '{name}'")
        signer = self._signers.get(key)
        if signer is None or signer.found is not found:
            signer = self._signer(key, found)
        if token.algorithm != signer.algorithm:
            return _ALGORITHM
        if signer.public is not None:
            right = signer.public.verify(token.algorithm, token.signed, token.signature)
        elif signer.secret:
            right = hmac_is_right(token.algorithm, signer.secret, token.signed, token.signature)
        else:
            return _KEY
        if not right:
            return _SIGNATURE
        now = self._now()
        problem = self._claims.problem(token.claims, now, False)
        if problem is not None:
            return problem
        proved = signer.identity
        identity = _identity(token, self._claims, proved.consumer, proved.credential, None)
        end = self._claims.end(token.claims, now, False)
        verified.put(self._number, _OfCredential(text, identity, end, self._find, key, found))
        return identity

    def _signer(self, key: str, found: Found) -> _Signer:
        if len(self._signers) >= _SIGNERS_KEPT:
            self._signers.clear()
        signer = self._signers[key] = _Signer(found, key, self._base64)
        return signer

    def _of_issuer(self, text: str, token: Token, issuer: TrustedIssuer) -> Identity | Rejected | Waiting:
        if token.algorithm not in issuer.algorithms:
            return _ALGORITHM
        key = issuer.key(token.header, token.algorithm)
        if key is None:
            if issuer.renewable():
                return Waiting(issuer)
            return UNKNOWN_KEY if issuer.keys() is not None else NO_KEYS
        if not key.verify(token.algorithm, token.signed, token.signature):
            return _SIGNATURE
        now = self._now()
        problem = self._claims.problem(token.claims, now, True)
        if problem is not None:
            return problem
        consumer = issuer.consumer(token.claims)
        if isinstance(consumer, Rejected):
            return consumer
        credential = issuer.credential(token.claims, consumer)
        identity = _identity(token, self._claims, consumer, credential, issuer.groups(token.claims))
        end = self._claims.end(token.claims, now, True)
        verified.put(self._number, OfIssuer(text, identity, end, issuer, issuer.keys()))
        return identity


class _OfCredential(Verified):
    """A token that a consumer's credential has signed."""

    __slots__ = ("_find", "_found", "_key")

    def __init__(
        self,
        text: str,
        identity: Identity,
        until: float,
        find: Callable[[str], Found | None],
        key: str,
        found: Found,
    ) -> None:
        self.text = text
        self.identity = identity
        self.until = until
        self._find = find
        self._key = key
        self._found = found

    def stands(self) -> bool:
        """Whether there is still this credential, and it is as it was."""
        return self._find(self._key) is self._found


def _identity(
    token: Token,
    claims: Claims,
    consumer: Consumer | None,
    credential: Credential | None,
    groups: Collection[str] | None,
) -> Identity:
    said = token.claims
    subject = said.get("sub")
    known = subject if isinstance(subject, str) else None
    return Identity(consumer, credential, False, groups, claims.scopes(said), said, known)


def _secret(text: Any, *, base64: bool) -> bytes:
    """A credential's secret; empty where there is none that can be used."""
    if not text:
        return b""
    raw: bytes = text.encode("utf-8", "surrogateescape")
    if not base64:
        return raw
    try:
        return b64decode(raw.translate(_STANDARD) + b"=" * (-len(raw) % 4), validate=True)
    except ValueError:
        return b""


_STANDARD = bytes.maketrans(b"-_", b"+/")
