"""The plugin: which requests are answered from the cache, and the quick way for those that are.

A hit on a shelf, of an answer that is fresh, to a request that asks for nothing in particular, is one look-up and a few
bytes put together. What else `cache_control` makes possible is in `shared`, what is done without it in `simple`.
"""

from typing import Any

from gateline.pdk import Exchange, Plugin, StoredResponse
from gateline.pdk.exchange import ServiceResponseView
from gateline.pdk.shelf import Kept
from gateline.plugins.proxy_cache.admin import PATHS, purge_as_told
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.entries import Entry, entry_of
from gateline.plugins.proxy_cache.keys import Keys
from gateline.plugins.proxy_cache.media_types import MediaTypes
from gateline.plugins.proxy_cache.shared import SharedCache
from gateline.plugins.proxy_cache.simple import SimpleFetch
from gateline.plugins.proxy_cache.stores import store_of
from gateline.plugins.proxy_cache.telling import Telling

__all__ = ["ProxyCache"]

_SWEEP = 600.0
"""Seconds between two looks for what killed workers left."""
_PARTICULAR = (
    "cache-control",
    "pragma",
    "authorization",
    "if-none-match",
    "if-modified-since",
    "range",
    "if-range",
    "if-match",
    "if-unmodified-since",
    "upgrade",
)
"""Headers of requests that may change what a hit is."""
_SHARED_METHODS = frozenset(("GET", "HEAD"))
"""What a shared cache may answer (RFC 9111, section 2)."""


class ProxyCache(Plugin[Config], name="proxy-cache", admin=PATHS):
    """See the module."""

    heard = staticmethod(purge_as_told)

    def __init__(self, config: Config) -> None:
        self._methods = frozenset(config.request_method)
        self._keys = Keys(config)
        self._telling = Telling(config)
        self.statuses = frozenset(config.response_code)
        self._types = MediaTypes(config.content_type)
        self._any_type = config.cache_control and "*/*" in config.content_type
        self._controlled = config.cache_control
        self._ttl = config.cache_ttl
        self._time = self.node.time
        self._store = store_of(config, self.node)
        self._shared = SharedCache(self, config, self._keys, self._telling, self._store) if self._controlled else None

    def start(self) -> None:
        """Open the store."""
        self._store.open()
        if self.node.worker == 0:
            self.node.every(_SWEEP, self._store.sweep)

    def access(self, exchange: Exchange) -> Any:
        """Answer from the cache, or have the service's answer kept."""
        request = exchange.request
        method = request.method
        shared = self._shared
        if method not in self._methods or (shared is not None and method not in _SHARED_METHODS):
            self._telling.bypassed(exchange)
            if shared is not None:
                shared.watch_unsafe(exchange, method)
            return None
        if shared is not None:
            return self._controlled_access(exchange, shared)
        if request.header("upgrade") is not None:
            self._telling.bypassed(exchange)
            return None
        key = self._keys.key(exchange, method)
        shelf = self._store.shelf
        if shelf is None:
            return self._simple_later(exchange, key)
        return self._simple(exchange, key, shelf.get(key))

    def keeps_type(self, response: ServiceResponseView) -> bool:
        """Whether answers of this media type are kept."""
        if self._any_type:
            return True
        content_type = response.header("content-type")
        return content_type is not None and self._types.has(content_type)

    # -- without cache_control -------------------------------------------------------------------------------------
    async def _simple_later(self, exchange: Exchange, key: str) -> StoredResponse | None:
        return self._simple(exchange, key, await self._store.get(key))

    def _simple(self, exchange: Exchange, key: str, kept: Kept | None) -> StoredResponse | None:
        status = "Miss"
        if kept is not None:
            entry = entry_of(kept.head)
            if entry is not None:
                now = self._time()
                if now - entry.base <= self._ttl:
                    answer = self._hit(exchange, key, kept, entry, now)
                    if answer is not None:
                        return answer
                else:
                    status = "Refresh"
        self._telling.fetched(exchange, status, key)
        exchange.service_request.watch(SimpleFetch(self, exchange, self._telling, self._store, key))
        return None

    # -- with cache_control ----------------------------------------------------------------------------------------
    def _controlled_access(self, exchange: Exchange, shared: SharedCache) -> Any:
        key = self._keys.key(exchange, "GET")
        shelf = self._store.shelf
        if shelf is None:
            return shared.decide(exchange, key)
        kept = shelf.get(key)
        if kept is not None:
            entry = entry_of(kept.head)
            if entry is not None:
                now = self._time()
                if now < entry.fresh_until and not exchange.request.has_any(_PARTICULAR):
                    answer = self._hit(exchange, key, kept, entry, now)
                    if answer is not None:
                        return answer
        return shared.decide(exchange, key)

    # -- hits ------------------------------------------------------------------------------------------------------
    def _hit(self, exchange: Exchange, key: str, kept: Kept, entry: Entry, now: float) -> StoredResponse | None:
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
