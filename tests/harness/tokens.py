"""Signed tokens for tests, right and wrong ones, made without the code that is tested."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["Key", "b64", "jwk", "jwks", "key_for", "pem", "rsa_key", "signed", "token"]

Key = Any
"""A secret (bytes), or a private key of `cryptography`."""

_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES: dict[str, tuple[ec.EllipticCurve, int, str]] = {
    "ES256": (ec.SECP256R1(), 32, "P-256"),
    "ES384": (ec.SECP384R1(), 48, "P-384"),
    "ES512": (ec.SECP521R1(), 66, "P-521"),
}


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@lru_cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@lru_cache
def key_for(algorithm: str, number: int = 0) -> Key:
    """A key for an algorithm; others for other numbers."""
    if algorithm.startswith("HS"):
        return f"a secret of some length, number {number}".encode()
    if algorithm[:2] in ("RS", "PS"):
        return rsa_key(number=number)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(_CURVES[algorithm][0])


def token(
    claims: Mapping[str, Any] | str | bytes,
    algorithm: str = "HS256",
    key: Key = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """A token. `header` adds to, or (None) takes from, what its header says; the signature is by `algorithm`."""
    head = {"alg": algorithm, "typ": "JWT", **(header or {})}
    payload = (
        claims if isinstance(claims, bytes) else (claims if isinstance(claims, str) else json.dumps(claims)).encode()
    )
    text = json.dumps({name: value for name, value in head.items() if value is not None})
    return signed(b64(text.encode()), b64(payload), algorithm, key)


def signed(head: str, payload: str, algorithm: str, key: Key = None) -> str:
    """A token of parts that are encoded already."""
    text = f"{head}.{payload}"
    return f"{text}.{b64(signature(text.encode(), algorithm, key if key is not None else key_for(algorithm)))}"


def signature(data: bytes, algorithm: str, key: Key) -> bytes:
    if isinstance(key, bytes):
        return hmac.digest(key, data, f"sha{algorithm[2:]}")
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return key.sign(data)
    digest = _HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert isinstance(key, rsa.RSAPrivateKey)
    if algorithm.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


def pem(key: Key) -> str:
    """A key's public half."""
    public: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode()


def jwk(key: Key, **more: Any) -> dict[str, Any]:
    """A key's public half (of a secret: itself) as a JWK; a None takes a member away."""
    return {name: value for name, value in {**_public(key), **more}.items() if value is not None}


def jwks(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def _public(key: Key) -> dict[str, Any]:
    if isinstance(key, bytes):
        return {"kty": "oct", "k": b64(key)}
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": b64(_octets(numbers.n)), "e": b64(_octets(numbers.e))}
    if isinstance(public, ec.EllipticCurvePublicKey):
        size = (public.curve.key_size + 7) // 8
        names = {one.name: name for one, _, name in _CURVES.values()}
        point = public.public_numbers()
        x, y = (b64(number.to_bytes(size, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": names.get(public.curve.name, public.curve.name), "x": x, "y": y}
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519" if len(raw) == 32 else "Ed448", "x": b64(raw)}


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
