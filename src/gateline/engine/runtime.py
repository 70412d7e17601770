"""What a worker serves with until the next change: entities compiled for requests.

A runtime is never changed, and requests go on with the one that they began with; but the balancer of an upstream is one
as long as the upstream is in use, so that a request that is tried again finds the targets of now. Connections outlive a
runtime too; they belong to `upstream.pool.Pools`. `configuration` makes runtimes.
"""

from typing import TYPE_CHECKING

from gateline.engine.router import Match, Router, UpstreamPath
from gateline.engine.upstream.balancer import Balancer
from gateline.engine.upstream.retries import Load, RetryRules

if TYPE_CHECKING:
    from gateline.engine.chain import Chain, PluginSet
    from gateline.engine.upstream.gates import Gate
    from gateline.entities import Route, Service

__all__ = ["CompiledRoute", "CompiledService", "Runtime"]

_NO_PREFIX = b"\r\n"
_ONE_LINE: dict[bytes | None, bytes] = {None: _NO_PREFIX}


class CompiledService:
    """A service as a request needs it: its targets and its limits; timeouts in seconds.

    `balanced`: its targets differ in the Host that they are asked for, so another try means another head. `load` is
    that of its earlier versions too, so that a change of configuration forgets no request. `gate`: lets tries begin,
    where they may be refused.
    """

    __slots__ = (
        "balanced",
        "balancer",
        "connect_timeout",
        "entity",
        "gate",
        "id",
        "load",
        "name",
        "read_timeout",
        "retries",
        "retry_rules",
        "write_timeout",
    )

    def __init__(
        self,
        service: "Service",
        balancer: Balancer,
        balanced: bool,
        load: Load | None = None,
        gate: "Gate | None" = None,
    ) -> None:
        self.entity = service
        self.id = service.id
        self.name = service.name or service.id
        self.balancer = balancer
        self.balanced = balanced
        self.connect_timeout = service.connect_timeout / 1000
        self.read_timeout = service.read_timeout / 1000
        self.write_timeout = service.write_timeout / 1000
        self.retries = service.retries
        self.load = load or Load()
        self.retry_rules = None if service.retry_policy is None else RetryRules(service.retry_policy, self.retries)
        self.gate = gate


class CompiledRoute:
    """A route as a request needs it. `special`: its protocols may refuse a request that it matches."""

    __slots__ = (
        "_chain",
        "_chain_tls",
        "_plugins",
        "_prefix_lines",
        "entity",
        "forwarded_prefix",
        "grpc",
        "https_only",
        "https_redirect_status",
        "id",
        "name",
        "path_unchanged",
        "preserve_host",
        "retry_rules",
        "service",
        "special",
        "strip_path",
        "upstream_path",
    )

    def __init__(self, route: "Route", service: "CompiledService | None", path: UpstreamPath) -> None:
        protocols = set(route.protocols)
        self.entity = route
        self.id = route.id
        self.name = route.name or route.id
        self.service = service
        self.retry_rules = _retry_rules(route, service)
        self.preserve_host = route.preserve_host
        self.strip_path = route.strip_path
        self.https_only = "https" in protocols and "http" not in protocols
        self.https_redirect_status = route.https_redirect_status_code
        self.grpc = bool(protocols & {"grpc", "grpcs"})
        self.special = self.https_only or self.grpc
        self.path_unchanged = path.identity
        self.upstream_path = path.build
        self.forwarded_prefix = path.forwarded_prefix
        self._plugins: PluginSet | None = None
        self._chain: Chain | None = None
        self._chain_tls: Chain | None = None
        self._prefix_lines = _ONE_LINE
        if self.strip_path:
            self._prefix_lines = {None: _NO_PREFIX}
            for text in route.paths or ():
                if text.startswith("/") and text != "/":
                    self._prefix_lines[text.encode()] = _prefix_line(text.encode())

    def chain(self, plugins: "PluginSet", tls: bool) -> "Chain":
        """The route's chain of plugins, worked out when it is asked for first after a change of plugins."""
        if self._plugins is not plugins:
            service = self.service.id if self.service is not None else ""
            grpc = self.grpc
            self._chain = plugins.chain(self.id, service, "grpc" if grpc else "http")
            self._chain_tls = plugins.chain(self.id, service, "grpcs" if grpc else "https")
            self._plugins = plugins
        return self._chain_tls if tls else self._chain  # type: ignore[return-value]  # set above

    def debug_block(self) -> bytes:
        """The lines that tell a client who asks for them (`Kong-Debug`) where its request went."""
        lines = f"Kong-Route-Id: {self.id}\r\n"
        if self.entity.name:
            lines += f"Kong-Route-Name: {self.entity.name}\r\n"
        if self.service is not None:
            lines += f"Kong-Service-Id: {self.service.id}\r\nKong-Service-Name: {self.service.name}\r\n"
        return lines.encode()

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
    """A version of the configuration, compiled.

    `shortest_timeout` of all services, in seconds; `plugins` None where there is none at all.
    """

    __slots__ = ("hash", "plugins", "router", "shortest_timeout", "version")

    def __init__(
        self,
        version: int,
        config_hash: str,
        router: Router,
        shortest_timeout: float = 60.0,
        plugins: "PluginSet | None" = None,
    ) -> None:
        self.version = version
        self.hash = config_hash
        self.router = router
        self.shortest_timeout = shortest_timeout
        self.plugins = plugins


def _retry_rules(route: "Route", service: CompiledService | None) -> RetryRules | None:
    """The route's own, else those of its service."""
    if service is None or route.retry_policy is None:
        return None if service is None else service.retry_rules
    return RetryRules(route.retry_policy, service.retries)


def _prefix_line(prefix: bytes) -> bytes:
    return b"\r\nX-Forwarded-Prefix: " + prefix + b"\r\n"
