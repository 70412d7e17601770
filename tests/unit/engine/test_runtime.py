"""Entities compiled for requests."""

from typing import Any, cast

import pytest

from gateline.engine.configuration import Change, Configuration
from gateline.engine.router import RouteError
from gateline.engine.runtime import Runtime
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools, Target
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Route, Service
from unit.engine.router.routing import make_request


def _configure(*services: dict[str, Any], verify: bool = False) -> tuple[Configuration, list[Route]]:
    put: dict[str, list[dict[str, Any]]] = {"services": [], "routes": []}
    routes: list[Route] = []
    for fields in services:
        nested = fields.pop("routes", [])
        service = Service.parse(fields)
        put["services"].append(service.to_wire())
        for row in nested:
            route = Route.parse({**row, "service": {"id": service.id}})
            put["routes"].append(route.to_wire())
            routes.append(route)
    configuration = _empty(verify=verify)
    _change(configuration, put)
    return configuration, routes


def _empty(*, verify: bool = False) -> Configuration:
    pools = Pools(cast(Factory, UpstreamConnection), KeepAlive())
    return Configuration("traditional_compatible", pools, verify_upstreams=verify)


def _change(configuration: Configuration, put: dict[str, list[dict[str, Any]]]) -> int:
    change = Change(configuration, 7, "hash", put=put, delete={})
    steps = sum(1 for _ in change.steps())
    change.commit()
    return steps


def _build(*services: dict[str, Any]) -> tuple[Runtime, list[Route]]:
    configuration, routes = _configure(*services)
    return configuration.runtime, routes


def _targets(configuration: Configuration) -> set[Target]:
    return {pool.target for pool in configuration.pools.users}


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
    target = _match(runtime, b"/x").service.balancer.pick(make_request())
    assert target.host_line == f" HTTP/1.1\r\nHost: {host}\r\n".encode()


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
    configuration, _ = _configure()
    runtime = configuration.runtime
    assert (runtime.version, runtime.hash, _targets(configuration)) == (7, "hash", set())
    assert _match(runtime, b"/") is None


def test_routes_of_a_disabled_service_do_not_match() -> None:
    configuration, _ = _configure(
        {"name": "off", "url": "http://a.test", "enabled": False, "routes": [{"paths": ["/"]}]},
        {"name": "on", "url": "http://b.test", "routes": [{"paths": ["/on"]}]},
    )
    assert _match(configuration.runtime, b"/x") is None
    assert _match(configuration.runtime, b"/on").service.name == "on"
    assert _targets(configuration) == {Target("b.test", 80)}


def test_services_at_one_address_share_a_pool() -> None:
    configuration, _ = _configure(
        {"name": "a", "url": "http://x.test/1", "routes": [{"paths": ["/a"]}]},
        {"name": "b", "url": "http://x.test/2", "routes": [{"paths": ["/b"]}]},
    )
    balancers = (_match(configuration.runtime, path).service.balancer for path in (b"/a", b"/b"))
    first, second = (balancer.pick(make_request()) for balancer in balancers)
    assert first.pool is second.pool
    assert configuration.pools.users == {first.pool: 2}


@pytest.mark.parametrize(
    ("of_service", "of_settings", "verified"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_certificate_is_verified_as_the_service_says_else_as_the_settings_do(
    of_service: bool | None, of_settings: bool, verified: bool
) -> None:
    configuration, _ = _configure(
        {"name": "s", "url": "https://a.test", "tls_verify": of_service, "routes": [{"paths": ["/"]}]},
        verify=of_settings,
    )
    (target,) = _targets(configuration)
    assert (target.tls, target.verify, target.server_name) == (True, verified, "a.test")


def test_debug_block_names_what_it_knows() -> None:
    runtime, (route,) = _build({"name": "s", "url": "http://a.test", "routes": [{"paths": ["/"]}]})
    compiled = _match(runtime, b"/")
    assert f"Kong-Route-Id: {route.id}\r\n".encode() in compiled.debug_block()
    assert b"Kong-Service-Name: s\r\n" in compiled.debug_block()
    assert b"Kong-Route-Name" not in compiled.debug_block()


@pytest.mark.parametrize(
    ("protocols", "special", "https_only"),
    [(["http", "https"], False, False), (["https"], True, True), (["http"], False, False), (["grpc"], True, False)],
)
def test_route_knows_whether_its_protocols_may_refuse(protocols: list[str], special: bool, https_only: bool) -> None:
    runtime, _ = _build({"name": "s", "url": "http://a.test", "routes": [{"paths": ["/"], "protocols": protocols}]})
    compiled = _match(runtime, b"/")
    assert (compiled.special, compiled.https_only) == (special, https_only)


def test_route_that_cannot_be_compiled_is_refused() -> None:
    service = Service.parse({"name": "s", "url": "http://a.test"})
    row = Route.parse({"paths": ["~/x"], "service": {"id": service.id}}).to_wire() | {"paths": ["~/(?=x)"]}
    with pytest.raises(RouteError, match=r"\(\?="):
        _change(_empty(), {"services": [service.to_wire()], "routes": [row]})


def test_large_configuration_is_compiled_in_slices() -> None:
    services = [Service.parse({"name": f"s{n}", "url": f"http://h{n}.test"}) for n in range(500)]
    routes = [Route.parse({"paths": [f"/{one.name}"], "service": {"id": one.id}}) for one in services]
    configuration = _empty()
    put = {"services": [one.to_wire() for one in services], "routes": [one.to_wire() for one in routes]}
    assert _change(configuration, put) >= 100
    assert _match(configuration.runtime, b"/s77/x").service.name == "s77"
