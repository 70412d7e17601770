"""Keys of entries, and the tags by which they are purged.

A key is made of all that may make an answer another one's: route and who was authenticated, method, scheme, host, port,
path, query, and the headers that the configuration names. NUL parts them, which none of them can hold.
"""

from collections.abc import Sequence
from hashlib import sha256

from gateline.pdk import Exchange, Identity
from gateline.plugins.proxy_cache.config import Config

__all__ = ["Keys", "part_key", "tags_of_entry", "url_tag"]


_KNOWN_LIMIT = 8192


class Keys:
    """Makes the keys of a configuration."""

    def __init__(self, config: Config) -> None:
        self._lower = config.ignore_uri_case
        self._arguments = None if config.vary_query_params is None else frozenset(config.vary_query_params)
        self._headers = tuple(sorted({name.lower() for name in config.vary_headers or ()}))
        self._plain = not self._lower and self._arguments is None and not self._headers
        self._known: dict[object, str] = {}

    def key(self, exchange: Exchange, method: str, *, shared: bool = False) -> str:
        """The key of a request's entry, 64 hexadecimal digits. `shared`: for everybody, whoever asks.

        Where nobody was authenticated here, whoever sends `Authorization` has entries of its own: the service may go
        by it.
        """
        route = exchange.route
        route_id = "" if route is None else route.id
        identity = None if shared else exchange.identity
        request = exchange.request
        authorization = None if shared or identity is not None else request.header("authorization")
        if not self._plain or identity is not None:
            return self._key(exchange, method, route_id, identity, authorization)
        seen = (method, route_id, request.place, authorization)
        known = self._known.get(seen)
        if known is None:
            if len(self._known) >= _KNOWN_LIMIT:
                self._known.clear()
            known = self._known[seen] = self._key(exchange, method, route_id, None, authorization)
        return known

    def _key(
        self, exchange: Exchange, method: str, route_id: str, identity: Identity | None, authorization: str | None
    ) -> str:
        request = exchange.request
        path = request.path
        if self._lower:
            path = path.lower()
        query = request.query
        if query:
            query = self._query(exchange, query)
        parts = [method, request.scheme, request.host, str(request.port), path, query, route_id]
        if identity is not None:
            consumer, credential = identity.consumer, identity.credential
            parts.append("consumer" if consumer is None else consumer.id)
            if consumer is None:
                who = (identity.subject, credential and credential.id, credential and credential.identifier)
                parts.append(repr((who, sorted(identity.groups or ()))))
        elif authorization is not None:
            parts += ["authorization", authorization]
        for name in self._headers:
            values = request.header_values(name)
            parts.append(f"{len(values)}:{name}")
            parts += values
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _query(self, exchange: Exchange, query: str) -> str:
        """The arguments that count, in the order of their names."""
        if self._arguments is not None:
            wanted = self._arguments
            named = sorted([pair for pair in exchange.request.query_args() if pair[0] in wanted], key=_name_of_pair)
            return repr(named)
        if "&" not in query:
            return query
        return "&".join(sorted(query.split("&"), key=_name_of))


def _name_of(argument: str) -> str:
    return argument.partition("=")[0]


def _name_of_pair(pair: tuple[str, str]) -> str:
    return pair[0]


def part_key(key: str, more: bytes) -> str:
    """The key of one of several entries under a key."""
    return sha256(key.encode() + more).hexdigest()


def _url(host: str, target: str) -> str:
    """What entries are purged by: host and target, as a client asked for them, without scheme and port."""
    return f"//{host}{target}"


def url_tag(url: str) -> str:
    """The tag of a URL; its scheme and port count for nothing."""
    _, separator, rest = url.partition("//")
    place = rest if separator else url
    authority, slash, path = place.partition("/")
    host = authority.rpartition("@")[2]
    host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return f"u:{_url(host.lower(), slash + path)}"


def tags_of_entry(key: str, plugin: str, host: str, target: str, named: Sequence[bytes]) -> list[str]:
    """All tags of an entry."""
    tags = [f"k:{key}", f"p:{plugin}", f"u:{_url(host, target)}"]
    tags += [f"t:{tag.decode('latin-1')}" for tag in named]
    return tags
