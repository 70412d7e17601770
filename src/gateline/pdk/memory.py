"""What plugins remember of requests by all that these ask for, so that nothing is worked out again for the same request.

A look-up by a tuple of all that costs more than what is worked out often does: it is made, hashed and compared as a
whole. Here one of these (the query, or the path where there is none) finds what may be meant, and the others are compared
where they are.
"""

from typing import Any

__all__ = ["AnyExchange", "Memory"]

_LIMIT = 8192
_LONGEST = 1024
"""Bytes of path and query; what is longer is not remembered."""


class _Known:
    """What a request asked for, and what was made of it."""

    __slots__ = ("consumer", "host", "made", "method", "path", "port", "query", "route", "scheme")

    def __init__(
        self,
        method: bytes,
        scheme: bytes,
        host: bytes,
        port: int,
        path: bytes,
        query: bytes | None,
        route: str,
        consumer: str,
        made: Any,
    ) -> None:
        self.method = method
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
        self.route = route
        self.consumer = consumer
        self.made = made


class Memory:
    """Of the requests with the same query (or without one with the same path) it knows the last; bounded.

    `route` and `consumer` are ids, empty where there is none.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}

    def get(
        self,
        method: bytes,
        scheme: bytes,
        host: bytes,
        port: int,
        path: bytes,
        query: bytes | None,
        route: str,
        consumer: str,
    ) -> Any:
        """What was made of a request that asked for just this, None where that is not known."""
        known = self._known.get(path if query is None else query)
        if (
            known is None
            or known.path != path
            or known.query != query
            or known.host != host
            or known.method != method
            or known.scheme != scheme
            or known.port != port
            or known.route != route
            or known.consumer != consumer
        ):
            return None
        return known.made

    def put(
        self,
        method: bytes,
        scheme: bytes,
        host: bytes,
        port: int,
        path: bytes,
        query: bytes | None,
        route: str,
        consumer: str,
        made: Any,
    ) -> None:
        """Remember what was made of a request that asked for this."""
        if len(path) + (0 if query is None else len(query)) > _LONGEST:
            return
        if len(self._known) >= _LIMIT:
            self._known.clear()
        place = path if query is None else query
        self._known[place] = _Known(method, scheme, host, port, path, query, route, consumer, made)


class AnyExchange:
    """What compiled plugins ask of an exchange by way of a table of functions, which costs no look-up of a name."""

    __slots__ = ()

    def recall(self, memory: Memory) -> Any:
        """What a plugin remembers of the last request that asked for just this; see `gateline.pdk.Exchange`."""
        raise NotImplementedError

    def remember(self, memory: Memory, made: Any) -> None:
        """Have a plugin remember what it made of the request; see `gateline.pdk.Exchange`."""
        raise NotImplementedError

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Whether the request has a header of any of these names, in lower case; see `RequestView.has_any`."""
        raise NotImplementedError
