"""Signed JSON Web Tokens (RFC 7515, 7517, 7518, 7519): tokens taken apart strictly, and signatures checked.

    token = parse(text)                       # TokenError for what is none
    key = public_key("ES256", pem)            # UnusableKeyError for a key that cannot be used with the algorithm
    key.verify(token.algorithm, token.signed, token.signature)

Which key a token may be checked with is the caller's to say, and never the token's: no key is taken from a header
(`jwk`, `jku`, `x5c`, `x5u`), a key serves the algorithms of its own kind alone, and a secret is never a public key.
"""

from gateline.pdk.jose.algorithms import ALGORITHMS, ASYMMETRIC, SYMMETRIC, hmac_is_right
from gateline.pdk.jose.key_set import KeySet, KeySetError
from gateline.pdk.jose.keys import PublicKey, UnusableKeyError, key_of_jwk, public_key
from gateline.pdk.jose.tokens import Token, TokenError, base64url, parse

__all__ = [
    "ALGORITHMS",
    "ASYMMETRIC",
    "SYMMETRIC",
    "KeySet",
    "KeySetError",
    "PublicKey",
    "Token",
    "TokenError",
    "UnusableKeyError",
    "base64url",
    "hmac_is_right",
    "key_of_jwk",
    "parse",
    "public_key",
]
