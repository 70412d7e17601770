"""Envoy with one worker thread, a static route and a static cluster."""

import json
from pathlib import Path
from typing import Any

from benchmarks.install import ENVOY, program
from benchmarks.processes import Address, Server, start, start_until_ready
from benchmarks.proxies import HOST, PREFIX, RunningProxy

_HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


class Envoy:
    """Envoy from its Python package."""

    def version(self) -> str:
        program(ENVOY)
        return ENVOY.version

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        def attempt(address: Address) -> Server:
            path = folder / "envoy.json"
            path.write_text(json.dumps(_configuration(address, upstream)))
            options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
            return start("envoy", [program(ENVOY), "-c", path, *options], folder, core)

        server, address = start_until_ready(attempt)
        return RunningProxy(server, address, [server.pid])


def _socket(address: Address) -> dict[str, Any]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _configuration(address: Address, upstream: Address) -> dict[str, Any]:
    route = {"match": {"prefix": PREFIX}, "route": {"cluster": "orders"}}
    http = {
        "@type": _HTTP,
        "stat_prefix": "http",
        "use_remote_address": True,  # sets X-Forwarded-For
        "http_filters": [{"name": "router", "typed_config": {"@type": _ROUTER}}],
        # A host in a request may carry a port; the domain below is compared without it.
        "strip_any_host_port": True,
        "route_config": {"virtual_hosts": [{"name": "api", "domains": [HOST], "routes": [route]}]},
    }
    listener = {
        "name": "http",
        "address": _socket(address),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": http}]}],
    }
    endpoint = {"endpoint": {"address": _socket(upstream)}}
    cluster = {
        "name": "orders",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "orders", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
