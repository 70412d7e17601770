"""Credentials' secrets at rest: encrypted, hashed, or as they are.

A secret of a kind that declares `sealed` leaves the process in one of three forms: the text itself; a record with the
text encrypted, `{"aes256gcm": "KEY:BASE64"}`; or, where it is only ever compared, a text that says what it hashes to,
`sha256$START$DIGEST`. All three can be looked up by the same digest, and each form can be read whatever the setting
says now, so it may be changed at any time.
"""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = [
    "KEY_BYTES",
    "PLAIN",
    "SEALED",
    "Manner",
    "Sealer",
    "SealingError",
    "digest_of",
    "hashed_before",
    "is_hashed",
    "presented_digest",
]

Manner = Literal["encrypted", "hashed", "plain"]

KEY_BYTES = 32
SEALED = "aes256gcm"
"""The name in the record that an encrypted secret is."""
_NONCE = 12
_HASHED = re.compile(r"sha256\$[^$]{0,6}\$([0-9a-f]{64})")
_SHOWN = 6
"""Characters of a hashed secret that stay visible, at most; never more than a quarter of it."""


class SealingError(Exception):
    """A secret cannot be read: its key is not there, or somebody has changed it."""


def digest_of(kind: str, field: str, value: str) -> bytes:
    """What a stored value of a field is looked up by: a SHA-256, of which the value cannot be known again."""
    if value.startswith("sha256$") and (hashed := _HASHED.fullmatch(value)):
        return bytes.fromhex(hashed[1])
    return presented_digest(kind, field, value)


def presented_digest(kind: str, field: str, value: str) -> bytes:
    """The same of a value that a client presents, whatever it looks like: to have seen what is stored of a secret is
    not to know the secret."""
    return sha256(hashed_before(kind, field) + value.encode("utf-8", "surrogatepass")).digest()


def hashed_before(kind: str, field: str) -> bytes:
    """What stands before a field's value in what is hashed."""
    return f"{kind}\0{field}\0".encode()


def is_hashed(value: str) -> bool:
    """Whether a text is a hashed secret."""
    return _HASHED.fullmatch(value) is not None


def hashed(kind: str, field: str, value: str) -> str:
    """The hashed form of a secret; of one that is hashed already, itself."""
    if is_hashed(value):
        return value
    shown = value[: min(_SHOWN, len(value) // 4)].replace("$", "?")
    return f"sha256${shown}${digest_of(kind, field, value).hex()}"


class Sealer:
    """Brings secrets into the form in which they are kept, and back.

    `keys` are of `KEY_BYTES` bytes each; the first one encrypts, all decrypt.
    """

    def __init__(self, manner: Manner, keys: Sequence[bytes] = ()) -> None:
        if manner != "plain" and not keys:
            raise ValueError("secrets cannot be encrypted without a key")
        self.manner: Manner = manner
        self._ciphers = {sha256(b"gateline key\0" + key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers), "")

    def sealed(self, kind: str, wire: Mapping[str, Any], secrets: Mapping[str, bool]) -> dict[str, Any]:
        """A wire form as it is kept. `secrets`: the fields, and whether each is only ever compared."""
        kept = dict(wire)
        for field, compared in secrets.items():
            value = wire.get(field)
            if isinstance(value, str) and not is_hashed(value):
                if compared and self.manner == "hashed":
                    kept[field] = hashed(kind, field, value)
                elif self.manner != "plain":
                    kept[field] = self._encrypted(kind, field, value)
        return kept

    def opened(self, kind: str, kept: Mapping[str, Any], secrets: Mapping[str, bool]) -> dict[str, Any]:
        """The wire form of what is kept. Raises SealingError."""
        wire = dict(kept)
        for field in secrets:
            value = kept.get(field)
            if isinstance(value, Mapping):
                wire[field] = self._decrypted(kind, field, value)
        return wire

    def current(self, kept: Mapping[str, Any], secrets: Mapping[str, bool]) -> bool:
        """Whether what is kept is in the form that the setting asks for now, under the first key."""
        for field, compared in secrets.items():
            value = kept.get(field)
            if isinstance(value, Mapping):
                key = self.key_for(compared=compared)
                if key is None or not str(value.get(SEALED)).startswith(f"{key}:"):
                    return False
            elif isinstance(value, str) and self.manner != "plain" and not is_hashed(value):
                return False
        return True

    def key_for(self, *, compared: bool) -> str | None:
        """The name of the key that a secret is encrypted with now; None where the setting asks for another form."""
        return self._first if self.manner == "encrypted" or (self.manner == "hashed" and not compared) else None

    def _encrypted(self, kind: str, field: str, value: str) -> dict[str, str]:
        nonce = os.urandom(_NONCE)
        text = value.encode("utf-8", "surrogatepass")
        sealed = self._ciphers[self._first].encrypt(nonce, text, _context(kind, field))
        return {SEALED: f"{self._first}:{base64.b64encode(nonce + sealed).decode()}"}

    def _decrypted(self, kind: str, field: str, kept: Mapping[str, Any]) -> str:
        name, _, text = str(kept.get(SEALED)).partition(":")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise SealingError(f"{kind}.{field} is encrypted with the key {name}, which this node does not have")
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _context(kind, field)).decode("utf-8", "surrogatepass")
        except (ValueError, InvalidTag):
            raise SealingError(f"{kind}.{field} cannot be decrypted: it was changed") from None


def _context(kind: str, field: str) -> bytes:
    """What a sealed secret belongs to: it cannot be put anywhere else."""
    return f"{kind}.{field}".encode()


PLAIN = Sealer("plain")
"""Keeps secrets as they are."""
