"""What `cache_control` makes of the cache: a shared one as RFC 9111 has it, by the rules of `rules`.

Requests for an entry that is not there, or has to be validated, wait while one of them fetches it: within a worker they
wait for its end, between workers a claim in the store tells that it is under way. Who waits for too long, or for what
turned out not to be kept, goes to the service itself.
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from gateline.pdk import Exchange, Response, StoredResponse
from gateline.pdk.shelf import Shelf
from gateline.plugins.proxy_cache.coalescing import Fetch, Fetches
from gateline.plugins.proxy_cache.entries import block_of
from gateline.plugins.proxy_cache.fetching import SharedFetch, UnsafeWatch
from gateline.plugins.proxy_cache.keys import Keys
from gateline.plugins.proxy_cache.places import Place
from gateline.plugins.proxy_cache.rules import (
    CONDITIONS,
    Forwarded,
    Headers,
    Policy,
    RequestDirectives,
    Verdict,
    conditions_for,
    for_service_only,
    format_date,
    is_not_modified,
    judge,
    not_modified_headers,
    part_headers,
    request_directives,
    requested_part,
    surrogate_capability,
    unsatisfiable_headers,
)
from gateline.plugins.proxy_cache.telling import CACHE

if TYPE_CHECKING:
    from gateline.pdk.exchange import ServiceRequestView
    from gateline.plugins.proxy_cache.config import Config
    from gateline.plugins.proxy_cache.plugin import ProxyCache
    from gateline.plugins.proxy_cache.store import Store
    from gateline.plugins.proxy_cache.telling import Telling

__all__ = ["SharedCache"]

_AS_IT_IS = frozenset((Verdict.FRESH, Verdict.STALE))
_GIVEN = _AS_IT_IS | {Verdict.REVALIDATE_LATER}
_MOST_ROUNDS = 3
"""So many fetches of others a request waits for."""
_CAPABILITY = surrogate_capability(CACHE.encode()).decode()
"""Takes the place of what the client claims: a service that believed it would have its answer kept for others."""
_PARTIAL = (b"range", b"if-none-match", b"if-modified-since", b"if-range")
"""Headers of requests whose answers may not be what others can be given."""


class SharedCache:
    """The cache of a plugin instance."""

    def __init__(self, plugin: "ProxyCache", config: "Config", keys: Keys, telling: "Telling", store: "Store") -> None:
        self.plugin = plugin
        self.config = config
        self.telling = telling
        self.store = store
        self.share = config.share_public
        self.fetches = Fetches(store, plugin.node)
        self.policy = Policy(
            lifetimes={int(status): seconds for status, seconds in (config.negative_ttl or {}).items()},
            stale_while_revalidate=config.stale_while_revalidate,
            stale_if_error=config.stale_if_error,
        )
        self._keys = keys
        self._time = plugin.node.time

    def watch_unsafe(self, exchange: Exchange, method: str) -> None:
        """Have what is stored for a target thrown away when a request changes it."""
        self.telling.forwarded(exchange, forwarded="method")
        request = exchange.request
        asked = (b"GET", *request.asked[1:])
        own = self._keys.key(exchange, request, asked, request.header("authorization"))
        keys = {own, self._shared_key(exchange)}
        exchange.service_request.watch(UnsafeWatch(self, exchange, method, keys))

    def at_once(self, exchange: Exchange, key: str) -> StoredResponse | Coroutine[Any, Any, Any]:
        """The answer to a GET or HEAD where it is on a shelf and may be given as it is; else how it is decided."""
        shelf = self.store.shelf
        if shelf is None:
            return self.decide(exchange, key)
        headers = _headers_of(exchange)
        asked = request_directives(headers)
        if self._passes_by(exchange, headers, asked):
            return self.decide(exchange, key)
        place = _find_on(shelf, key, headers)
        if place.stored is None and self.share and (shared_key := self._shared_key(exchange)) != key:
            place = _find_on(shelf, shared_key, headers)
        if place.stored is not None:
            now = self._time()
            if judge(place.stored, asked, now) in _AS_IT_IS:
                said = {"hit": True, "ttl": place.remaining(now)}
                answer = self.give(exchange, place, headers, now, "Hit", said)
                if answer is not None:
                    return answer
        return self.decide(exchange, key)

    async def decide(self, exchange: Exchange, key: str) -> Response | StoredResponse | None:
        """The answer to a GET or HEAD, or None after it was arranged what becomes of the service's."""
        headers = _headers_of(exchange)
        asked = request_directives(headers)
        if self._passes_by(exchange, headers, asked):
            self.telling.bypassed(exchange)
            self.telling.forwarded(exchange, forwarded="bypass")
            return None
        shared_key = self._shared_key(exchange) if self.share else key
        may_wait = self._may_wait(exchange, asked)
        fetch: Fetch | None = None
        why: Forwarded | None = None
        rounds = 0
        while True:
            place = await self._find(key, shared_key, headers)
            now = self._time()
            why = why or place.why_missing
            verdict = None if place.stored is None else judge(place.stored, asked, now)
            if verdict in _GIVEN:
                said: dict[str, Any] = {"hit": True, "ttl": place.remaining(now)}
                if rounds:
                    said = {"forwarded": why, "collapsed": True}
                answer = self.give(exchange, place, headers, now, "Hit", said)
                if answer is not None:
                    if verdict is Verdict.REVALIDATE_LATER:
                        await self._refresh(exchange, place, headers)
                    return answer
                place.forget()
            if asked.only_if_cached:
                return Response(504)
            if not may_wait or rounds >= _MOST_ROUNDS or not place.worth_waiting(verdict, now):
                break
            fetch, again = await self.fetches.join(place.key, now)
            if not again:
                break
            rounds += 1
        try:
            self._ask(exchange, place, headers, asked, verdict, fetch)
        except BaseException:
            if fetch is not None:
                fetch.over(kept=False)
            raise
        return None

    def _shared_key(self, exchange: Exchange) -> str:
        """The key for everybody."""
        request = exchange.request
        return self._keys.key(exchange, request, (b"GET", *request.asked[1:]), shared=True)

    def _passes_by(self, exchange: Exchange, headers: Headers, asked: RequestDirectives) -> bool:
        request = exchange.request
        if asked.no_store or for_service_only(headers):
            return True
        if request.header("authorization") is not None and not self.share:
            return True
        return bool(request.content_length) or request.chunked or request.header("upgrade") is not None

    def _may_wait(self, exchange: Exchange, asked: RequestDirectives) -> bool:
        request = exchange.request
        return self.config.coalesce and request.method == "GET" and not asked.no_cache and not request.has_any(_PARTIAL)

    async def _find(self, key: str, shared_key: str, headers: Headers) -> Place:
        place = await self._find_at(key, headers)
        if place.stored is None and shared_key != key:
            other = await self._find_at(shared_key, headers)
            if other.stored is not None:
                return other
        place.shared_key = shared_key
        return place

    async def _find_at(self, key: str, headers: Headers) -> Place:
        """What is stored under a key, or under the one of it that fits these headers."""
        place = Place(key)
        kept = await self.store.get(key)
        if place.leads_on(kept, headers):
            kept = await self.store.get(place.key)
        place.hold(kept)
        return place

    # -- answers from the store ------------------------------------------------------------------------------------
    def give(
        self, exchange: Exchange, place: Place, headers: Headers, now: float, status: str, said: dict[str, Any]
    ) -> StoredResponse | None:
        """What is stored, as the request asks for it; None where its body is not to be had any more."""
        stored, kept = place.stored, place.kept
        assert stored is not None  # noqa: S101 - there is something
        assert kept is not None  # noqa: S101
        lines = self.telling.stored_lines(exchange, place.primary, status, stored.age(now), **said)
        if is_not_modified(stored, headers, now):
            return StoredResponse(304, _block(not_modified_headers(stored, now)) + lines)
        method = exchange.request.method
        part = requested_part(method, stored, headers, kept.length, now)
        if part == "unsatisfiable":
            date = (b"Date", format_date(now))
            return StoredResponse(416, _block([*unsatisfiable_headers(kept.length), date]) + lines)
        if part is not None:
            size = part.last - part.first + 1
            block = _block(part_headers(stored, part, now)) + lines
            if kept.length == len(kept.body):
                return StoredResponse(206, block, kept.body[part.first : part.last + 1])
            some = kept.some_pieces(part.first, size)
            return None if some is None else StoredResponse(206, block, length=size, more=some)
        block = block_of(stored.headers) + lines
        if kept.length == len(kept.body):
            return StoredResponse(stored.status, block, kept.body)
        if method == "HEAD":
            return StoredResponse(stored.status, block, length=kept.length)
        pieces = place.pieces or kept.pieces
        return None if pieces is None else StoredResponse(stored.status, block, length=kept.length, more=pieces)

    # -- asking the service ----------------------------------------------------------------------------------------
    def _ask(
        self,
        exchange: Exchange,
        place: Place,
        headers: Headers,
        asked: RequestDirectives,
        verdict: Verdict | None,
        fetch: Fetch | None,
    ) -> None:
        status = "Refresh" if place.stored is not None else "Miss"
        if asked.no_cache:
            status = "Bypass"
        why = "request" if verdict is Verdict.REVALIDATE_ASKED else place.why_missing
        self.telling.fetched(exchange, status, place.primary)
        watcher = SharedFetch(self, exchange, place, headers, asked, fetch, status=status, why=why)
        if exchange.request.method == "GET" and place.validates():
            watcher.conditional = True
            _validate(exchange.service_request, place)
        exchange.service_request.set_header("Surrogate-Capability", _CAPABILITY)
        exchange.service_request.watch(watcher)

    async def _refresh(self, exchange: Exchange, place: Place, headers: Headers) -> None:
        """Fetch an entry again while what is stored is given."""
        fetch = await self.fetches.lead(place.key, self._time())
        if fetch is None:
            return
        asked = RequestDirectives()
        watcher = SharedFetch(self, exchange, place, headers, asked, fetch, status="", why="stale", background=True)
        watcher.conditional = place.stored is not None and place.stored.can_be_validated

        def edit(service: "ServiceRequestView") -> None:
            service.set_method("GET")
            _validate(service, place)
            service.set_header("Surrogate-Capability", _CAPABILITY)

        try:
            exchange.ask_service(watcher, edit)
        except BaseException:
            fetch.over(kept=False)
            raise


def _headers_of(exchange: Exchange) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in exchange.request.headers()]


def _find_on(shelf: Shelf, key: str, headers: Headers) -> Place:
    """As `_find_at`, without waiting."""
    place = Place(key)
    kept = shelf.get(key)
    if place.leads_on(kept, headers):
        kept = shelf.get(place.key)
    place.hold(kept)
    return place


def _validate(service: "ServiceRequestView", place: Place) -> None:
    """Ask whether what is stored is still good, in place of what the client asks."""
    for name in CONDITIONS:
        service.remove_header(name.decode())
    if place.stored is not None:
        for name, value in conditions_for(place.stored):
            service.set_header(name.decode(), value.decode("latin-1"))


def _block(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Lines in wire form but Age, which is told elsewhere."""
    return block_of([line for line in headers if line[0].lower() != b"age"])
