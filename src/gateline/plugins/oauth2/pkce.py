"""Proof Key for Code Exchange (RFC 7636): who begins with a challenge has to end with its verifier.

`plain` challenges are not taken: whoever sees the code sees them too.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from gateline.plugins.oauth2.errors import OAuthError, invalid_request
from gateline.plugins.oauth2.parameters import Parameters

__all__ = ["challenge_of", "verify"]

_DIGEST = 32


def challenge_of(parameters: Parameters) -> str | None:
    """The challenge of a request for a code, None without one. Raises OAuthError."""
    challenge, method = parameters.given("code_challenge"), parameters.given("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise invalid_request("code_challenge is required when code_method is present")
        return None
    if method not in (None, "S256", "s256"):
        raise invalid_request("code_challenge_method is not supported, must be S256")
    try:
        # Some clients pad it, or use the other alphabet of base64.
        text = str(challenge).rstrip("=").replace("+", "-").replace("/", "_")
        digest = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        digest = b""
    if not isinstance(challenge, str) or len(digest) != _DIGEST:
        raise invalid_request("code_challenge is not the SHA-256 of a code_verifier in base64url")
    return _text(digest)


def verify(parameters: Parameters, challenge: str | None) -> None:
    """Raise OAuthError unless a request for a token has the verifier of a challenge."""
    verifier = parameters.given("code_verifier")
    if verifier is None:
        raise invalid_request("code_verifier is required for PKCE authorization requests")
    if not isinstance(verifier, str):
        raise invalid_request("code_verifier is not a string")
    if not 43 <= len(verifier) <= 128:
        raise invalid_request("code_verifier must be between 43 and 128 characters")
    made = _text(sha256(verifier.encode("utf-8", "surrogatepass")).digest())
    if challenge is None or not hmac.compare_digest(made.encode(), challenge.encode("utf-8", "surrogatepass")):
        raise OAuthError("invalid_grant", "Invalid code")


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
