"""Whose signature it is, whether it is right, and whether it is of now."""

import hmac
from binascii import b2a_base64
from hashlib import sha256

from gateline.pdk import Exchange, Identity, Node
from gateline.pdk.authentication import Refusal, wire_text
from gateline.pdk.exchange import RequestView
from gateline.plugins.hmac_auth.dates import seconds_of
from gateline.plugins.hmac_auth.signature import Signature, signature_of

__all__ = ["Verifier"]

_NOTHING = Refusal("Unauthorized")
_NO_DATE = Refusal(
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication"
)
_UNVERIFIABLE = Refusal("HMAC signature cannot be verified")
_WRONG = Refusal("HMAC signature does not match")


class Verifier:
    """Verifies the signatures of requests; see the configuration for what it is told."""

    __slots__ = ("_algorithms", "_digests", "_enforced", "_find", "_hides", "_now", "_skew")

    def __init__(
        self,
        node: Node,
        *,
        algorithms: frozenset[str],
        enforced: frozenset[str],
        skew: float,
        hides: bool,
        digests: bool,
    ) -> None:
        self._find = node.credentials.finder("hmacauth_credentials", "username")
        self._now = node.time
        self._algorithms = algorithms
        self._enforced = enforced
        self._skew = skew
        self._hides = hides
        self._digests = digests

    def identify(self, exchange: Exchange) -> Identity | Refusal:
        """Read the signature, look its maker up and make it again."""
        request = exchange.request
        for_proxy, for_service = request.header("proxy-authorization"), request.header("authorization")
        if for_proxy is None and for_service is None:
            return _NOTHING
        x_date, date = self._timely(request, "x-date"), self._timely(request, "date")
        if not x_date and not date:
            return _NO_DATE
        name = "proxy-authorization"
        signature = signature_of(for_proxy)
        if signature is None:
            name, signature = "authorization", signature_of(for_service)
        if signature is None:
            return _UNVERIFIABLE
        if self._hides:
            exchange.service_request.remove_header(name)
        signed = signature.covers
        if not self._enforced <= signed or signature.algorithm not in self._algorithms:
            return _UNVERIFIABLE
        # A date that is signed is the one that counts: beside an old one, anybody can put a new one that is not signed.
        if ("x-date" in signed and not x_date) or ("date" in signed and not date):
            return _NO_DATE
        return self._identity(request, signature)

    def _identity(self, request: RequestView, signature: Signature) -> Identity | Refusal:
        username = wire_text(signature.username)
        found = self._find(username)
        secret = found.fields.get("secret") if found else None
        if found is None or found.consumer is None or not secret:
            return _UNVERIFIABLE
        if not signature.fits(request, secret) or (self._digests and not _digested(request)):
            return _WRONG
        return found.identity(username)

    def _timely(self, request: RequestView, name: str) -> bool:
        values = request.header_values(name)
        if len(values) != 1:
            return False
        moment = seconds_of(values[0])
        return moment is not None and abs(self._now() - moment) <= self._skew


def _digested(request: RequestView) -> bool:
    """Whether the body is the one that its digest is of; nothing needs none."""
    body = request.body or b""
    values = request.header_values("digest")
    if len(values) != 1:
        return not values and not body
    made = b"SHA-256=" + b2a_base64(sha256(body).digest(), newline=False)
    return hmac.compare_digest(made, values[0].encode("latin-1", "replace"))
