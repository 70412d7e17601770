"""The plugin: which requests are answered from the cache, and what becomes of the others.

Hits on a shelf are in `hits`. What else `cache_control` makes possible is in `shared`, what is done without it in
`simple`.
"""

from typing import Any

from gateline.pdk import Exchange, Plugin
from gateline.pdk.exchange import ServiceResponseView
from gateline.plugins.proxy_cache.admin import PATHS, purge_as_told
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.entries import Entry
from gateline.plugins.proxy_cache.hits import Hits
from gateline.plugins.proxy_cache.keys import Keys
from gateline.plugins.proxy_cache.media_types import MediaTypes
from gateline.plugins.proxy_cache.shared import SharedCache
from gateline.plugins.proxy_cache.simple import SimpleFetch
from gateline.plugins.proxy_cache.stores import store_of
from gateline.plugins.proxy_cache.telling import Telling

__all__ = ["ProxyCache"]

_SWEEP = 600.0
"""Seconds between two looks for what killed workers left."""


class ProxyCache(Plugin[Config], name="proxy-cache", admin=PATHS, hooks=("access",)):
    """See the module."""

    heard = staticmethod(purge_as_told)

    def __init__(self, config: Config) -> None:
        self._telling = Telling(config)
        self.statuses = frozenset(config.response_code)
        self._types = MediaTypes(config.content_type)
        self._any_type = config.cache_control and "*/*" in config.content_type
        self._store = store_of(config, self.node)
        keys = Keys(config)
        self._shared = SharedCache(self, config, keys, self._telling, self._store) if config.cache_control else None
        self._hits = Hits(config, keys, self._telling, self.node.time, self)
        self.access = self._hits.access
        """Answers from the cache, or has the service's answer kept."""

    def start(self) -> None:
        """Open the store."""
        self._store.open()
        if self._store.shelf is not None:
            self._hits.open(self._store.shelf)
        if self.node.worker == 0:
            self.node.every(_SWEEP, self._store.sweep)

    def keeps_type(self, response: ServiceResponseView) -> bool:
        """Whether answers of this media type are kept."""
        if self._any_type:
            return True
        content_type = response.header("content-type")
        return content_type is not None and self._types.has(content_type)

    # -- no hits (hits.Other) --------------------------------------------------------------------------------------
    def passed(self, exchange: Exchange) -> None:
        """The cache has nothing to do with it; what is stored may be over."""
        self._telling.bypassed(exchange)
        if self._shared is not None:
            self._shared.watch_unsafe(exchange, exchange.request.method)

    async def look_up(self, exchange: Exchange, key: str) -> Any:
        """Look for the entry elsewhere than on a shelf."""
        if self._shared is not None:
            return await self._shared.decide(exchange, key)
        return self._hits.answer(exchange, key, await self._store.get(key))

    def wanted(self, exchange: Exchange, key: str) -> Any:
        """See what of the entry the request wants, as soon as can be."""
        assert self._shared is not None  # noqa: S101 - there is `cache_control`
        return self._shared.at_once(exchange, key)

    def missed(self, exchange: Exchange, key: str, entry: Entry | None) -> Any:
        """Have the service's answer kept; with `cache_control` see first what else there is to give."""
        if self._shared is not None:
            decide = self._shared.at_once if self._shared.share and entry is None else self._shared.decide
            return decide(exchange, key)
        self._telling.fetched(exchange, "Miss" if entry is None else "Refresh", key)
        exchange.service_request.watch(SimpleFetch(self, exchange, self._telling, self._store, key))
        return None
