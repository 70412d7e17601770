"""Routes, requests and routers for the router's tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateline.engine.router import Flavor, Match, Router, RouterBuilder


@dataclass(frozen=True)
class Route:
    """A route whose unset attributes are None; its id is what tests see as the answer."""

    id: str
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
    """Header look-ups over pairs."""

    pairs: Sequence[tuple[bytes, bytes]]

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
    head: Head = field(default_factory=lambda: Head(()))
    query: bytes | None = None
    tls: bool = False
    sni: bytes = b""
    port: int = 8000
    client_ip: str = "127.0.0.1"
    client_port: int = 50000
    server_ip: str = "10.0.0.1"


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


def make_compatible_router(*routes: Route) -> Router:
    """A router of the default flavour."""
    return make_router("traditional_compatible", *routes)


def taken_by(router: Router, request: Request) -> object:
    """The target that takes the request, None for none."""
    match: Match | None = router.match(request)
    return None if match is None else match.route


@pytest.fixture(params=["traditional_compatible", "traditional"])
def classic_flavor(request: pytest.FixtureRequest) -> Flavor:
    """Both flavours without expressions."""
    flavor: Flavor = request.param
    return flavor


RouteFactory = Callable[..., Route]
