"""Client secrets that are kept as hashes, in the form of Kong's: `$pbkdf2-sha512$i=10000,l=32$SALT$HASH`."""

import hmac
import os
import re
from base64 import b64decode, b64encode
from hashlib import blake2b, pbkdf2_hmac

from gateline.pdk.generational_cache import GenerationalCache

__all__ = ["Verified", "hashed", "is_hashed", "verify"]

_ITERATIONS, _LENGTH, _SALT = 10_000, 32, 16
_MOST_ITERATIONS = 1_000_000
_FORM = re.compile(
    r"\$pbkdf2-(sha1|sha256|sha384|sha512)\$i=([1-9][0-9]{0,6}),l=([1-9][0-9]?)"
    r"\$([A-Za-z0-9+/]{1,128}={0,2})\$([A-Za-z0-9+/]{1,128}={0,2})"
)
_REMEMBERED = 1024


def hashed(secret: str) -> str:
    """The hash of a secret, with a new salt."""
    salt = os.urandom(_SALT)
    made = pbkdf2_hmac("sha512", _bytes(secret), salt, _ITERATIONS, _LENGTH)
    return f"$pbkdf2-sha512$i={_ITERATIONS},l={_LENGTH}${_text(salt)}${_text(made)}"


def is_hashed(text: str) -> bool:
    """Whether a text is such a hash."""
    return _FORM.fullmatch(text) is not None


def verify(secret: str, kept: str) -> bool:
    """Whether a hash is that of a secret. Takes some milliseconds, in which other threads can go on."""
    found = _FORM.fullmatch(kept)
    if found is None or int(found[2]) > _MOST_ITERATIONS:
        return False
    try:
        salt, wanted = (b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)) for part in found.group(4, 5))
    except ValueError:
        return False
    made = pbkdf2_hmac(found[1], _bytes(secret), salt, int(found[2]), int(found[3]))
    return hmac.compare_digest(made, wanted)


class Verified:
    """Remembers which secrets were right, so that a client that comes often is not hashed each time."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._known = GenerationalCache(_REMEMBERED)

    def knows(self, secret: str, kept: str) -> bool:
        """Whether this secret was right for this hash."""
        known = self._known.get(kept)
        return known is not None and hmac.compare_digest(known, self._mark(secret))

    def remember(self, secret: str, kept: str) -> None:
        """It was."""
        self._known.put(kept, self._mark(secret))

    def _mark(self, secret: str) -> bytes:
        return blake2b(_bytes(secret), key=self._key).digest()


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode()
