"""What clients are told of the cache: X-Cache-Status, X-Cache-Key, Age, Cache-Status (RFC 9211)."""

from typing import Any

from gateline.pdk import Exchange
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.entries import Entry
from gateline.plugins.proxy_cache.rules import cache_status

__all__ = ["CACHE", "Telling"]

CACHE = "gateline"
"""The cache's name in Cache-Status."""


class Telling:
    """What a configuration lets clients know. `hides`: not all, but to who sends `Kong-Debug: 1`."""

    def __init__(self, config: Config) -> None:
        shown = config.response_headers
        self._age, self._status, self._key = shown.age, getattr(shown, "X-Cache-Status"), getattr(shown, "X-Cache-Key")
        self._rfc = config.cache_control and getattr(shown, "Cache-Status")
        self._all_rfc = config.cache_control
        self.hides = not (self._age and self._status and self._key and (self._rfc or not self._all_rfc))

    def hit_lines(self, exchange: Exchange, key: str, entry: Entry, now: float) -> bytes:
        """The lines of an answer from the cache that is fresh."""
        age = max(int(now - entry.base), 0)
        if not self.hides or _debugs(exchange):
            lines = b"Age: %d\r\nX-Cache-Status: Hit\r\nX-Cache-Key: %b\r\n" % (age, key.encode())
            if self._all_rfc:
                lines += b"Cache-Status: gateline; hit; ttl=%d\r\n" % int(entry.fresh_until - now)
            return lines
        lines = b"Age: %d\r\n" % age if self._age else b""
        if self._status:
            lines += b"X-Cache-Status: Hit\r\n"
        if self._key:
            lines += b"X-Cache-Key: %b\r\n" % key.encode()
        if self._rfc:
            lines += b"Cache-Status: gateline; hit; ttl=%d\r\n" % int(entry.fresh_until - now)
        return lines

    def stored_lines(self, exchange: Exchange, key: str, status: str, age: float | None, **said: Any) -> bytes:
        """The lines of any other answer from the cache; `said`: as for `rules.cache_status`."""
        debugs = self.hides and _debugs(exchange)
        lines = b""
        if age is not None and (self._age or debugs):
            lines = b"Age: %d\r\n" % int(age)
        if self._status or debugs:
            lines += b"X-Cache-Status: %b\r\n" % status.encode()
        if self._key or debugs:
            lines += b"X-Cache-Key: %b\r\n" % key.encode()
        if self._rfc or (self._all_rfc and debugs):
            lines += b"Cache-Status: %b\r\n" % cache_status(CACHE, **said).encode()
        return lines

    def fetched(self, exchange: Exchange, status: str, key: str | None) -> None:
        """Say it with the service's answer."""
        debugs = self.hides and _debugs(exchange)
        response = exchange.response
        if self._status or debugs:
            response.set_header("X-Cache-Status", status)
        if key is not None and (self._key or debugs):
            response.set_header("X-Cache-Key", key)

    def bypassed(self, exchange: Exchange) -> None:
        """Say that the request has nothing to do with the cache."""
        self.fetched(exchange, "Bypass", None)

    def forwarded(self, exchange: Exchange, **said: Any) -> None:
        """Say in the words of RFC 9211 why the service was asked, with its answer."""
        if self._rfc or (self._all_rfc and _debugs(exchange)):
            exchange.response.add_header("Cache-Status", cache_status(CACHE, **said))


def _debugs(exchange: Exchange) -> bool:
    return exchange.request.header("kong-debug") == "1"
