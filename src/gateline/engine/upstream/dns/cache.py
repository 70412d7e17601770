"""What a resolver remembers of names: answers and failures, the names asked for last."""

from collections import OrderedDict
from dataclasses import dataclass

from gateline.engine.upstream.dns.answer import Answer, NameResolutionError
from gateline.engine.upstream.dns.lookup import Found

__all__ = ["Cache", "Remembered"]


@dataclass(slots=True)
class Remembered:
    """What is known of a name. `until` then it holds as it is; points in time on the monotonic clock.

    A failed look-up leaves the answer that there was, for the time that it may serve on.
    """

    found: Found | None
    failure: NameResolutionError | None
    until: float
    stale_until: float

    def serves(self, now: float) -> Answer | None:
        """The answer that may be used now, even if it is an old one."""
        return self.found.answer if self.found is not None and now < self.stale_until else None


class Cache:
    """So many names, those that were asked for last."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._names: OrderedDict[str, Remembered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._names)

    def get(self, name: str) -> Remembered | None:
        """What is known of a name."""
        known = self._names.get(name)
        if known is not None:
            self._names.move_to_end(name)
        return known

    def put(self, name: str, known: Remembered) -> None:
        """Remember it, and forget the name that nobody asked for the longest when there are too many."""
        self._names[name] = known
        self._names.move_to_end(name)
        if len(self._names) > self._size:
            self._names.popitem(last=False)

    def expire(self) -> None:
        """Let nothing hold any more: everything is asked for again, and serves until that is answered."""
        for known in self._names.values():
            known.until = 0.0
