"""JSON Web Keys (RFC 7517): what is wrong with one. Loads `cryptography` when asked."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

_CURVES = {"P-256": "SECP256R1", "P-384": "SECP384R1", "P-521": "SECP521R1", "secp256k1": "SECP256K1"}
_BYTES = {"Ed25519": ("ed25519", "Ed25519PublicKey"), "Ed448": ("ed448", "Ed448PublicKey")}
_BYTES |= {"X25519": ("x25519", "X25519PublicKey"), "X448": ("x448", "X448PublicKey")}


def problem(key: Mapping[str, Any]) -> str | None:
    """Why a key cannot be used; None when it can. Its public half is what is looked at."""
    from cryptography.exceptions import UnsupportedAlgorithm

    kind = key.get("kty")
    load = _LOADERS.get(kind) if isinstance(kind, str) else None
    if load is None:
        return f"unknown type of key (kty), expected one of: {', '.join(_LOADERS)}"
    try:
        load(key)
    except (ValueError, UnsupportedAlgorithm) as error:
        return str(error) or "it cannot be read"
    return None


def _rsa(key: Mapping[str, Any]) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    RSAPublicNumbers(_number(key, "e"), _number(key, "n")).public_key()


def _ec(key: Mapping[str, Any]) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    curve = _CURVES.get(_text(key, "crv"))
    if curve is None:
        raise ValueError(f"unknown curve (crv), expected one of: {', '.join(_CURVES)}")
    ec.EllipticCurvePublicNumbers(_number(key, "x"), _number(key, "y"), getattr(ec, curve)()).public_key()


def _okp(key: Mapping[str, Any]) -> None:
    from importlib import import_module

    curve = _BYTES.get(_text(key, "crv"))
    if curve is None:
        raise ValueError(f"unknown curve (crv), expected one of: {', '.join(_BYTES)}")
    module, name = curve
    getattr(import_module(f"cryptography.hazmat.primitives.asymmetric.{module}"), name).from_public_bytes(
        _bytes(key, "x")
    )


def _octets(key: Mapping[str, Any]) -> None:
    _bytes(key, "k")


_LOADERS: dict[str, Callable[[Mapping[str, Any]], None]] = {"RSA": _rsa, "EC": _ec, "OKP": _okp, "oct": _octets}


def _number(key: Mapping[str, Any], member: str) -> int:
    return int.from_bytes(_bytes(key, member), "big")


def _bytes(key: Mapping[str, Any], member: str) -> bytes:
    text = _text(key, member)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ValueError(f"{member} is not base64url") from None


def _text(key: Mapping[str, Any], member: str) -> str:
    value = key.get(member)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{member} is missing")
    return value
