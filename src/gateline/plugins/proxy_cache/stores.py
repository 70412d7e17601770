"""Which store a configuration asks for."""

from hashlib import sha256

from gateline.pdk import Node
from gateline.pdk.redis import RedisAnywhere
from gateline.plugins.proxy_cache.config import MEGABYTE, Config
from gateline.plugins.proxy_cache.store import ShelfStore, Store

__all__ = ["place_of", "store_of"]


def place_of(config: Config) -> tuple[str, int, bool]:
    """Name, size in bytes and durability of the shelf of a configuration."""
    if config.strategy == "disk":
        return _name(config.disk.name), config.disk.size * MEGABYTE, True
    return _name(config.memory.dictionary_name), config.memory.size * MEGABYTE, False


def store_of(config: Config, node: Node) -> Store:
    """The store."""
    if config.strategy == "redis":
        from gateline.plugins.proxy_cache.redis_store import RedisStore  # not everybody has the client library

        return RedisStore(config.redis or RedisAnywhere(), node, bypass=config.bypass_on_err)
    name, size, durable = place_of(config)
    return ShelfStore(node, name, size, durable=durable)


def _name(given: str) -> str:
    """A name that may be a directory's."""
    plain = given.replace("_", "a").replace("-", "a")
    if plain.isascii() and plain.isalnum() and len(given) <= 64:
        return f"cache-{given}"
    return f"cache-{sha256(given.encode()).hexdigest()[:32]}"
