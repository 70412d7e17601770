"""Certificates and keys in PEM form: what is wrong with one, and whether they fit. Loads `cryptography` when asked."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_BEGIN = "-----BEGIN CERTIFICATE-----"


def certificate(value: str) -> str | None:
    """A certificate, perhaps with its chain after it."""
    try:
        loaded(value)
    except ValueError as error:
        return f"invalid certificate: {error}"
    return None


def private_key(value: str) -> str | None:
    """A private key without a password."""
    try:
        _key(value)
    except ValueError as error:
        return f"invalid key: {error}"
    return None


def public_key(value: str) -> str | None:
    """A public key, or a private one, of which the public half is taken."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        load_pem_public_key(value.encode())
    except (ValueError, UnsupportedAlgorithm):
        return private_key(value) and "invalid key: not a public key in PEM form"
    return None


def fit(certificate_pem: str, key_pem: str) -> bool:
    """Whether a certificate is for a private key."""
    return _spki(loaded(certificate_pem).public_key()) == _spki(_key(key_pem).public_key())


def key_type(certificate_pem: str) -> str:
    """Of which type a certificate's key is: `RSAPublicKey`, `ECPublicKey`, ..."""
    return type(loaded(certificate_pem).public_key()).__name__


def count(certificate_pem: str) -> int:
    """How many certificates a text holds."""
    return certificate_pem.count(_BEGIN)


def digest(certificate_pem: str) -> str:
    """SHA-256 of a certificate, hex."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return loaded(certificate_pem).fingerprint(SHA256()).hex()


def expired(certificate_pem: str) -> bool:
    """Whether a certificate's time is over."""
    return loaded(certificate_pem).not_valid_after_utc < datetime.now(UTC)


def is_authority(certificate_pem: str) -> bool:
    """Whether a certificate says that it may sign others (the basic constraint "CA")."""
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return loaded(certificate_pem).extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


@lru_cache(maxsize=16)
def loaded(pem: str) -> "Certificate":
    """The first certificate of a text. Raises ValueError with a short reason."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import load_pem_x509_certificate

    if _BEGIN not in pem:
        raise ValueError("not a certificate in PEM form")
    try:
        made = load_pem_x509_certificate(pem.encode())
        made.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it cannot be read") from None
    return made


@lru_cache(maxsize=16)
def _key(pem: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "-----BEGIN " not in pem:
        raise ValueError("not a key in PEM form")
    try:
        made = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ValueError("it is protected by a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it cannot be read") from None
    return made


def _spki(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
