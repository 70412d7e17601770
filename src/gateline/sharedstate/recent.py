"""What a process found on a shelf lately, so that it need not look for it again: bounded in bytes, in two halves.

When the younger half is full it becomes the older one, which is thrown away then; what is used of the older one moves
back to the younger one.
"""

from gateline.sharedstate.shelf_bodies import KeptValue

__all__ = ["Recent"]

BESIDES = 1024
"""Bytes that a value takes beside its head and body."""
LARGEST_PART = 8
"""A value may take so many-th part of all at most."""


class Recent:
    """Values by their keys; `limit` in bytes. Each counts twice, for what is made of it (`KeptValue.made`)."""

    __slots__ = ("_half", "_largest", "_old", "_old_size", "_young", "_young_size")

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._largest = limit // LARGEST_PART
        self._young: dict[str, KeptValue] = {}
        self._old: dict[str, KeptValue] = {}
        self._young_size = self._old_size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self._young_size + self._old_size

    def get(self, key: str) -> KeptValue | None:
        """What is remembered."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.pop(key, None)
            if found is not None:
                self._old_size -= _size(found)
                self.put(key, found)
        return found

    def put(self, key: str, value: KeptValue) -> None:
        """Remember a value; what was remembered under the key is not any more."""
        self.remove(key)
        size = _size(value)
        if size > self._largest:
            return
        if self._young_size + size > self._half:
            self._old, self._young = self._young, {}
            self._old_size, self._young_size = self._young_size, 0
        self._young[key] = value
        self._young_size += size

    def remove(self, key: str) -> None:
        """Forget what is remembered under a key."""
        known = self._young.pop(key, None)
        if known is not None:
            self._young_size -= _size(known)
        known = self._old.pop(key, None)
        if known is not None:
            self._old_size -= _size(known)


def _size(value: KeptValue) -> int:
    return BESIDES + 2 * (len(value.head) + len(value.body))
