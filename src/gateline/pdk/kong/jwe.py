"""`kong.enterprise_edition.jwe`: encrypted tokens (RFC 7516) with A256GCM, keys by RSA-OAEP or ECDH-ES."""

import json
import os
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from gateline.pdk.kong.exceptions import Failure
from gateline.pdk.kong.surface import Group, function

__all__ = ["EnterpriseEdition"]

_CURVES: Mapping[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
_NAMES = {curve.name: name for name, curve in ((name, made()) for name, made in _CURVES.items())}
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - what RSA-OAEP is (RFC 7518, 4.3)
_LARGEST = 1024 * 1024
"""Bytes of a deflated plaintext once it is inflated."""


class Jwe(Group):
    """`kong.enterprise_edition.jwe`."""

    __slots__ = ()

    @function(fails=True)
    def decode(self, token: Any) -> dict[Any, Any]:
        parts = _parts(token)
        decoded = [_decoded(part) for part in parts]
        table: dict[Any, Any] = dict(enumerate(parts, start=1))
        names = ("protected", "encrypted_key", "iv", "ciphertext", "tag")
        return table | dict(zip(names, decoded, strict=True)) | {"protected": _header(parts[0]), "aad": parts[0]}

    @function(fails=True)
    def decrypt(self, key: Any, token: Any) -> str:
        parts = _parts(token)
        header = _header(parts[0])
        encrypted, nonce, ciphertext, tag = (_decoded(part) for part in parts[1:])
        if header.get("enc") != "A256GCM":
            raise Failure(f"unsupported encryption algorithm: {header.get('enc')}")
        if "crit" in header or header.get("zip") not in (None, "DEF"):
            raise Failure("the token asks for what is not supported")
        secret = _unwrapped(_private(key), header, encrypted)
        try:
            plain = AESGCM(secret).decrypt(nonce, ciphertext + tag, parts[0].encode())
        except (InvalidTag, ValueError):
            raise Failure("unable to decrypt token") from None
        if header.get("zip") == "DEF":
            plain = _inflated(plain)
        return plain.decode("utf-8", "replace")

    @function(fails=True)
    def encrypt(self, alg: Any, enc: Any, key: Any, plaintext: Any, options: Any = None) -> str:
        if enc != "A256GCM":
            raise Failure(f"unsupported encryption algorithm: {enc}")
        options = options if isinstance(options, Mapping) else {}
        header: dict[str, Any] = {"alg": alg, "enc": enc}
        data = plaintext if isinstance(plaintext, bytes) else str(plaintext).encode()
        if options.get("zip") == "DEF":
            header["zip"] = "DEF"
            deflate = zlib.compressobj(wbits=-15)
            data = deflate.compress(data) + deflate.flush()
        public = _public(key)
        if alg == "RSA-OAEP" and isinstance(public, rsa.RSAPublicKey):
            secret = os.urandom(32)
            encrypted = public.encrypt(secret, _OAEP)
        elif alg == "ECDH-ES" and isinstance(public, ec.EllipticCurvePublicKey):
            ephemeral = ec.generate_private_key(public.curve)
            header["epk"] = _jwk(ephemeral.public_key())
            for name in ("apu", "apv"):
                value = options.get(name)
                if value is not False:
                    given = os.urandom(16) if value in (None, True) else str(value).encode()
                    header[name] = _encoded(given)
            secret = _derived(ephemeral.exchange(ec.ECDH(), public), header)
            encrypted = b""
        else:
            raise Failure(f"unsupported algorithm for this key: {alg}")
        protected = _encoded(json.dumps(header, separators=(",", ":")).encode())
        nonce = os.urandom(12)
        sealed = AESGCM(secret).encrypt(nonce, data, protected.encode())
        return ".".join([protected, *map(_encoded, (encrypted, nonce, sealed[:-16], sealed[-16:]))])


class EnterpriseEdition(Group):
    """`kong.enterprise_edition`."""

    __slots__ = ()

    groups = {"jwe": Jwe}  # noqa: RUF012 - a constant of the base's kind


def _parts(token: Any) -> list[str]:
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 5:
        raise Failure("invalid JWE token: expected 5 parts")
    return parts


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: Any) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError):
        raise Failure("invalid JWE token: not base64url") from None


