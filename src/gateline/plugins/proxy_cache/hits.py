"""Hits: the quick way for requests that are answered from a shelf.

A hit that was given lately, to a request that asks for nothing in particular, is two look-ups: of the key in the
memory of what was asked for, and of the value among what the shelf remembers. What is answered lies ready there, until
its age is another one. Everything else is the plugin's business: what a request wants that is none (`Other`).
"""

from collections.abc import Callable
from typing import Any, Protocol

from gateline.pdk import Exchange, StoredResponse
from gateline.pdk.exchange import RequestView
from gateline.pdk.memory import Memory
from gateline.pdk.shelf import Kept, Shelf
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.entries import Entry, entry_of, marker_names
from gateline.plugins.proxy_cache.keys import Keys, part_key
from gateline.plugins.proxy_cache.rules import variant_key
from gateline.plugins.proxy_cache.telling import Telling

__all__ = ["Hits", "Other"]

_PARTICULAR = (
    b"cache-control",
    b"pragma",
    b"if-none-match",
    b"if-modified-since",
    b"range",
    b"if-range",
    b"if-match",
    b"if-unmodified-since",
    b"authorization",
)
"""Headers of requests that may change what a hit is with `cache_control`, beside these. Without it an authorization is
a part of the key and nothing else."""
_ALWAYS = (b"upgrade",)
_SHARED_METHODS = frozenset(("GET", "HEAD"))
"""What a shared cache may answer (RFC 9111, section 2)."""
_KNOWN_VARIANTS = 64
_LONGEST_VARIANT = 256
"""Characters of the headers by which the entries of a key differ; longer ones are not remembered."""


class Other(Protocol):
    """What becomes of requests that are no hits."""

    def passed(self, exchange: Exchange) -> None:
        """The cache has nothing to do with it; its method is none of those that are answered, or it is an upgrade."""

    def look_up(self, exchange: Exchange, key: str) -> Any:
        """There is no shelf: it is a coroutine that looks for the entry."""

    def wanted(self, exchange: Exchange, key: str) -> Any:
        """It asks for something in particular, with `cache_control`."""

    def missed(self, exchange: Exchange, key: str, entry: Entry | None) -> Any:
        """There is no answer that can be given at once; `entry` is what there is nevertheless."""


class Ready:
    """An answer as it is given from one moment to another (seconds since 1970), by the `Hits` with this mark."""

    __slots__ = ("answer", "mark", "since", "until")

    def __init__(self, mark: object, answer: StoredResponse, since: float, until: float) -> None:
        self.mark = mark
        self.answer = answer
        self.since = since
        self.until = until


