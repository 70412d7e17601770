"""What plugins remember of requests by all that these ask for, so that nothing is worked out twice for the same one.

A look-up by a tuple of all that costs more than what is worked out often does: the tuple is made, hashed, compared and
thrown away. Here each thing is compared where it is, with that of the one request that may be meant.
"""

from typing import Any

__all__ = ["AnyExchange", "Memory"]

_FIRST = 64
_MOST = 8192
"""Requests that are remembered: so many at first, and at most; powers of two."""
_LONGEST = 2048
"""Bytes of path, query and header; what is longer is not remembered."""


class _Known:
    """What a request asked for, and what was made of it."""

    __slots__ = ("consumer", "host", "made", "method", "path", "port", "query", "route", "said", "scheme")

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
        said: bytes | None,
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
        self.said = said
        self.made = made


class Memory:
    """Things made of requests. Each has a place, where it stays until that of another request falls on it.

    `header` (in lower case, empty for none): its value counts too. `route` and `consumer` are ids, empty where there is
    none; `said` is what the header says, None where it is absent.
    """

    __slots__ = ("_replaced", "_slots", "header")

    def __init__(self, header: bytes = b"") -> None:
        self.header = header
        self._slots: list[_Known | None] = [None] * _FIRST
        self._replaced = 0

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
        said: bytes | None,
    ) -> Any:
        """What was made of a request that asked for just this, None where that is not known."""
        known = self._slots[self._place(method, host, path, query, consumer, said)]
        if (
            known is None
            or known.path != path
            or known.query != query
            or known.said != said
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
        said: bytes | None,
        made: Any,
    ) -> None:
        """Remember what was made of a request that asked for this."""
        if len(path) + len(query or b"") + len(said or b"") > _LONGEST:
            return
        place = self._place(method, host, path, query, consumer, said)
        if self._slots[place] is not None:
            self._replaced += 1
            if self._replaced > len(self._slots) and len(self._slots) < _MOST:
                self._slots = [None] * (len(self._slots) * 2)
                self._replaced = 0
                place = self._place(method, host, path, query, consumer, said)
        self._slots[place] = _Known(method, scheme, host, port, path, query, route, consumer, said, made)

    def _place(
        self, method: bytes, host: bytes, path: bytes, query: bytes | None, consumer: str, said: bytes | None
    ) -> int:
        place = hash(path) ^ hash(method) >> 1 ^ hash(host) >> 2 ^ hash(consumer) >> 3
        if query is not None:
            place ^= hash(query) >> 4
        if said is not None:
            place ^= _mark_of(said)
        return place & (len(self._slots) - 1)


def _mark_of(said: bytes) -> int:
    """A number for what a header says: of some of its bytes, as those of a token are many."""
    mark = 0
    step = (len(said) >> 4) + 1
    at = len(said) - 1
    while at >= 0:
        mark = mark * 31 + said[at]
        at -= step
    return mark


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
