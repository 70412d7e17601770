"""Dictionaries with a change in preparation: nothing is changed before `commit`, and dropping a draft is undoing it.

So a worker's configuration is never half changed, and a small change costs what it changes, not a copy of everything.
"""

from collections.abc import Collection, Iterator
from typing import Generic, TypeVar

__all__ = ["Draft", "Ids", "IdsDraft"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_SMALL = 500
"""So many changes are made at once."""
_FREED_AT_ONCE = 25


class Draft(Generic[_Key, _Value]):
    """A dictionary as it will be. Values are never None."""

    __slots__ = ("_merged", "_original", "_replaced", "_takes_out", "changed")

    def __init__(self, original: dict[_Key, _Value]) -> None:
        self._original = original
        self._merged: dict[_Key, _Value] | None = None
        self._replaced: list[_Value] = []
        self._takes_out = False
        self.changed: dict[_Key, _Value | None] = {}
        """What is other than in the original; None: what is gone."""

    def get(self, key: _Key) -> _Value | None:
        """The value, None where there is none."""
        if key in self.changed:
            return self.changed[key]
        return self._original.get(key)

    def put(self, key: _Key, value: _Value | None) -> None:
        """Set a value; None takes it out."""
        self.changed[key] = value
        if value is None:
            self._takes_out = True

    def keys(self) -> Iterator[_Key]:
        """The keys as they will be."""
        changed = self.changed
        yield from (key for key in self._original if key not in changed)
        yield from (key for key, value in changed.items() if value is not None)

    def news(self) -> Iterator[_Key]:
        """The keys that the original does not have, even if they were taken out again."""
        return (key for key in self.changed if key not in self._original)

    def gone(self) -> Iterator[_Key]:
        """The keys that were taken out, even if the original did not have them."""
        return (key for key, value in self.changed.items() if value is None)

    def steps(self) -> Iterator[None]:
        """What takes long of a large change, in pieces; nothing is put after that."""
        if len(self.changed) <= _SMALL:
            return
        if not self._original and not self._takes_out:
            self._merged = self.changed  # type: ignore[assignment]  # there is no None in it
            return
        merged: dict[_Key, _Value] = {}
        for place, (key, value) in enumerate(self._original.items()):
            if place % _SMALL == 0:
                yield
            if key not in self.changed:
                merged[key] = value
        for place, (key, changed) in enumerate(self.changed.items()):
            if place % _SMALL == 0:
                yield
            if changed is not None:
                merged[key] = changed
        self._merged = merged

    def commit(self) -> dict[_Key, _Value]:
        """The dictionary with the change: the original, or after a large change another."""
        if self._merged is not None:
            return self._merged
        for key, value in self.changed.items():
            old = self._original.get(key)
            if old is not None:
                self._replaced.append(old)
            if value is not None:
                self._original[key] = value
            elif old is not None:
                del self._original[key]
        return self._original

    def release(self) -> Iterator[None]:
        """After `commit`: let go of the values that are not used any more, a few at a time."""
        if self._merged is self.changed:
            return
        while self._replaced:
            del self._replaced[-_FREED_AT_ONCE:]
            yield
        for pile in (self.changed,) if self._merged is None else (self.changed, self._original):
            while pile:
                for _ in range(min(_FREED_AT_ONCE, len(pile))):
                    pile.popitem()
                yield


Ids = str | tuple[str, ...] | set[str]
"""The one that there is, as is mostly so, or a tuple of a few, or a set of many."""

_FEW = 64


class IdsDraft(Draft[str, Ids]):
    """A dictionary of ids by key; no keys without ids."""

    __slots__ = ()

    def of(self, key: str) -> Collection[str]:
        """The ids of a key."""
        ids = self.get(key)
        if ids is None:
            return ()
        return (ids,) if isinstance(ids, str) else ids

    def add(self, key: str, one: str) -> None:
        """Add an id to a key's."""
        ids = self.get(key)
        if ids is None or ids == one:
            self.changed[key] = one
        elif isinstance(ids, str):
            self.changed[key] = (ids, one)
        elif isinstance(ids, tuple) and len(ids) < _FEW:
            if one not in ids:
                self.changed[key] = (*ids, one)
        else:
            self._own(key, ids).add(one)

    def discard(self, key: str, one: str) -> None:
        """Take an id out of a key's."""
        ids = self.get(key)
        if ids is None or isinstance(ids, str):
            if ids == one:
                self.put(key, None)
        elif isinstance(ids, tuple):
            self.put(key, tuple([other for other in ids if other != one]) or None)
        else:
            own = self._own(key, ids)
            own.discard(one)
            if not own:
                self.put(key, None)

    def _own(self, key: str, ids: tuple[str, ...] | set[str]) -> set[str]:
        """The key's set, which may be changed: made, or copied, when it is asked for first."""
        if key not in self.changed or not isinstance(ids, set):
            ids = set(ids)
            self.changed[key] = ids
        return ids
