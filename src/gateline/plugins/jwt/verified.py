"""Tokens that were verified already: one memory for all of a worker's plugins, of a bounded size.

It has two halves: when the younger one is full it becomes the older one, which is thrown away then; what is found in
the older one moves back to the younger one. Only tokens that are right are kept: nobody can push them out by guessing.

A token is looked for by its end, a part of its signature, and then compared as a whole: to hash all of it would be a
third of what a look-up costs. Who has another token with the same end pushes it out, and nothing else.
"""

from typing import Any

__all__ = ["LIMIT", "Verified", "VerifiedTokens", "verified"]

LIMIT = 32 * 1024 * 1024
"""Bytes that they take, all together and about."""

_OF_AN_ENTRY = 1500
_PER_CHARACTER = 5
"""What a token's claims take as objects, beside the token itself."""

_END = 32
"""Characters of a token's end: 192 bits of a signature."""


class Verified:
    """What is known of a token, its text. `until`: seconds since 1970, when it expires."""

    __slots__ = ("identity", "text", "until")

    def __init__(self, text: str, identity: Any, until: float) -> None:
        self.text = text
        self.identity = identity
        self.until = until

    def stands(self) -> bool:
        """Whether what it was verified with, and who it stands for, are as they were."""
        raise NotImplementedError


class VerifiedTokens:
    """The memory. `number` is that of the plugin that has verified a token."""

    __slots__ = ("_half", "_old", "_size", "_young")

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = limit // 2
        self._size = 0
        self._young: dict[tuple[int, str], Verified] = {}
        self._old: dict[tuple[int, str], Verified] = {}

    def get(self, number: int, text: str) -> Verified | None:
        """What is known of a token."""
        key = (number, text[-_END:])
        known = self._young.get(key)
        if known is None:
            known = self._old.pop(key, None)
            if known is None:
                return None
            self.put(number, known)
        return known if known.text == text else None

    def put(self, number: int, known: Verified) -> None:
        """Keep what is known of a token."""
        text = known.text
        size = _OF_AN_ENTRY + _PER_CHARACTER * len(text)
        if self._size + size > self._half:
            self._young, self._old, self._size = {}, self._young, 0
            if size > self._half:
                return
        self._size += size
        self._young[(number, text[-_END:])] = known

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


verified = VerifiedTokens()
"""The worker's."""
