"""Public keys that signatures are checked with: read once, strictly, and kept as OpenSSL has them.

A key that is too weak is no key: RSA from 2048 bits on (RFC 7518, section 3.3), the curves of the algorithms, points
that are on them. One that is too large is none either: what it costs to check a signature is bounded.
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateline.pdk.jose.algorithms import ELLIPTIC, RSA
from gateline.pdk.jose.tokens import base64url

__all__ = ["PublicKey", "UnusableKeyError", "key_of_jwk", "public_key"]

SMALLEST_RSA, LARGEST_RSA = 2048, 8192
"""Bits of the modulus."""

LARGEST_EXPONENT = 2**32
_LONGEST = 2048
"""Characters of one number of a JWK."""

_CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
_EDWARDS: dict[str, Callable[[bytes], "ed25519.Ed25519PublicKey | ed448.Ed448PublicKey"]] = {
    "Ed25519": ed25519.Ed25519PublicKey.from_public_bytes,
    "Ed448": ed448.Ed448PublicKey.from_public_bytes,
}


class UnusableKeyError(ValueError):
    """A key cannot be used: it is none, too weak, or not of the kind that an algorithm needs."""


class PublicKey:
    """A key; `algorithms` are those that it serves."""

    __slots__ = ("algorithms",)

    def __init__(self, algorithms: Collection[str]) -> None:
        self.algorithms = algorithms

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether a signature is right. False for an algorithm that the key does not serve."""
        raise NotImplementedError


class _Rsa(PublicKey):
    __slots__ = ("_check", "_size")

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
            raise UnusableKeyError(f"an RSA key of {key.key_size} bits, expected {SMALLEST_RSA} to {LARGEST_RSA}")
        if key.public_numbers().e >= LARGEST_EXPONENT:
            raise UnusableKeyError("an RSA key with too large an exponent")
        super().__init__(frozenset(RSA))
        self._check = key.verify
        self._size = (key.key_size + 7) // 8

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        manner = RSA.get(algorithm)
        if manner is None or len(signature) != self._size:
            return False
        try:
            self._check(signature, signed, manner[0], manner[1])
        except InvalidSignature:
            return False
        return True


class _Elliptic(PublicKey):
    __slots__ = ("_check", "_name", "_scheme", "_size")

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        found = next((name for name, one in ELLIPTIC.items() if one.curve == key.curve.name), None)
        if found is None:
            raise UnusableKeyError(f"a key on the curve {key.curve.name}, which no algorithm has")
        super().__init__((found,))
        self._name: str = found
        self._check = key.verify
        self._size = ELLIPTIC[found].size
        self._scheme = ELLIPTIC[found].scheme

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        size = self._size
        if algorithm != self._name or len(signature) != 2 * size:
            return False
        try:
            self._check(_der(signature[:size], signature[size:]), signed, self._scheme)
        except InvalidSignature:
            return False
        return True


_INTEGERS = [bytes((0x02, length)) for length in range(68)]
_SEQUENCES = [bytes((0x30, length) if length < 0x80 else (0x30, 0x81, length)) for length in range(139)]
"""What an integer and a sequence begin with in DER, by their length: as far as any 66 bytes need, whether they are a
number of P-521 or somebody's invention."""


def _der(r: bytes, s: bytes) -> bytes:
    """An elliptic signature as OpenSSL wants it: a sequence of two whole numbers, each in its shortest form."""
    r, s = _shortest(r), _shortest(s)
    first, second = len(r), len(s)
    return b"".join((_SEQUENCES[first + second + 4], _INTEGERS[first], r, _INTEGERS[second], s))


def _shortest(number: bytes) -> bytes:
    """A number without leading zeros, but for the one that says that it is not negative."""
    if not number[0]:
        number = number.lstrip(b"\0") or b"\0"
    return b"\0" + number if number[0] & 0x80 else number


class _Edwards(PublicKey):
    __slots__ = ("_check",)

    def __init__(self, key: "ed25519.Ed25519PublicKey | ed448.Ed448PublicKey") -> None:
        super().__init__(("EdDSA",))
        self._check = key.verify

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        if algorithm != "EdDSA":
            return False
        try:
            self._check(signature, signed)
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=1024)
def public_key(algorithm: str, pem: str) -> PublicKey:
    """The key of a PEM text, for one algorithm. Raises UnusableKeyError."""
    key = _of_pem(pem)
    if algorithm not in key.algorithms:
        raise UnusableKeyError(f"a key for {', '.join(sorted(key.algorithms))}, not for {algorithm}")
    return key


def _of_pem(pem: str) -> PublicKey:
    try:
        return _wrapped(load_pem_public_key(pem.encode("utf-8", "surrogatepass")))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, UnusableKeyError):
            raise
        raise UnusableKeyError("not a public key in PEM form") from None


def key_of_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """The key of a JWK for signatures (RFC 7517). Raises UnusableKeyError.

    Symmetric keys are refused: what is published is no secret.
    """
    read = _READERS.get(_text(jwk, "kty"))
    if read is None:
        raise UnusableKeyError("of a type that signs nothing here (kty)")
    if jwk.get("use", "sig") != "sig":
        raise UnusableKeyError("not for signatures (use)")
    operations = jwk.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise UnusableKeyError("not for checking signatures (key_ops)")
    try:
        key = _wrapped(read(jwk))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise error if isinstance(error, UnusableKeyError) else UnusableKeyError(str(error)) from None
    algorithm = jwk.get("alg")
    if algorithm is None or (isinstance(algorithm, str) and algorithm in key.algorithms):
        return key
    raise UnusableKeyError("for an algorithm that its type does not have (alg)")


def _wrapped(key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey):
        return _Rsa(key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _Elliptic(key)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return _Edwards(key)
    raise UnusableKeyError("of a type that signs nothing here")


def _rsa(jwk: Mapping[str, Any]) -> object:
    return rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key()


def _elliptic(jwk: Mapping[str, Any]) -> object:
    curve = _CURVES.get(_text(jwk, "crv"))
    if curve is None:
        raise UnusableKeyError("on a curve that no algorithm has (crv)")
    return ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), curve()).public_key()


def _edwards(jwk: Mapping[str, Any]) -> object:
    read = _EDWARDS.get(_text(jwk, "crv"))
    if read is None:
        raise UnusableKeyError("on a curve that no algorithm has (crv)")
    return read(_octets(jwk, "x"))


_READERS: dict[str, Callable[[Mapping[str, Any]], object]] = {"RSA": _rsa, "EC": _elliptic, "OKP": _edwards}


def _number(jwk: Mapping[str, Any], member: str) -> int:
    return int.from_bytes(_octets(jwk, member), "big")


def _octets(jwk: Mapping[str, Any], member: str) -> bytes:
    text = _text(jwk, member)
    if len(text) > _LONGEST:
        raise UnusableKeyError(f"{member} is too long")
    try:
        return base64url(text.encode("ascii"))
    except ValueError:
        raise UnusableKeyError(f"{member} is not base64url") from None


def _text(jwk: Mapping[str, Any], member: str) -> str:
    value = jwk.get(member)
    if not isinstance(value, str) or not value:
        raise UnusableKeyError(f"{member} is missing")
    return value
