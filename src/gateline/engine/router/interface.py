"""What goes into the router and what comes out of it: requests, routes, matches and errors.

The router depends on the shape of routes and requests, never on the classes that carry them: `RouteLike` is what an
entity looks like (text as a person wrote it), `RouteRequest` is what an exchange looks like (bytes as received).
"""
# ruff: noqa: D102 (the attributes of a protocol are documented by the entity and by its docstring)

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Captures", "Match", "RequestHeaders", "RouteError", "RouteLike", "RouteRequest"]


class RouteLike(Protocol):
    """A route as configured (Kong's fields and defaults); text is `str`, an unset attribute is None or empty."""

    @property
    def id(self) -> str: ...
    @property
    def methods(self) -> Collection[str] | None: ...
    @property
    def hosts(self) -> Sequence[str] | None: ...
    @property
    def paths(self) -> Sequence[str] | None: ...
    @property
    def headers(self) -> Mapping[str, Sequence[str]] | None: ...
    @property
    def snis(self) -> Collection[str] | None: ...
    @property
    def protocols(self) -> Collection[str]: ...
    @property
    def regex_priority(self) -> int: ...
    @property
    def created_at(self) -> int | None: ...
    @property
    def expression(self) -> str | None: ...
    @property
    def priority(self) -> int | None: ...


class RequestHeaders(Protocol):
    """The two look-ups that the router makes in a request's head; names are lower-case."""

    def get(self, name: bytes, /) -> bytes | None: ...
    def get_all(self, name: bytes, /) -> list[bytes]: ...


class RouteRequest(Protocol):
    """A request as the router sees it.

    `host` is lower-case, without port and trailing dot (an IPv6 literal keeps its brackets), empty when there is none;
    `sni` likewise. `port` is the listener's effective port. `path` is what `normalize_path` returned. `client_ip` is
    read only where an expression names `net.src.ip`; so are two attributes that a request may go without, `client_port`
    (int, for `net.src.port`) and `server_ip` (str, for `net.dst.ip`).
    """

    @property
    def method(self) -> bytes: ...
    @property
    def host(self) -> bytes: ...
    @property
    def port(self) -> int: ...
    @property
    def path(self) -> bytes: ...
    @property
    def query(self) -> bytes | None: ...
    @property
    def head(self) -> RequestHeaders: ...
    @property
    def tls(self) -> bool: ...
    @property
    def sni(self) -> bytes: ...
    @property
    def client_ip(self) -> str: ...


class RouteError(ValueError):
    """A route cannot be compiled: `field` is the attribute at fault, `message` says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Captures:
    """What the groups of a path regex took, percent-decoded as Kong gives them (`uri_captures`).

    `numbered[0]` is the whole match, `numbered[n]` the n-th group; a group that took no part is None.
    """

    __slots__ = ("_names", "numbered")

    def __init__(self, numbered: tuple[bytes | None, ...], names: Mapping[str, int]) -> None:
        self.numbered = numbered
        self._names = names

    @property
    def named(self) -> dict[str, bytes]:
        """The named groups that took part."""
        numbered = self.numbered
        return {name: value for name, index in self._names.items() if (value := numbered[index]) is not None}

    def get(self, key: str | int) -> bytes | None:
        """The group of that name or number, None when there is none or it took no part."""
        index = self._names.get(key) if isinstance(key, str) else key
        if index is None or not 0 <= index < len(self.numbered):
            return None
        return self.numbered[index]

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self.numbered)

    def __len__(self) -> int:
        return len(self.numbered)

    def __repr__(self) -> str:
        return f"Captures({self.numbered!r}, {dict(self._names)!r})"


class Match:
    """The route that takes a request. Shared between requests unless `captures` is set: never change one.

    `route` is the target given to the builder. `prefix` is the part of the normalised path that the route's path
    condition took (None when the route has none). `rank` orders candidates: the lower wins.
    """

    __slots__ = ("captures", "prefix", "rank", "route")

    def __init__(self, route: Any, prefix: bytes | None, captures: Captures | None, rank: int) -> None:
        self.route = route
        self.prefix = prefix
        self.captures = captures
        self.rank = rank

    def __repr__(self) -> str:
        return f"Match({self.route!r}, prefix={self.prefix!r}, captures={self.captures!r})"
