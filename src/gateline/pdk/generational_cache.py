"""A bounded cache of a process, for what is quicker to keep than to find or to make again.

It has two generations: when the younger one is full it becomes the older one, which is thrown away then; what is found
in the older one moves back to the younger one. So what is used stays, and nothing has to be told how often.
"""

from typing import Any

__all__ = ["GenerationalCache"]


_ABSENT: Any = object()


class GenerationalCache:
    """Values by hashable keys, `limit` of them at most."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, else the default."""
        value = self._young.get(key, _ABSENT)
        if value is _ABSENT:
            value = self._old.pop(key, _ABSENT) if self._old else _ABSENT
            if value is _ABSENT:
                return default
            self.put(key, value)
        return value

    def put(self, key: Any, value: Any) -> None:
        """Keep a value."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        self._young[key] = value
