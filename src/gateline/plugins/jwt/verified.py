"""Tokens that were verified already: one memory for all of a worker's plugins, of a bounded size.

It has two halves: when the younger one is full it becomes the older one, which is thrown away then; what is found in
the older one moves back to the younger one. Only tokens that are right are kept: nobody can push them out by guessing.
"""

from typing import Any

__all__ = ["LIMIT", "Verified", "VerifiedTokens", "verified"]

LIMIT = 32 * 1024 * 1024
"""Bytes that they take, all together and about."""

_OF_AN_ENTRY = 1500
_PER_CHARACTER = 5
"""What a token's claims take as objects, beside the token itself."""


class Verified:
    """What is known of a token. `until`: seconds since 1970, when it expires."""

    __slots__ = ("identity", "until")

    def __init__(self, identity: Any, until: float) -> None:
        self.identity = identity
        self.until = until

    def stands(self) -> bool:
        """Whether what it was verified with, and who it stands for, are as they were."""
        raise NotImplementedError


class VerifiedTokens:
    """The memory. A key is a plugin's number and a token."""

    __slots__ = ("_half", "_old", "_size", "_young")

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = limit // 2
        self._size = 0
        self._young: dict[tuple[int, str], Verified] = {}
        self._old: dict[tuple[int, str], Verified] = {}

    def get(self, key: tuple[int, str]) -> Verified | None:
        """What is known of a token."""
        known = self._young.get(key)
        if known is None:
            known = self._old.pop(key, None)
            if known is not None:
                self.put(key, known)
        return known

    def put(self, key: tuple[int, str], known: Verified) -> None:
        """Keep what is known of a token."""
        size = _OF_AN_ENTRY + _PER_CHARACTER * len(key[1])
        if self._size + size > self._half:
            self._young, self._old, self._size = {}, self._young, 0
            if size > self._half:
                return
        if key not in self._young:
            self._size += size
        self._young[key] = known

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


verified = VerifiedTokens()
"""The worker's."""
