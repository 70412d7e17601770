"""What is in the cookie of a session: sealed, so that nobody reads it, makes one, or changes one.

    version (1) · id (32) · nonce (12) · AES-256-GCM of the token, in base64url

Each id has a key of its own, derived from the secret; what the seal is for (the cookie's name, the audience, whether it
is the cookie or the row in the store) is authenticated with it, so that nothing can be used in another place.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["ID_OCTETS", "Kept", "Seals", "Token", "named", "new_id"]

ID_OCTETS = 32
LONGEST = 8192
"""Characters of a cookie's value that are looked at."""
KNOWN = 1024
"""Cookies, and rows, that were opened lately and are not opened again."""

_VERSION = b"\x01"
_NONCE_OCTETS = 12
_TAG_OCTETS = 16
_HEAD = len(_VERSION) + ID_OCTETS
_ALPHABET = re.compile("[A-Za-z0-9_-]+")


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """Who a session is of: ids of consumer and credential, groups that came with the authentication, the name."""

    consumer: str
    credential: str
    groups: tuple[str, ...] | None
    subject: str


class Token(msgspec.Struct, array_like=True, frozen=True):
    """What a cookie holds: when the session began, was renewed and was used (seconds since 1970), and who it is of,
    unless that is in the store."""

    created: int
    rolled: int
    touched: int
    kept: Kept | None


Key = TypeVar("Key")
Opened = TypeVar("Opened")

_encode = msgspec.msgpack.Encoder().encode
_token = msgspec.msgpack.Decoder(Token).decode
_kept = msgspec.msgpack.Decoder(Kept).decode


def new_id() -> bytes:
    """An id that nobody can guess."""
    return secrets.token_bytes(ID_OCTETS)


def named(id: bytes) -> str:  # noqa: A002 - what it is
    """An id as a text."""
    return urlsafe_b64encode(id).decode().rstrip("=")


class Seals:
    """Seals and opens tokens of one use."""

    def __init__(self, secret: str, use: str) -> None:
        kdf = HKDF(SHA256(), 32, salt=None, info=b"gateline session")
        self._secret = kdf.derive(secret.encode())
        self._use = use.encode()
        self._known: dict[str, tuple[bytes, Token]] = {}
        self._known_rows: dict[tuple[bytes, str], Kept] = {}

    def sealed(self, id: bytes, token: Token) -> str:  # noqa: A002
        """The value of a cookie."""
        return urlsafe_b64encode(_VERSION + id + self._seal(id, b"cookie", _encode(token))).decode().rstrip("=")

    def opened(self, text: str) -> tuple[bytes, Token] | None:
        """Id and token of a cookie's value; None where it is none of ours."""
        known = self._known.get(text)
        if known is None:
            known = self._open_cookie(text)
            if known is not None:
                _put(self._known, text, known)
        return known

    def _open_cookie(self, text: str) -> tuple[bytes, Token] | None:
        if len(text) > LONGEST or _ALPHABET.fullmatch(text) is None:
            return None
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        if len(raw) < _HEAD + _NONCE_OCTETS + _TAG_OCTETS or raw[:1] != _VERSION:
            return None
        id = raw[1:_HEAD]  # noqa: A001
        try:
            return id, _token(self._open(id, b"cookie", raw[_HEAD:]))
        except (InvalidTag, msgspec.DecodeError):
            return None

    def sealed_row(self, id: bytes, kept: Kept) -> str:  # noqa: A002
        """What the store keeps of a session."""
        return urlsafe_b64encode(self._seal(id, b"row", _encode(kept))).decode()

    def opened_row(self, id: bytes, text: str) -> Kept | None:  # noqa: A002
        """Who a session is of that the store keeps; None where it was not sealed for this id."""
        known = self._known_rows.get((id, text))
        if known is None:
            try:
                known = _kept(self._open(id, b"row", urlsafe_b64decode(text)))
            except (InvalidTag, ValueError, msgspec.DecodeError):
                return None
            _put(self._known_rows, (id, text), known)
        return known

    def _seal(self, id: bytes, place: bytes, content: bytes) -> bytes:  # noqa: A002
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return nonce + self._cipher(id).encrypt(nonce, content, place + b"\0" + self._use)

    def _open(self, id: bytes, place: bytes, sealed: bytes) -> bytes:  # noqa: A002
        nonce, content = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
        if len(content) < _TAG_OCTETS:
            raise InvalidTag
        return self._cipher(id).decrypt(nonce, content, place + b"\0" + self._use)

    def _cipher(self, id: bytes) -> AESGCM:  # noqa: A002
        return AESGCM(hmac.digest(self._secret, id, "sha256"))


def _put(known: dict[Key, Opened], key: Key, opened: Opened) -> None:
    if len(known) >= KNOWN:
        known.clear()
    known[key] = opened
