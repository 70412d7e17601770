"""Keys of entries, and the tags by which they are purged.

A key is made of all that may make an answer another one's: route and who was authenticated, method, scheme, host, port,
path, query, and the headers that the configuration names. NUL parts them, which none of them can hold.
"""

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import unquote

from gateline.pdk import Exchange, Identity
from gateline.pdk.exchange import Asked, RequestView
from gateline.plugins.proxy_cache.config import Config

__all__ = ["Keys", "part_key", "tags_of_entry", "url_tag", "url_tags"]


_KNOWN_LIMIT = 8192
_LONGEST_KNOWN = 1024
"""Characters of path, query, identity and headers; what has more is not remembered."""


class Keys:
    """Makes the keys of a configuration, and remembers those that it made."""

    __slots__ = ("_arguments", "_headers", "_known", "_lower")

    def __init__(self, config: Config) -> None:
        self._lower = config.ignore_uri_case
        self._arguments = None if config.vary_query_params is None else frozenset(config.vary_query_params)
        self._headers = tuple(sorted({name.lower() for name in config.vary_headers or ()}))
        self._known: dict[object, str] = {}

    def key(
        self,
        exchange: Exchange,
        request: RequestView,
        asked: Asked,
        authorization: str | None = None,
        shared: bool = False,
    ) -> str:
        """The key of an entry, 64 hexadecimal digits; `asked` is what the request asks for, with the entry's method.

        Where nobody was authenticated here, whoever sends `Authorization` has entries of its own: the service may go
        by it. `shared`: for everybody, whoever asks.
        """
        route = exchange.route
        route_id = "" if route is None else route.id
        who: tuple[str, ...] = ()
        if not shared:
            identity = exchange.identity
            if identity is not None:
                who = _who(identity)
            elif authorization is not None:
                who = ("authorization", authorization)
        varied = self._varied(request) if self._headers else ()
        seen = (asked, route_id, who, varied)
        known = self._known.get(seen)
        if known is None:
            known = self._key(request, asked, (route_id, *who, *varied))
            size = len(asked[4]) + len(asked[5] or b"") + sum(map(len, who)) + sum(map(len, varied))
            if size <= _LONGEST_KNOWN:
                if len(self._known) >= _KNOWN_LIMIT:
                    self._known.clear()
                self._known[seen] = known
        return known

    def _key(self, request: RequestView, asked: Asked, besides: tuple[str, ...]) -> str:
        method, scheme, host, port, path, query = asked
        text = path.decode("latin-1")
        parts = [
            method.decode("latin-1"),
            scheme.decode(),
            host.decode("latin-1"),
            str(port),
            text.lower() if self._lower else text,
            self._query(request, query.decode("latin-1")) if query else "",
            *besides,
        ]
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _varied(self, request: RequestView) -> tuple[str, ...]:
        """The headers by which entries differ."""
        varied: list[str] = []
        for name in self._headers:
            values = request.header_values(name)
            varied += (f"{len(values)}:{name}", *values)
        return tuple(varied)

    def _query(self, request: RequestView, query: str) -> str:
        """The arguments that count, in the order of their names."""
        if self._arguments is not None:
            wanted = self._arguments
            named = sorted([pair for pair in request.query_args() if pair[0] in wanted], key=_name_of_pair)
            return repr(named)
        if "&" not in query:
            return query
        return "&".join(sorted(query.split("&"), key=_name_of))


def _who(identity: Identity) -> tuple[str, ...]:
    """Whose entry it is."""
    consumer, credential = identity.consumer, identity.credential
    if consumer is not None:
        return (consumer.id,)
    who = (identity.subject, credential and credential.id, credential and credential.identifier)
    return ("consumer", repr((who, sorted(identity.groups or ()))))


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


def url_tags(url: str) -> tuple[str, ...]:
    """The tags by which all that is kept for a URL is found, however clients spell it."""
    return _spellings(url_tag(url))


def _spellings(tag: str) -> tuple[str, ...]:
    """A URL's tag, and the one of all its spellings where that is another one: nothing in the path is encoded, and the
    arguments are in the order of their names, as they are in keys."""
    path, question, query = tag.partition("?")
    if "%" not in path and "&" not in query:
        return (tag,)
    plain = unquote(path, "latin-1") + question + "&".join(sorted(query.split("&"), key=_name_of))
    return (tag,) if plain == tag else (tag, plain)


def tags_of_entry(key: str, plugin: str, host: str, target: str, named: Sequence[bytes]) -> list[str]:
    """All tags of an entry."""
    tags = [f"k:{key}", f"p:{plugin}", *_spellings(f"u:{_url(host, target)}")]
    tags += [f"t:{tag.decode('latin-1')}" for tag in named]
    return tags
