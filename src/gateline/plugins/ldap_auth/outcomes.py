"""What became of logins lately: bounded, for a time, without user names or passwords in memory.

What is kept is found by a digest that is keyed with a secret of this process. Logins that failed are kept apart from
those that did not, so that whoever tries passwords pushes out nobody's login.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic
from typing import Generic, TypeVar

__all__ = ["Outcomes"]

T = TypeVar("T")

LIMIT = 10_000
"""Logins of each sort that are kept."""


class Outcomes(Generic[T]):
    """See the module. `ttl` in seconds; with 0 nothing is kept."""

    def __init__(self, ttl: float, *, limit: int = LIMIT, clock: Callable[[], float] = monotonic) -> None:
        self._ttl = ttl
        self._limit = limit
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, tuple[float, T]] = OrderedDict()
        self._bad: OrderedDict[bytes, tuple[float, None]] = OrderedDict()

    def key(self, username: str, password: str) -> bytes:
        """Under what the outcome of a login is kept."""
        name = username.encode("utf-8", "surrogateescape")
        digest = blake2b(len(name).to_bytes(8, "big"), key=self._secret, digest_size=32)
        digest.update(name)
        digest.update(password.encode("utf-8", "surrogateescape"))
        return digest.digest()

    def get(self, key: bytes) -> tuple[T | None] | None:
        """What a login gave, which is None where it failed; no tuple where nothing is known."""
        known = self._good.get(key) or self._bad.get(key)
        if known is None or known[0] <= self._clock():
            return None
        return (known[1],)

    def put(self, key: bytes, outcome: T | None) -> None:
        """Keep what a login gave."""
        if self._ttl <= 0:
            return
        end = self._clock() + self._ttl
        self._good.pop(key, None)
        self._bad.pop(key, None)
        if outcome is None:
            self._bad[key] = end, None
            self._bound(self._bad)
        else:
            self._good[key] = end, outcome
            self._bound(self._good)

    def _bound(self, kept: OrderedDict[bytes, tuple[float, T]] | OrderedDict[bytes, tuple[float, None]]) -> None:
        while len(kept) > self._limit:
            kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._good) + len(self._bad)