def _header(part: str) -> dict[str, Any]:
    try:
        header = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise Failure("invalid JWE token: the header is not JSON") from None
    if not isinstance(header, dict):
        raise Failure("invalid JWE token: the header is no object")
    return header


def _unwrapped(private: Any, header: Mapping[str, Any], encrypted: bytes) -> bytes:
    """The key that the content is encrypted with."""
    alg = header.get("alg")
    try:
        if alg == "RSA-OAEP" and isinstance(private, rsa.RSAPrivateKey):
            secret: bytes = private.decrypt(encrypted, _OAEP)
            return secret
        if alg == "ECDH-ES" and isinstance(private, ec.EllipticCurvePrivateKey) and not encrypted:
            peer = _public(header.get("epk"))
            return _derived(private.exchange(ec.ECDH(), peer), header)
    except (ValueError, TypeError):
        raise Failure("unable to decrypt token") from None
    raise Failure(f"unsupported algorithm for this key: {alg}")


def _derived(shared: bytes, header: Mapping[str, Any]) -> bytes:
    """RFC 7518, section 4.6.2."""
    fields = [str(header["enc"]).encode(), _decoded(header.get("apu", "")), _decoded(header.get("apv", ""))]
    other = b"".join(len(field).to_bytes(4, "big") + field for field in fields) + (256).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), 32, other).derive(shared)


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=-15)
    try:
        plain = inflate.decompress(data, _LARGEST)
    except zlib.error:
        raise Failure("unable to decrypt token: bad deflate") from None
    if inflate.unconsumed_tail or not inflate.eof:
        raise Failure("unable to decrypt token: the plaintext is too long")
    return plain


def _private(key: Any) -> Any:
    """A private key from a JWK (text or table), PEM or DER."""
    return _key(key, private=True)


def _public(key: Any) -> Any:
    return _key(key, private=False)


def _key(key: Any, *, private: bool) -> Any:
    try:
        if isinstance(key, str) and key.lstrip().startswith("{"):
            key = json.loads(key)
        if isinstance(key, Mapping):
            return _from_jwk(key, private=private)
        data = key.encode("latin-1") if isinstance(key, str) else bytes(key)
        pem = b"-----BEGIN" in data
        if private:
            return (serialization.load_pem_private_key if pem else serialization.load_der_private_key)(data, None)
        return (serialization.load_pem_public_key if pem else serialization.load_der_public_key)(data)
    except (ValueError, TypeError, KeyError):
        raise Failure("the key cannot be read") from None


def _number(jwk: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_decoded(jwk[name]), "big")


def _from_jwk(jwk: Mapping[str, Any], *, private: bool) -> Any:
    if jwk.get("kty") == "EC":
        public = ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), _CURVES[str(jwk.get("crv"))]())
        if private:
            return ec.EllipticCurvePrivateNumbers(_number(jwk, "d"), public).private_key()
        return public.public_key()
    if jwk.get("kty") == "RSA":
        numbers = rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n"))
        if not private:
            return numbers.public_key()
        d = _number(jwk, "d")
        p, q = (
            (_number(jwk, "p"), _number(jwk, "q"))
            if "p" in jwk
            else rsa.rsa_recover_prime_factors(numbers.n, numbers.e, d)
        )
        return rsa.RSAPrivateNumbers(
            p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), numbers
        ).private_key()
    raise ValueError(jwk.get("kty"))


def _jwk(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    size = (public.curve.key_size + 7) // 8
    return {
        "kty": "EC",
        "crv": _NAMES[public.curve.name],
        "x": _encoded(numbers.x.to_bytes(size, "big")),
        "y": _encoded(numbers.y.to_bytes(size, "big")),
    }
