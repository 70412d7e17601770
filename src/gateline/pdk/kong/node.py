"""The smaller groups of Kong's kit: node, cluster, plugin, router, ip, ctx, nginx, telemetry."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from gateline.pdk.kong.exceptions import Failure, PDKException
from gateline.pdk.kong.surface import ALL, Group, function
from gateline.pdk.kong.values import arguments_of

__all__ = ["Cluster", "Ctx", "Ip", "Nginx", "Node", "Plugin", "Router", "Telemetry"]

_ROUTED = ("access", "response", "header_filter", "body_filter", "log")
_IN_REQUEST = ("rewrite", *_ROUTED)
_CONTEXT = "kong.nginx.ctx"
_FOR_EVER = 10 * 365 * 86400.0
_UNITS = {"b": ("", 0), "k": ("KiB", 10), "m": ("MiB", 20), "g": ("GiB", 30)}


class Node(Group):
    """`kong.node`."""

    __slots__ = ()

    @function()
    def get_id(self) -> str:
        return str(self._plugin.node.id)

    @function()
    def get_hostname(self) -> str:
        return socket.gethostname()

    @function()
    def get_memory_stats(self, unit: Any = "b", scale: Any = 2) -> dict[str, Any]:
        word = str(unit or "b").lower()
        if word not in _UNITS:
            raise PDKException(f"invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')")
        used = _resident()
        name, shift = _UNITS[word]
        shown = f"{used / (1 << shift):.{int(scale)}f} {name}" if shift else used
        return {"lua_shared_dicts": {}, "workers_lua_vms": [{"http_allocated_gc": shown, "pid": os.getpid()}]}


class Cluster(Group):
    """`kong.cluster`."""

    __slots__ = ()

    @function()
    def get_id(self) -> str | None:
        return None


class Plugin(Group):
    """`kong.plugin`."""

    __slots__ = ()

    @function(_IN_REQUEST)
    def get_id(self) -> str:
        return str(self._plugin.id)


class Router(Group):
    """`kong.router`."""

    __slots__ = ()

    @function(_ROUTED)
    def get_route(self) -> dict[str, Any] | None:
        route = self._x.route
        return None if route is None else route.entity.to_wire()

    @function(_ROUTED)
    def get_service(self) -> dict[str, Any] | None:
        service = self._x.service
        return None if service is None else service.entity.to_wire()


class Ip(Group):
    """`kong.ip`."""

    __slots__ = ()

    @function()
    def is_trusted(self, address: Any) -> bool:
        if not isinstance(address, str):
            raise PDKException("address must be a string")
        return bool(self._plugin.node.trusts(address))


class Shared(Group):
    """`kong.ctx.shared`: what plugins share for one request."""

    __slots__ = ()

    @function(_IN_REQUEST)
    def get(self, k: Any) -> Any:
        return self._x.context.get(k)

    @function(_IN_REQUEST)
    def set(self, k: Any, v: Any = None) -> None:
        if v is None:
            self._x.context.pop(k, None)
        else:
            self._x.context[k] = v


class Ctx(Group):
    """`kong.ctx`."""

    __slots__ = ()

    groups = {"shared": Shared}  # noqa: RUF012 - a constant of the base's kind


class NginxShared(Group):
    """`kong.nginx.shared`: what all workers of the node share; values are JSON data."""

    __slots__ = ()

    @function()
    def get(self, k: Any) -> Any:
        found = self._plugin.on_loop(self._plugin.node.cache.get, f"{_CONTEXT}:{k}")
        return None if found is None else json.loads(found)

    @function()
    def set(self, k: Any, v: Any = None) -> None:
        cache = self._plugin.node.cache
        if v is None:
            self._plugin.on_loop(cache.remove, f"{_CONTEXT}:{k}")
            return
        try:
            data = json.dumps(v).encode()
        except (TypeError, ValueError):
            raise PDKException("value must be text, a number, a boolean or a table of these") from None
        self._plugin.on_loop(_put, cache, f"{_CONTEXT}:{k}", data)


def _put(cache: Any, key: str, data: bytes) -> None:
    cache.put(key, data, ttl=_FOR_EVER)


class Nginx(Group):
    """`kong.nginx`."""

    __slots__ = ()

    groups = {"shared": NginxShared}  # noqa: RUF012 - a constant of the base's kind

    @function(_IN_REQUEST)
    def get_ctx(self, k: Any) -> Any:
        return self._x.context.get((_CONTEXT, k))

    @function(_IN_REQUEST)
    def set_ctx(self, k: Any, any: Any = None) -> None:  # noqa: A002 - Kong's name
        self._x.context[_CONTEXT, k] = any

    @function(_IN_REQUEST)
    def get_var(self, name: Any = None) -> Any:
        return _variable(self._x, str(name))

    @function()
    def get_subsystem(self) -> str:
        return "http"

    @function(fails=True)
    def get_statistics(self) -> dict[str, int]:
        raise Failure("connections are counted on the status endpoint, not for plugins")

    @function(_IN_REQUEST, fails=True)
    def get_tls1_version_str(self) -> str | None:
        if not self._x.client.tls:
            raise Failure("not a TLS connection")
        raise Failure("the version of TLS is not known")

    @function(_IN_REQUEST)
    def req_start_time(self) -> float:
        return float(self._x.request.start_time)


class Telemetry(Group):
    """`kong.telemetry`."""

    __slots__ = ()

    @function(ALL)
    def log(
        self, plugin_name: Any, plugin_config: Any, message_type: Any, message: Any, attributes: Any = None
    ) -> bool:
        if not isinstance(plugin_name, str) or not isinstance(message_type, str):
            raise PDKException("plugin_name and message_type must be strings")
        if attributes is not None and not isinstance(attributes, Mapping):
            raise PDKException("attributes must be a table")
        if plugin_config is not None and not isinstance(plugin_config, Mapping):
            raise PDKException("plugin_config must be a table")
        said = json.dumps(dict(attributes), default=str) if attributes else ""
        self._plugin.logger.info("[%s] %s: %s %s", plugin_name, message_type, message, said)
        return True


def _variable(exchange: Any, name: str) -> Any:
    """A variable of nginx, as far as there is one like it."""
    request = exchange.request
    plain = _VARIABLES.get(name)
    if plain is not None:
        return plain(exchange)
    if name.startswith("http_"):
        return request.header(name[5:].replace("_", "-"))
    if name.startswith("arg_"):
        value = arguments_of(request.query).get(unquote_plus(name[4:]))
        return value[0] if isinstance(value, list) else value
    if name.startswith("cookie_"):
        return request.cookies().get(name[7:])
    return None


_VARIABLES: Mapping[str, Any] = {
    "request_id": lambda x: x.request.id,
    "remote_addr": lambda x: x.client.forwarded_ip,
    "remote_port": lambda x: str(x.client.forwarded_port),
    "realip_remote_addr": lambda x: x.client.ip,
    "scheme": lambda x: x.request.scheme,
    "https": lambda x: "on" if x.client.tls else "",
    "host": lambda x: x.request.host,
    "http_host": lambda x: x.request.header("host"),
    "server_port": lambda x: str(x.request.port),
    "server_protocol": lambda x: f"HTTP/{x.request.http_version}",
    "request_method": lambda x: x.request.method,
    "request_uri": lambda x: x.request.path_with_query,
    "uri": lambda x: x.request.path,
    "args": lambda x: x.request.query,
    "query_string": lambda x: x.request.query,
    "is_args": lambda x: "?" if x.request.query else "",
    "content_type": lambda x: x.request.header("content-type"),
    "content_length": lambda x: x.request.header("content-length"),
    "ssl_server_name": lambda x: x.client.server_name,
    "status": lambda x: str(x.response.status) if x.response.status else None,
}


def _resident() -> int:
    """Bytes of memory that the worker holds."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
