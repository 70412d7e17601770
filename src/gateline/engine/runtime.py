"""Entities compiled for requests: what a worker serves with until the next change.

`RuntimeBuilder` does the work in slices, so that a worker goes on serving while ten thousand routes are compiled. A
runtime is never changed; what must outlive it (connections) belongs to `upstream.pool.Pools`, from which it takes what
its services need.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gateline.engine.router import Flavor, Match, Router, RouterBuilder, UpstreamPath
from gateline.engine.upstream.balancer import Balancer, CompiledTarget
from gateline.engine.upstream.pool import Pools, Target

if TYPE_CHECKING:
    from gateline.entities import Route, Service, Upstream
    from gateline.entities import Target as TargetEntity

__all__ = ["KINDS", "CompiledRoute", "CompiledService", "Runtime", "RuntimeBuilder"]

KINDS = ("services", "routes", "upstreams", "targets", "certificates", "snis")
"""The kinds of entities that a worker compiles; it has no use for others."""

_DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_TLS_PROTOCOLS = frozenset({"https", "grpcs"})
_NO_PREFIX = b"\r\n"


class CompiledService:
    """A service as a request needs it: its targets and its limits; timeouts in seconds.

    `balanced`: its targets differ in the Host that they are asked for, so another try means another head.
    """

    __slots__ = ("balanced", "balancer", "connect_timeout", "id", "name", "read_timeout", "retries", "write_timeout")

    def __init__(self, service: "Service", balancer: Balancer, balanced: bool) -> None:
        self.id = service.id
        self.name = service.name or service.id
        self.balancer = balancer
        self.balanced = balanced
        self.connect_timeout = service.connect_timeout / 1000
        self.read_timeout = service.read_timeout / 1000
        self.write_timeout = service.write_timeout / 1000
        self.retries = service.retries


class CompiledRoute:
    """A route as a request needs it. `special`: its protocols may refuse a request that it matches."""

    __slots__ = (
        "_prefix_lines",
        "debug_block",
        "forwarded_prefix",
        "grpc",
        "https_only",
        "https_redirect_status",
        "id",
        "name",
        "preserve_host",
        "service",
        "special",
        "strip_path",
        "upstream_path",
    )

    def __init__(self, route: "Route", service: "CompiledService | None", path: UpstreamPath) -> None:
        protocols = set(route.protocols)
        self.id = route.id
        self.name = route.name or route.id
        self.service = service
        self.preserve_host = route.preserve_host
        self.strip_path = route.strip_path
        self.https_only = "https" in protocols and "http" not in protocols
        self.https_redirect_status = route.https_redirect_status_code
        self.grpc = bool(protocols & {"grpc", "grpcs"})
        self.special = self.https_only or self.grpc
        self.upstream_path = path.build
        self.forwarded_prefix = path.forwarded_prefix
        self.debug_block = _debug_block(route, service)
        self._prefix_lines: dict[bytes | None, bytes] = {None: _NO_PREFIX}
        if self.strip_path:
            for text in route.paths or ():
                if text.startswith("/") and text != "/":
                    self._prefix_lines[text.encode()] = _prefix_line(text.encode())

    def prefix_line(self, match: Match) -> bytes:
        """The end of one header line and the whole X-Forwarded-Prefix line, where there is one."""
        if not self.strip_path:
            return _NO_PREFIX
        known = self._prefix_lines.get(match.prefix)
        if known is not None:
            return known
        prefix = self.forwarded_prefix(match)
        return _prefix_line(prefix) if prefix else _NO_PREFIX


class Runtime:
    """A version of the configuration, compiled."""

    __slots__ = ("hash", "router", "shortest_timeout", "targets", "version")

    def __init__(
        self, version: int, config_hash: str, router: Router, targets: set[Target], shortest_timeout: float
    ) -> None:
        self.version = version
        self.hash = config_hash
        self.router = router
        self.targets = targets
        self.shortest_timeout = shortest_timeout


class RuntimeBuilder:
    """Compiles entities; `steps` does it in slices of about a millisecond, `build` does what is left."""

    def __init__(
        self,
        version: int,
        config_hash: str,
        entities: Mapping[str, Mapping[str, Any]],
        *,
        flavor: Flavor,
        pools: Pools,
        verify_upstreams: bool = False,
        previous: Runtime | None = None,
    ) -> None:
        self._version = version
        self._hash = config_hash
        self._services: Mapping[str, Service] = entities.get("services", {})
        self._routes: Mapping[str, Route] = entities.get("routes", {})
        self._upstreams: Mapping[str, Upstream] = {one.name: one for one in entities.get("upstreams", {}).values()}
        self._members: dict[str, list[TargetEntity]] = {}
        for member in entities.get("targets", {}).values():
            self._members.setdefault(member.upstream.id, []).append(member)
        self._flavor = flavor
        self._pools = pools
        self._verify = verify_upstreams
        self._targets: set[Target] = set()
        self._router = RouterBuilder(flavor, previous=previous.router if previous else None)

    def steps(self) -> Iterator[None]:
        """The work, in slices: whoever drives it may do something else between two of them.

        Raises `RouteError` for a route that cannot be compiled.
        """
        compiled: dict[str, CompiledService] = {}
        for number, service in enumerate(self._services.values()):
            if service.enabled:
                compiled[service.id] = self._compile(service)
            if number % 50 == 49:
                yield
        for number, route in enumerate(self._routes.values()):
            self._add_route(route, compiled)
            if number % 25 == 24:
                yield
        yield from self._router.steps()

    def build(self) -> Runtime:
        """The runtime, once `steps` has run to its end."""
        shortest = min(
            (min(s.connect_timeout, s.read_timeout, s.write_timeout) / 1000 for s in self._services.values()),
            default=60.0,
        )
        return Runtime(self._version, self._hash, self._router.build(), self._targets, shortest)

    def _add_route(self, route: "Route", compiled: dict[str, CompiledService]) -> None:
        service = None
        path = None
        if route.service is not None:
            service = compiled.get(route.service.id)
            if service is None:  # its service is disabled
                return
            path = self._services[route.service.id].path
        handling = route.path_handling if self._flavor == "traditional" else "v0"
        upstream_path = UpstreamPath(path, route.strip_path, handling)
        self._router.add(route, CompiledRoute(route, service, upstream_path))

    def _compile(self, service: "Service") -> CompiledService:
        upstream = self._upstreams.get(service.host)
        if upstream is None:
            target = self._target(service, service.host, service.port, None)
            return CompiledService(service, Balancer([(target, 1)]), False)
        members = []
        for member in sorted(self._members.get(upstream.id, ()), key=lambda member: member.target):
            host, _, port = member.target.rpartition(":")
            target = self._target(service, host.strip("[]"), int(port), upstream.host_header)
            members.append((target, member.weight))
        return CompiledService(service, Balancer(members), True)

    def _target(self, service: "Service", host: str, port: int, host_header: str | None) -> CompiledTarget:
        """Where a service's requests go when they go to `host` and `port`; `host_header` overrides the Host."""
        if service.protocol in _TLS_PROTOCOLS:
            verify = self._verify if service.tls_verify is None else service.tls_verify
            target = Target(host, port, True, host_header or host, verify, service.tls_verify_depth)
        else:
            target = Target(host, port)
        self._targets.add(target)
        named = _authority(host_header or host, port, service.protocol)
        return CompiledTarget(self._pools.get(target), f" HTTP/1.1\r\nHost: {named}\r\n".encode())


def _authority(host: str, port: int, protocol: str) -> str:
    """Host and port as a Host header has them: no default port, brackets around an IPv6 address."""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return host if port == _DEFAULT_PORTS.get(protocol) else f"{host}:{port}"


def _prefix_line(prefix: bytes) -> bytes:
    return b"\r\nX-Forwarded-Prefix: " + prefix + b"\r\n"


def _debug_block(route: "Route", service: CompiledService | None) -> bytes:
    lines = {"Kong-Route-Id": route.id, "Kong-Route-Name": route.name}
    if service is not None:
        lines |= {"Kong-Service-Id": service.id, "Kong-Service-Name": service.name}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value).encode()
