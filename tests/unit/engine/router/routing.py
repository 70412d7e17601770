"""Routes, requests and routers for the router's tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateline.engine.router import Flavor, Match, Router, RouterBuilder


@dataclass(frozen=True)
class Route:
    """A route whose attributes are unset unless said otherwise; its id is the target of its matches."""

    id: str = "r"
    methods: Sequence[str] | None = None
    hosts: Sequence[str] | None = None
    paths: Sequence[str] | None = None
    headers: Mapping[str, Sequence[str]] | None = None
    snis: Sequence[str] | None = None
    protocols: Sequence[str] = ("http", "https")
    regex_priority: int = 0
    created_at: int | None = None
    expression: str | None = None
    priority: int | None = None


@dataclass(frozen=True)
class Head:
    """Header look-ups."""

    pairs: Sequence[tuple[bytes, bytes]] = ()

    def get(self, name: bytes) -> bytes | None:
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.pairs if key.lower() == name]


@dataclass(frozen=True)
class Request:
    """What an exchange shows the router."""

    method: bytes = b"GET"
    host: bytes = b""
    path: bytes = b"/"
    head: Head = field(default_factory=Head)
    query: bytes | None = None
    tls: bool = False
    sni: bytes = b""
    port: int = 8000
    client_ip: str = "127.0.0.1"
    client_port: int = 50000
    server_ip: str = "10.0.0.1"
    tried: list[Any] | None = None


def make_request(
    path: str = "/", host: str = "", method: str = "GET", headers: Sequence[tuple[str, str]] = (), **others: Any
) -> Request:
    """A request from text."""
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return Request(method=method.encode(), host=host.encode(), path=path.encode(), head=Head(pairs), **others)


def make_router(flavor: Flavor, *routes: Route) -> Router:
    """A router whose targets are the routes' ids."""
    builder = RouterBuilder(flavor)
    for route in routes:
        builder.add(route, route.id)
    return builder.build()


def match_of(routes: Sequence[Route], request: Request, flavor: Flavor = "traditional_compatible") -> Match | None:
    """The match of a request."""
    return make_router(flavor, *routes).match(request)


def winner(routes: Sequence[Route], request: Request, flavor: Flavor = "traditional_compatible") -> object:
    """The id of the route that takes the request, None for none."""
    match = match_of(routes, request, flavor)
    return None if match is None else match.route


def takes(route: Route, request: Request, flavor: Flavor = "traditional_compatible") -> bool:
    """Whether the route takes the request."""
    return match_of([route], request, flavor) is not None
