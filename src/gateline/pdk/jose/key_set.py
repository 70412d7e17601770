"""A set of public keys that an issuer publishes (RFC 7517, section 5), found by their ids.

The set comes from elsewhere and may hold anything: how many keys it has is bounded, keys that cannot be used are left
out, and each is made when a token asks for it first.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from gateline.pdk.jose.keys import PublicKey, UnusableKeyError, key_of_jwk
from gateline.pdk.jose.tokens import object_of

__all__ = ["MOST_KEYS", "KeySet", "KeySetError"]

MOST_KEYS = 100
"""Keys in a set."""


class KeySetError(ValueError):
    """A text is no set of keys, or there is no key in it that can be used; says why."""


class _Entry:
    __slots__ = ("algorithm", "jwk", "key")

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        self.jwk: Mapping[str, Any] | None = jwk
        self.algorithm: Any = jwk.get("alg")
        self.key: PublicKey | None = None

    def usable(self) -> PublicKey | None:
        if self.jwk is not None:
            try:
                self.key = key_of_jwk(self.jwk)
            except UnusableKeyError:
                self.key = None
            self.jwk = None
        return self.key


class KeySet:
    """A set. `KeySet.read` gives the same object for the same bytes, so that its keys are made once."""

    __slots__ = ("_all", "_by_id")

    def __init__(self, jwks: list[Mapping[str, Any]]) -> None:
        self._all = [_Entry(jwk) for jwk in jwks]
        self._by_id: dict[str, list[_Entry]] = {}
        for jwk, entry in zip(jwks, self._all, strict=True):
            name = jwk.get("kid")
            if isinstance(name, str):
                self._by_id.setdefault(name, []).append(entry)

    @staticmethod
    def read(data: bytes) -> "KeySet":
        """The set in a document. Raises KeySetError."""
        return _read(data)

    @staticmethod
    def problem(data: bytes) -> str | None:
        """Why a document cannot be used; None when there is a key in it that can."""
        try:
            keys = _read(data)
        except KeySetError as error:
            return str(error)
        return None if keys.usable() else "no key in it can be used"

    def usable(self) -> bool:
        """Whether there is a key in it that can be used."""
        return any(entry.usable() for entry in self._all)

    def find(self, key_id: Any, algorithm: str) -> PublicKey | None:
        """The key of an id that serves an algorithm. Without an id (None), the one key that serves it, if it is one."""
        if key_id is None:
            served = list(_serving(iter(self._all), algorithm))
            return served[0] if len(served) == 1 else None
        if not isinstance(key_id, str):
            return None
        return next(_serving(iter(self._by_id.get(key_id, ())), algorithm), None)


def _serving(entries: Iterator[_Entry], algorithm: str) -> Iterator[PublicKey]:
    for entry in entries:
        if entry.algorithm is not None and entry.algorithm != algorithm:
            continue
        key = entry.usable()
        if key is not None and algorithm in key.algorithms:
            yield key


@lru_cache(maxsize=64)
def _read(data: bytes) -> KeySet:
    try:
        keys = object_of(data).get("keys")
    except ValueError:
        raise KeySetError("not a JSON object, or one with a member twice") from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise KeySetError("without a list of keys")
    if len(keys) > MOST_KEYS:
        raise KeySetError(f"{len(keys)} keys, of which {MOST_KEYS} are taken at most")
    return KeySet(keys)
