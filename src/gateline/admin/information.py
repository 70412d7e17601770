"""Paths that tell about the node: `/`, `/status`, `/timers`, `/endpoints`, the log level.

Those of features that this node does not have are here too, and say so in Kong's words.
"""

import platform
import re
import socket
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateline.admin.errors import refusal
from gateline.admin.node import Figures, Node
from gateline.admin.routing import json_answer, resource
from gateline.version import KONG_VERSION, __version__

NOT_READY = {
    "no configuration": "no configuration available (empty configuration present)",
    "draining": "draining",
}
"""What `/status/ready` says of a node that is not."""

UNITS = {"k": (2**10, "KiB"), "m": (2**20, "MiB"), "g": (2**30, "GiB")}

SHARED_MEMORY = 5 * 2**20
"""Bytes reported as the size of Kong's dictionary "kong", where its monitoring tools look; it grows with need here."""

_CONTROL_PLANE_ONLY = "this endpoint is only available when Kong is configured to run as Control Plane for the cluster"
_LOG_LEVEL_NEEDS_DATABASE = "cannot change log level when not using a database"
_FILTERS_NEED_WASM = "this endpoint is only available when wasm is enabled"
_NO_DNS_STATISTICS = "not implemented with the legacy DNS client"


def root(node: Node) -> BaseRoute:
    """`/`: what this is, its settings, its processes."""

    async def get(_request: Request) -> dict[str, Any]:
        figures = node.figures()
        return {
            "tagline": "Welcome to kong",
            "version": KONG_VERSION,
            "edition": "community",
            "hostname": socket.gethostname(),
            "node_id": node.identity,
            "timers": {"pending": 0, "running": 0},
            "plugins": {"available_on_server": {}, "enabled_in_cluster": []},
            "lua_version": f"{platform.python_implementation()} {platform.python_version()}",
            "configuration": node.settings.masked(),
            "pids": {"master": node.master_pid, "workers": [worker.pid for worker in figures.workers]},
            "gateline": {"version": __version__},
        }

    return resource("/", get=get)


def health(node: Node, admin_requests: Callable[[], int]) -> list[BaseRoute]:
    """`/status` and what is below it, as on the Admin API so on the status API."""

    async def status(request: Request) -> dict[str, Any]:
        size = _sizes(request.query_params.get("unit", "m"), request.query_params.get("scale"))
        figures = node.figures()
        return {
            "memory": {
                "lua_shared_dicts": {
                    "kong": {
                        "capacity": size(max(SHARED_MEMORY, figures.configuration_bytes)),
                        "allocated_slabs": size(figures.configuration_bytes),
                    }
                },
                "workers_lua_vms": [
                    {"pid": worker.pid, "http_allocated_gc": size(worker.resident_bytes)} for worker in figures.workers
                ],
            },
            "server": _server(figures, admin_requests()),
            "database": {"reachable": True},
            "configuration_hash": node.snapshot.hash,
        }

    async def ready(_request: Request) -> Response:
        if node.readiness == "ready":
            return json_answer({"message": "ready"})
        return json_answer({"message": NOT_READY[node.readiness]}, 503)

    async def dns(_request: Request) -> Response:
        return json_answer({"message": _NO_DNS_STATISTICS}, 501)

    return [
        resource("/status", get=status),
        resource("/status/ready", get=ready),
        resource("/status/dns", get=dns),
    ]


def routes(node: Node) -> list[BaseRoute]:
    """The other paths of this module."""

    async def timers(_request: Request) -> dict[str, Any]:
        counts = {"elapsed_time": 0, "pending": 0, "running": 0, "total": 0, "waiting": 0}
        workers = node.figures().workers
        return {"worker": {"id": 0, "count": len(workers)}, "stats": {"flamegraph": {}, "sys": counts, "timers": {}}}

    async def log_level(_request: Request) -> dict[str, str]:
        return {"message": f"log level: {node.settings.log_level}"}

    async def set_log_level(_request: Request) -> Response:
        raise refusal(405, _LOG_LEVEL_NEEDS_DATABASE)

    async def control_plane_only(_request: Request) -> Response:
        raise refusal(400, _CONTROL_PLANE_ONLY)

    async def filters(_request: Request) -> Response:
        raise refusal(400, _FILTERS_NEED_WASM)

    level = "/log-level/{log_level}"
    every = {"get": filters, "put": filters, "patch": filters, "delete": filters}
    return [
        resource("/timers", get=timers),
        resource("/debug/node/log-level", get=log_level),
        resource(f"/debug/node{level}", put=set_log_level),
        resource(f"/debug/cluster{level}", put=set_log_level),
        resource(f"/debug/cluster/control-planes-nodes{level}", put=set_log_level),
        resource("/clustering/data-planes", get=control_plane_only),
        resource("/clustering/status", get=control_plane_only),
        resource("/filter-chains", get=filters, post=filters),
        resource("/filter-chains/{filter_chains}", **every),
    ]


def endpoints(paths: Callable[[], list[str]]) -> BaseRoute:
    """`/endpoints`: every path that there is."""

    async def get(_request: Request) -> dict[str, list[str]]:
        return {"data": paths()}

    return resource("/endpoints", get=get)


def _server(figures: Figures, admin_requests: int) -> dict[str, int]:
    return {
        "connections_accepted": figures.connections_accepted,
        "connections_active": figures.connections_active,
        "connections_handled": figures.connections_handled,
        "connections_reading": figures.connections_reading,
        "connections_waiting": figures.connections_waiting,
        "connections_writing": figures.connections_writing,
        "total_requests": figures.total_requests + admin_requests,
    }


def _sizes(unit: str, scale: str | None) -> Callable[[int], str | int]:
    """How a number of bytes is written: in a unit, with so many digits after the point. Raises ApiError."""
    if unit in ("", "b", "B"):
        return lambda size: size
    if unit.lower() not in UNITS:
        raise refusal(400, f"invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')")
    digits = 2
    if scale is not None and re.fullmatch(r"-?\d{1,9}", scale, re.ASCII):
        digits = int(scale)
    if not 0 <= digits <= 99:
        raise refusal(400, "scale must be equal or greater than 0" if digits < 0 else "scale must be less than 100")
    factor, name = UNITS[unit.lower()]
    return lambda size: f"{size / factor:.{digits}f} {name}"
