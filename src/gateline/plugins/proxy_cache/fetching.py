"""Watching the service's answer with `cache_control`: what is kept of it, what a 304 or an error makes of what is
stored, and what a request that changes something makes worthless."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from gateline.pdk import Exchange, StoredResponse
from gateline.pdk.shelf import Writing
from gateline.plugins.proxy_cache.entries import block_of, entry_head, lines_of_block, marker_head
from gateline.plugins.proxy_cache.keys import part_key, tags_of_entry, url_tags
from gateline.plugins.proxy_cache.rules import (
    ERRORS,
    OF_CONDITIONS,
    Answer,
    Forwarded,
    Headers,
    RequestDirectives,
    Stored,
    after_head,
    encode,
    freshen,
    invalidated_targets,
    invalidates,
    may_stand_in,
    policy_of,
    store,
    variant_key,
)
from gateline.plugins.proxy_cache.store import Record

if TYPE_CHECKING:
    from gateline.plugins.proxy_cache.coalescing import Fetch
    from gateline.plugins.proxy_cache.places import Place
    from gateline.plugins.proxy_cache.shared import SharedCache

__all__ = ["SharedFetch", "UnsafeWatch"]

_OWN = ("X-Cache-Status", "X-Cache-Key")
KEEP_STALE = 86_400.0
"""Seconds for which what is over is kept, where it can be validated."""


class SharedFetch:
    """See `gateline.pdk.Watcher`."""

    def __init__(
        self,
        cache: "SharedCache",
        exchange: Exchange,
        place: "Place",
        headers: Headers,
        asked: RequestDirectives,
        fetch: "Fetch | None",
        *,
        status: str,
        why: Forwarded,
        background: bool = False,
    ) -> None:
        request = exchange.request
        self.conditional = False
        self._cache = cache
        self._place = place
        self._headers = headers
        self._asked = asked
        self._fetch = fetch
        self._status = status
        self._why: Forwarded = why
        self._background = background
        self._method = "GET" if background else request.method
        self._target = (request.host, request.path_with_query)
        self._asked_at = cache.plugin.node.time()
        self._writing: Writing | None = None
        self._stored: Stored | None = None
        self._key = place.key

    # -- the watcher -----------------------------------------------------------------------------------------------
    def begun(self, exchange: Exchange, length: int) -> StoredResponse | None:
        """Decide what becomes of the answer."""
        place, cache = self._place, self._cache
        now = cache.plugin.node.time()
        answer = self._answer(exchange, now, length)
        stored = place.stored
        if stored is not None:
            if answer.status == 304 and self.conditional:
                return self._not_modified(exchange, stored, answer, now)
            if answer.status in ERRORS and may_stand_in(stored, self._asked, now):
                return self._stand_in(exchange, now, answer.status)
            if self._method == "HEAD":
                self._head_tells(stored, answer)
        result = self._keeps(exchange, answer)
        if isinstance(result, Stored):
            self._writing = cache.store.writing(length)
        if isinstance(result, Stored) and self._writing is not None:
            self._stored = result
        else:
            if stored is not None and answer.status < 500 and self._method == "GET" and self.conditional:
                cache.store.remove(place.key)
            if self._status:
                cache.telling.fetched(exchange, "Bypass", None)
            if self._method == "GET" and answer.status < 500 and answer.status not in OF_CONDITIONS:
                cache.fetches.passes(place.key, now)
            exchange.service_request.watch(None)
            self._over(kept=False)
        if self._status:
            cache.telling.forwarded(exchange, forwarded=self._why, stored=self._writing is not None)
        return None

    def data(self, data: bytes) -> None:
        """Keep a piece."""
        if self._writing is not None and not self._writing.write(data):
            self._writing = None
            self._cache.fetches.passes(self._place.key, self._asked_at)
            self._over(kept=False)
        elif self._fetch is not None:
            self._fetch.moves()

    def ended(self, *, whole: bool) -> None:
        """Put it where others find it."""
        writing, self._writing = self._writing, None
        stored = self._stored
        if writing is None or stored is None:
            self._over(kept=stored is None)  # the service gave none, or the client left: others may have more luck
        elif not whole:
            writing.drop()
            self._over(kept=True)
        else:
            self._keep(writing, stored)

    def failed(self, exchange: Exchange) -> StoredResponse | None:
        """Give what is stored in place of an error, where that is allowed."""
        stored = self._place.stored
        now = self._cache.plugin.node.time()
        if stored is None or not may_stand_in(stored, self._asked, now):
            return None
        return self._stand_in(exchange, now, None)

    # -- what is stored --------------------------------------------------------------------------------------------
    def _not_modified(self, exchange: Exchange, stored: Stored, answer: Answer, now: float) -> StoredResponse | None:
        cache, place = self._cache, self._place
        fresh = freshen(stored, answer, cache.policy)
        if isinstance(fresh, Stored):
            place.stored = fresh
            self._renew(fresh, now)
        else:
            cache.store.remove(place.key)
        self._over(kept=True)
        if self._background:
            exchange.service_request.watch(None)
            return None
        said = {"forwarded": self._why, "forwarded_status": 304, "stored": isinstance(fresh, Stored)}
        return cache.give(exchange, place, self._headers, now, self._status, said)

    def _stand_in(self, exchange: Exchange, now: float, status: int | None) -> StoredResponse | None:
        self._over(kept=False)
        if self._background:
            exchange.service_request.watch(None)
            return None
        said = {"forwarded": self._why, "forwarded_status": status, "ttl": self._place.remaining(now)}
        return self._cache.give(exchange, self._place, self._headers, now, "Hit", said)

    def _head_tells(self, stored: Stored, answer: Answer) -> None:
        """What the answer to a HEAD makes of what is stored for GET."""
        cache, place = self._cache, self._place
        verdict = after_head(stored, answer)
        if verdict == "invalidate":
            cache.store.remove(place.key)
        elif verdict == "freshen":
            fresh = freshen(stored, answer, cache.policy)
            if isinstance(fresh, Stored):
                self._renew(fresh, answer.received)

    def _renew(self, fresh: Stored, now: float) -> None:
        cache, place = self._cache, self._place
        tags = tags_of_entry(place.primary, cache.plugin.id, *self._target, fresh.tags)
        cache.store.renew(place.key, _head(fresh), ttl=self._ttl(fresh, now), tags=tags)

    def _keeps(self, exchange: Exchange, answer: Answer) -> Stored | str:
        plugin = self._cache.plugin
        if answer.status not in plugin.statuses:
            return "status"
        if not plugin.keeps_type(exchange.service_response):
            return "content-type"
        return store(self._method, self._headers, self._asked, answer, self._cache.policy)

    def _keep(self, writing: Writing, stored: Stored) -> None:
        cache, place = self._cache, self._place
        primary = place.primary
        if primary != place.shared_key and _is_public(stored, cache):
            primary = place.shared_key
        ttl = self._ttl(stored, stored.received)
        tags = tags_of_entry(primary, cache.plugin.id, *self._target, stored.tags)
        key = primary
        if stored.vary:
            key = part_key(primary, variant_key(stored.vary, self._headers))
            cache.store.mark(Record(primary, marker_head(stored.vary), ttl, tags, self._asked_at))
        record = Record(key, _head(stored), ttl, tags, self._asked_at)
        cache.store.keep(writing, record, lambda: self._over(kept=True))

    def _ttl(self, stored: Stored, now: float) -> float:
        keep_stale = self._cache.config.storage_ttl
        return stored.useful_until(KEEP_STALE if keep_stale is None else keep_stale) - now

    def _over(self, *, kept: bool) -> None:
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.over(kept=kept)

    def _answer(self, exchange: Exchange, now: float, length: int) -> Answer:
        """The answer as the rules take it: what goes no further than this hop is not there."""
        response = exchange.service_response
        headers = lines_of_block(response.kept_lines((*_OWN, "Age")))
        headers += [(b"Age", value.encode("latin-1")) for value in response.header_values("age")]
        if self._method == "HEAD" and (told := response.header("content-length")) is not None:
            headers.append((b"Content-Length", told.encode("latin-1")))
        return Answer(response.status, headers, requested=self._asked_at, received=now, length=length)


class UnsafeWatch:
    """Throws away what a request makes worthless that changes something (RFC 9111, section 4.4)."""

    def __init__(self, cache: "SharedCache", exchange: Exchange, method: str, keys: Collection[str]) -> None:
        """`keys`: of what is stored for who asks, and for everybody."""
        request = exchange.request
        self._keys = keys
        self._store = cache.store
        self._method = method
        self._asked = (request.scheme, request.header("host") or request.host, request.path_with_query)
        self._host = request.host

    def begun(self, exchange: Exchange, length: int) -> None:  # noqa: ARG002 - of a watcher
        """The head tells whether it succeeded."""
        response = exchange.service_response
        exchange.service_request.watch(None)
        if invalidates(self._method, response.status):
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers()]
            for target in invalidated_targets(*self._asked, headers):
                for tag in url_tags(f"//{self._host}{target}"):
                    self._store.remove_tagged(tag)
            for key in self._keys:  # the configuration may take other URLs for the same
                self._store.remove_tagged(f"k:{key}")

    def data(self, data: bytes) -> None:
        """Of no interest."""

    def ended(self, *, whole: bool) -> None:
        """As above."""

    def failed(self, exchange: Exchange) -> None:
        """As above."""


def _head(stored: Stored) -> bytes:
    base = stored.received - stored.initial_age
    fresh_until = 0.0 if stored.no_cache else base + stored.lifetime
    return entry_head(stored.status, base, fresh_until, -1, block_of(stored.headers), encode(stored))


def _is_public(stored: Stored, cache: "SharedCache") -> bool:
    directives = policy_of(stored.headers, cache.policy.targeted, cache.policy.device)
    return directives.public or directives.s_maxage is not None
