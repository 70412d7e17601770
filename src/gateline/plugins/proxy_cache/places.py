"""Where a request's entry is, and what there is of it."""

from collections.abc import AsyncIterator

from gateline.pdk.shelf import Kept
from gateline.plugins.proxy_cache.entries import entry_of, marker_names
from gateline.plugins.proxy_cache.keys import part_key
from gateline.plugins.proxy_cache.rules import Forwarded, Headers, Stored, Verdict, variant_key

__all__ = ["Place"]


class Place:
    """`primary` is the key of the target, `key` that of the entry, which differs where the answer varies by `names`.

    `shared_key` is the primary key for everybody.
    """

    __slots__ = ("kept", "key", "names", "pieces", "primary", "shared_key", "stored")

    def __init__(self, key: str) -> None:
        self.primary = self.key = self.shared_key = key
        self.names: tuple[bytes, ...] = ()
        self.kept: Kept | None = None
        self.stored: Stored | None = None
        self.pieces: AsyncIterator[bytes] | None = None

    def leads_on(self, kept: Kept | None, headers: Headers) -> bool:
        """Whether what was found under `key` only tells by which headers entries differ: `key` is now that of the entry
        for these."""
        names = None if kept is None else marker_names(kept.head)
        if names is None:
            return False
        self.names = names
        self.key = part_key(self.key, variant_key(names, headers))
        return True

    def hold(self, kept: Kept | None) -> None:
        """What was found is what is stored, if it is an entry."""
        entry = None if kept is None else entry_of(kept.head)
        stored = None if entry is None else entry.stored
        if stored is not None:
            self.kept, self.stored = kept, stored

    @property
    def why_missing(self) -> Forwarded:
        """Why the service has to be asked, where that is the cache's reason."""
        if self.stored is not None:
            return "stale"
        return "vary-miss" if self.names else "uri-miss"

    def remaining(self, now: float) -> float:
        """How many seconds what is stored stays fresh."""
        return 0.0 if self.stored is None else self.stored.remaining(now)

    def forget(self) -> None:
        """What is stored is not to be had any more."""
        self.kept = self.stored = None

    def worth_waiting(self, verdict: Verdict | None, now: float) -> bool:
        """Whether what another request fetches would do for this one."""
        stored = self.stored
        if stored is None:
            return True
        lives = not stored.no_cache and stored.lifetime > 0 and stored.age(now) > 1.0
        return lives and verdict is not Verdict.REVALIDATE_ASKED

    def validates(self) -> bool:
        """Whether the service can be asked whether what is stored is still good; its body is held for that."""
        stored, kept = self.stored, self.kept
        if stored is None or kept is None or not stored.can_be_validated:
            return False
        if kept.length != len(kept.body):
            self.pieces = kept.pieces
            if self.pieces is None:
                self.forget()
                return False
        return True
