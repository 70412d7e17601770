"""The stores as the control process purges them."""

import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from gateline.pdk.admin import AdminNode
from gateline.pdk.node import Node
from gateline.pdk.redis import RedisAnywhere, RedisClient
from gateline.pdk.shelf import Kept, Shelf
from gateline.plugins.proxy_cache.config import Config
from gateline.plugins.proxy_cache.redis_store import PREFIX, kept_of
from gateline.plugins.proxy_cache.redis_tags import RedisTags
from gateline.plugins.proxy_cache.stores import place_of

__all__ = ["Room", "rooms"]

_log = logging.getLogger(__name__)


class Room(Protocol):
    """Where entries are. Raises OSError, RedisError where it cannot be used."""

    async def get(self, key: str) -> Kept | None:
        """An entry."""

    async def purge(self, tag: str, *, beginning: bool = False) -> int:
        """Take away the entries of a tag, or of those that begin like this; how many."""

    async def clear(self) -> int:
        """Take all away; how many."""


async def rooms(node: AdminNode, plugin: str) -> list[Room]:
    """Those of all configurations, or of the plugin with an id or instance name, each once."""
    found: dict[object, Room] = {}
    for entity in [*await node.plugins("proxy-cache"), *await node.plugins("proxy-cache-advanced")]:
        config = cast(Config, entity.config)
        if plugin not in ("", entity.id, entity.instance_name):
            continue
        if config.strategy == "redis":
            redis = config.redis or RedisAnywhere()
            found.setdefault(repr(redis), _RedisRoom(redis, node))
        else:
            name, size, durable = place_of(config)
            if (name, durable) not in found:
                try:
                    found[name, durable] = _ShelfRoom(node.shelf(name, limit=size, durable=durable))
                except ValueError as error:  # no worker keeps anything there either
                    _log.warning("nothing is kept in %s: %s", name, error)
    return list(found.values())


class _ShelfRoom:
    """A shelf of the node."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def get(self, key: str) -> Kept | None:
        return self._shelf.get(key)

    async def purge(self, tag: str, *, beginning: bool = False) -> int:
        return self._shelf.remove_tagged(tag, beginning=beginning)

    async def clear(self) -> int:
        return self._shelf.clear()


class _RedisRoom:
    """A Redis; there is a connection for as long as something is done."""

    def __init__(self, redis: RedisAnywhere, node: AdminNode) -> None:
        self._redis = redis
        self._node = node

    async def get(self, key: str) -> Kept | None:
        kept: Kept | None = await self._do(lambda run: _look(run, key))
        return kept

    async def purge(self, tag: str, *, beginning: bool = False) -> int:
        return int(await self._do(lambda run: RedisTags(run, time.time).remove(tag, beginning=beginning)))

    async def clear(self) -> int:
        return await self.purge("", beginning=True)

    async def _do(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        reached = _Reached(self._node)
        client = RedisClient(self._redis, cast(Node, reached))
        try:
            return await work(client.run)
        finally:
            for leave in reached.leaving:
                await leave()


async def _look(run: Any, key: str) -> Kept | None:
    kept = kept_of(run, await run("GET", PREFIX + key))
    if kept is not None and not await kept.is_whole():
        return None
    if kept is not None and (pieces := kept.pieces) is not None:
        kept.body = b"".join([piece async for piece in pieces])  # while there is a connection
    return kept


class _Reached:
    """What a client of Redis needs of a node."""

    def __init__(self, node: AdminNode) -> None:
        self._node = node
        self.counters = object.__new__(_Reached)
        self.leaving: list[Callable[[], Coroutine[Any, Any, None]]] = []

    def when_closed(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.leaving.append(call)

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        return self._node.tls_context(verify=verify)
