"""Entities compiled for requests."""

from typing import Any, cast

import pytest

from gateline.engine.router import RouteError
from gateline.engine.runtime import Runtime, RuntimeBuilder
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools, Target
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Route, Service


def _build(*services: dict[str, Any], pools: Pools | None = None, verify: bool = False) -> tuple[Runtime, list[Route]]:
    entities: dict[str, Service] = {}
    routes: dict[str, Route] = {}
    for fields in services:
        nested = fields.pop("routes", [])
        service = Service.parse(fields)
        entities[service.id] = service
        for row in nested:
            route = Route.parse({**row, "service": {"id": service.id}})
            routes[route.id] = route
    builder = RuntimeBuilder(
        7,
        "hash",
        {"services": entities, "routes": routes},
        flavor="traditional_compatible",
        pools=pools or _pools(),
        verify_upstreams=verify,
    )
    for _ in builder.steps():
        pass
    return builder.build(), list(routes.values())


def _pools() -> Pools:
    return Pools(cast(Factory, UpstreamConnection), KeepAlive())


class _Request:
    """What the router asks of a request."""

    def __init__(self, path: bytes) -> None:
        self.method, self.path, self.host, self.port = b"GET", path, b"a.test", 80
        self.query, self.tls, self.sni, self.client_ip = None, False, b"", "127.0.0.1"
        self.head = self

    def get(self, name: bytes) -> bytes | None:
        return None

    def get_all(self, name: bytes) -> list[bytes]:
        return []


def _match(runtime: Runtime, path: bytes) -> Any:
    match = runtime.router.match(_Request(path))
    return None if match is None else match.route


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a.test", "a.test"),
        ("http://a.test:80/x", "a.test"),
        ("http://a.test:8080", "a.test:8080"),
        ("https://a.test", "a.test"),
        ("https://a.test:80", "a.test:80"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_host_line_names_a_port_that_is_not_the_usual_one(url: str, host: str) -> None:
    runtime, _ = _build({"name": "s", "url": url, "routes": [{"paths": ["/"]}]})
    assert _match(runtime, b"/x").service.balancer.next().host_line == f" HTTP/1.1\r\nHost: {host}\r\n".encode()


def test_times_are_in_seconds() -> None:
    runtime, _ = _build(
        {
            "name": "s",
            "url": "http://a.test",
            "connect_timeout": 1500,
            "read_timeout": 250,
            "write_timeout": 60000,
            "routes": [{"paths": ["/"]}],
        }
    )
    service = _match(runtime, b"/").service
    assert (service.connect_timeout, service.read_timeout, service.write_timeout) == (1.5, 0.25, 60.0)
    assert runtime.shortest_timeout == 0.25


def test_empty_configuration_is_a_runtime_too() -> None:
    runtime, _ = _build()
    assert (runtime.version, runtime.hash, runtime.targets) == (7, "hash", set())
    assert _match(runtime, b"/") is None


def test_routes_of_a_disabled_service_do_not_match() -> None:
    runtime, _ = _build(
        {"name": "off", "url": "http://a.test", "enabled": False, "routes": [{"paths": ["/"]}]},
        {"name": "on", "url": "http://b.test", "routes": [{"paths": ["/on"]}]},
    )
    assert _match(runtime, b"/x") is None
    assert _match(runtime, b"/on").service.name == "on"
    assert runtime.targets == {Target("b.test", 80)}


def test_services_at_one_address_share_a_pool() -> None:
    runtime, _ = _build(
        {"name": "a", "url": "http://x.test/1", "routes": [{"paths": ["/a"]}]},
        {"name": "b", "url": "http://x.test/2", "routes": [{"paths": ["/b"]}]},
    )
    assert _match(runtime, b"/a").service.balancer.next().pool is _match(runtime, b"/b").service.balancer.next().pool
    assert len(runtime.targets) == 1


@pytest.mark.parametrize(
    ("of_service", "of_settings", "verified"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_certificate_is_verified_as_the_service_says_else_as_the_settings_do(
    of_service: bool | None, of_settings: bool, verified: bool
) -> None:
    runtime, _ = _build(
        {"name": "s", "url": "https://a.test", "tls_verify": of_service, "routes": [{"paths": ["/"]}]},
        verify=of_settings,
    )
    (target,) = runtime.targets
    assert (target.tls, target.verify, target.server_name) == (True, verified, "a.test")


def test_debug_block_names_what_it_knows() -> None:
    runtime, (route,) = _build({"name": "s", "url": "http://a.test", "routes": [{"paths": ["/"]}]})
    compiled = _match(runtime, b"/")
    assert f"Kong-Route-Id: {route.id}\r\n".encode() in compiled.debug_block
    assert b"Kong-Service-Name: s\r\n" in compiled.debug_block
    assert b"Kong-Route-Name" not in compiled.debug_block


@pytest.mark.parametrize(
    ("protocols", "special", "https_only"),
    [(["http", "https"], False, False), (["https"], True, True), (["http"], False, False), (["grpc"], True, False)],
)
def test_route_knows_whether_its_protocols_may_refuse(protocols: list[str], special: bool, https_only: bool) -> None:
    runtime, _ = _build({"name": "s", "url": "http://a.test", "routes": [{"paths": ["/"], "protocols": protocols}]})
    compiled = _match(runtime, b"/")
    assert (compiled.special, compiled.https_only) == (special, https_only)


def test_route_that_cannot_be_compiled_is_named() -> None:
    service = Service.parse({"name": "s", "url": "http://a.test"})
    row = Route.parse({"paths": ["~/x"], "service": {"id": service.id}}).to_wire() | {"paths": ["~/(?=x)"]}
    route = Route.from_wire(row)
    builder = RuntimeBuilder(
        1,
        "",
        {"services": {service.id: service}, "routes": {route.id: route}},
        flavor="traditional_compatible",
        pools=_pools(),
    )
    with pytest.raises(RouteError, match=r"\(\?="):
        for _ in builder.steps():
            pass


def test_large_configuration_is_compiled_in_slices() -> None:
    services = [Service.parse({"name": f"s{n}", "url": f"http://h{n}.test"}) for n in range(500)]
    routes = [Route.parse({"paths": [f"/{one.name}"], "service": {"id": one.id}}) for one in services]
    builder = RuntimeBuilder(
        1,
        "",
        {"services": {one.id: one for one in services}, "routes": {one.id: one for one in routes}},
        flavor="traditional_compatible",
        pools=_pools(),
    )
    assert sum(1 for _ in builder.steps()) >= 20
    assert _match(builder.build(), b"/s77/x").service.name == "s77"
