"""Keeping what the service answers without `cache_control`: by status and media type, for `cache_ttl`, like Kong."""

from typing import TYPE_CHECKING

from gateline.pdk import Exchange
from gateline.pdk.shelf import Writing
from gateline.plugins.proxy_cache.entries import entry_head, lines_of_block
from gateline.plugins.proxy_cache.keys import tags_of_entry
from gateline.plugins.proxy_cache.rules import tags_of
from gateline.plugins.proxy_cache.store import Record

if TYPE_CHECKING:
    from gateline.plugins.proxy_cache.plugin import ProxyCache
    from gateline.plugins.proxy_cache.store import Store
    from gateline.plugins.proxy_cache.telling import Telling

__all__ = ["OWN_HEADERS", "SimpleFetch"]

OWN_HEADERS = ("Age", "X-Cache-Status", "X-Cache-Key")
"""Headers of services that are not kept, as the cache writes them itself."""


class SimpleFetch:
    """Watches an answer that may be kept; see `gateline.pdk.Watcher`."""

    def __init__(self, plugin: "ProxyCache", exchange: Exchange, telling: "Telling", store: "Store", key: str) -> None:
        self._plugin = plugin
        self._telling = telling
        self._store = store
        self._key = key
        self._asked = plugin.node.time()
        request = exchange.request
        self._target = (request.host, request.path_with_query)
        self._head_only = request.method == "HEAD"
        self._writing: Writing | None = None
        self._head = b""
        self._tags: list[str] = []

    def begun(self, exchange: Exchange, length: int) -> None:
        """Look whether it is kept."""
        response = exchange.service_response
        config = self._plugin.config
        if response.status not in self._plugin.statuses or not self._plugin.keeps_type(response):
            self._telling.fetched(exchange, "Bypass", None)
            exchange.service_request.watch(None)
            return
        block = response.kept_lines(OWN_HEADERS)
        now = self._plugin.node.time()
        told = length if self._head_only else -1
        self._head = entry_head(response.status, now, now + config.cache_ttl, told, block, b"")
        named = tags_of(lines_of_block(block))
        self._tags = tags_of_entry(self._key, self._plugin.id, *self._target, named)
        self._writing = self._store.writing(0 if self._head_only else length)

    def data(self, data: bytes) -> None:
        """Keep a piece."""
        if self._writing is not None and not self._writing.write(data):
            self._writing = None

    def ended(self, *, whole: bool) -> None:
        """Put it where others find it."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        if not whole:
            writing.drop()
            return
        config = self._plugin.config
        ttl = config.cache_ttl if config.storage_ttl is None else config.storage_ttl
        self._store.keep(writing, Record(self._key, self._head, ttl, self._tags, self._asked), _nothing)

    def failed(self, exchange: Exchange) -> None:
        """There is nothing else to give."""


def _nothing() -> None:
    """Nobody waits."""