class Variants:
    """The keys of entries that differ by headers of the request, by the values of these."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[tuple[tuple[str, ...], ...], str] = {}


class Hits:
    """Answers requests from a shelf; without one it finds their keys. `time` gives seconds since 1970."""

    __slots__ = (
        "_controlled",
        "_keys",
        "_mark",
        "_memory",
        "_methods",
        "_other",
        "_particular",
        "_shelf",
        "_telling",
        "_ttl",
        "time",
    )

    def __init__(self, config: Config, keys: Keys, telling: Telling, time: Callable[[], float], other: Other) -> None:
        self._controlled = config.cache_control
        methods = frozenset(config.request_method)
        if self._controlled:
            methods &= _SHARED_METHODS
        self._methods = frozenset([method.encode() for method in methods])
        self._particular: tuple[bytes, ...] = _ALWAYS
        if self._controlled:
            self._particular += _PARTICULAR
        if telling.hides:
            self._particular += (b"kong-debug",)
        self._keys = keys
        self._mark = object()  # what lies ready does not hold what made it, which may be of an earlier configuration
        self._telling = telling
        self.time = time
        self._ttl = float(config.cache_ttl)
        self._other = other
        self._memory = None if config.vary_headers else Memory(b"" if self._controlled else b"authorization")
        """The keys of requests that are answered here and ask for nothing in particular."""
        self._shelf: Shelf | None = None

    def open(self, shelf: Shelf) -> None:
        """The shelf is there."""
        self._shelf = shelf

    def access(self, exchange: Exchange) -> Any:
        """Answer, or leave it to others."""
        shelf = self._shelf
        if shelf is None or self._memory is None:
            return self._access(exchange)
        key = exchange.recall(self._memory)
        if key is None or exchange.has_any(self._particular):
            return self._access(exchange)
        kept = shelf.get(key)
        if kept is None:
            return self._other.missed(exchange, key, None)
        now = self.time()
        answer = self._ready(kept, now)
        return self._kept(exchange, key, kept, now, False) if answer is None else answer

    def _access(self, exchange: Exchange) -> Any:
        """The same for a request of which nothing is known yet, or that asks for something in particular."""
        request = exchange.request
        asked = request.asked
        method = asked[0]
        if method not in self._methods:
            return self._other.passed(exchange)
        particular = exchange.has_any(self._particular)
        if particular and not self._controlled and request.header("upgrade") is not None:
            return self._other.passed(exchange)
        authorization = request.header("authorization")
        if self._controlled and method != b"GET":
            asked = (b"GET", *asked[1:])
        key = self._keys.key(exchange, request, asked, authorization)
        shelf = self._shelf
        if shelf is None:
            return self._other.look_up(exchange, key)
        if particular:
            if self._controlled:
                return self._other.wanted(exchange, key)
        elif self._memory is not None:
            exchange.remember(self._memory, key)
        kept = shelf.get(key)
        if kept is None:
            return self._other.missed(exchange, key, None)
        now = self.time()
        answer = None if particular else self._ready(kept, now)
        return self._kept(exchange, key, kept, now, particular) if answer is None else answer

    def answer(self, exchange: Exchange, key: str, kept: Kept | None) -> Any:
        """Answer with what was found elsewhere than on a shelf, or leave it to others."""
        if kept is None:
            return self._other.missed(exchange, key, None)
        return self._kept(exchange, key, kept, self.time(), True)

    def _ready(self, kept: Kept, now: float) -> StoredResponse | None:
        """The answer that lies ready."""
        made = kept.made
        if type(made) is not Ready:
            return None
        ready: Ready = made
        return ready.answer if ready.mark is self._mark and ready.since <= now < ready.until else None

    def _kept(self, exchange: Exchange, key: str, kept: Kept, now: float, particular: bool) -> Any:
        """An answer of what is kept, which lies ready from now on where the request asks for nothing in particular."""
        entry = entry_of(kept.head)
        if entry is None and self._controlled and not particular:
            variant = self._variant(exchange.request, key, kept)
            if variant is not None:
                answer = self._ready(variant, now)
                if answer is not None:
                    return answer
                kept = variant
                entry = entry_of(kept.head)
        if entry is None:
            return self._other.missed(exchange, key, None)
        if not (now < entry.fresh_until if self._controlled else now - entry.base <= self._ttl):
            return self._other.missed(exchange, key, entry)
        answer = self._made(exchange, key, kept, entry, now)
        if answer is None:
            return self._other.missed(exchange, key, None)
        if answer.more is None and not particular:
            kept.made = Ready(self._mark, answer, now, self._until(entry, now))
        return answer

    def _made(self, exchange: Exchange, key: str, kept: Kept, entry: Entry, now: float) -> StoredResponse | None:
        """The answer; None where its body is not to be had any more."""
        block = entry.block + self._telling.hit_lines(exchange, key, entry, now)
        body = kept.body
        if entry.length >= 0:
            return StoredResponse(entry.status, block, body, length=entry.length)
        if kept.length == len(body):
            return StoredResponse(entry.status, block, body)
        pieces = kept.pieces
        if pieces is None:
            return None
        return StoredResponse(entry.status, block, length=kept.length, more=pieces)

    def _until(self, entry: Entry, now: float) -> float:
        """Until when an answer tells the age, and what is left of its time, rightly."""
        until = entry.base + int(now - entry.base) + 1
        if not self._controlled:
            return min(until, entry.base + self._ttl)
        return min(until, entry.fresh_until - int(entry.fresh_until - now))

    def _variant(self, request: RequestView, key: str, kept: Kept) -> Kept | None:
        """The entry, of those that differ by headers of the request, that is this request's."""
        names = marker_names(kept.head)
        shelf = self._shelf
        if names is None or shelf is None:
            return None
        variants = kept.made
        if type(variants) is not Variants:
            variants = kept.made = Variants()
        said = tuple([tuple(request.header_values(name.decode())) for name in names])
        known = variants.known.get(said)
        if known is None:
            lines = [
                (name, value.encode("latin-1")) for name, values in zip(names, said, strict=True) for value in values
            ]
            known = part_key(key, variant_key(names, lines))
            if sum([len(value) for _, value in lines]) <= _LONGEST_VARIANT:
                if len(variants.known) >= _KNOWN_VARIANTS:
                    variants.known.clear()
                variants.known[said] = known
        return shelf.get(known)
