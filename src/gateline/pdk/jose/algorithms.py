"""The algorithms of JSON Web Signatures (RFC 7518, section 3; RFC 8037), each with what OpenSSL needs to know of it."""

from dataclasses import dataclass
from hmac import compare_digest, digest

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

__all__ = ["ALGORITHMS", "ASYMMETRIC", "ELLIPTIC", "RSA", "SYMMETRIC", "Elliptic", "hmac_is_right"]

_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_DIGESTS = {f"HS{size}": f"sha{size}" for size in _HASHES}


@dataclass(frozen=True, slots=True)
class Elliptic:
    """An ECDSA algorithm: its curve, how long each half of a signature is, and the hash to sign."""

    curve: str
    size: int
    scheme: ec.ECDSA


def _pss(one: HashAlgorithm) -> padding.AsymmetricPadding:
    return padding.PSS(mgf=padding.MGF1(one), salt_length=padding.PSS.DIGEST_LENGTH)


RSA: dict[str, tuple[padding.AsymmetricPadding, HashAlgorithm]] = {
    **{f"RS{size}": (padding.PKCS1v15(), one) for size, one in _HASHES.items()},
    **{f"PS{size}": (_pss(one), one) for size, one in _HASHES.items()},
}
"""Padding and hash by algorithm."""

ELLIPTIC = {
    "ES256": Elliptic("secp256r1", 32, ec.ECDSA(_HASHES["256"])),
    "ES384": Elliptic("secp384r1", 48, ec.ECDSA(_HASHES["384"])),
    "ES512": Elliptic("secp521r1", 66, ec.ECDSA(_HASHES["512"])),
}

SYMMETRIC = ("HS256", "HS384", "HS512")
ASYMMETRIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA")
ALGORITHMS = SYMMETRIC + ASYMMETRIC
"""In Kong's order. `none` is no algorithm."""


def hmac_is_right(algorithm: str, secret: bytes, signed: bytes, signature: bytes) -> bool:
    """Whether a signature of one of the symmetric algorithms is right, in the same time whatever is wrong with it."""
    return compare_digest(digest(secret, signed, _DIGESTS[algorithm]), signature)
