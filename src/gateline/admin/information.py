"""Paths that tell about the node: `/`, `/status`, `/timers`, `/endpoints`.

Those of features that this node does not have are here too, and say so in Kong's words.
"""

import platform
import re
import socket
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.errors import refusal
from gateline.admin.node import Figures, Node
from gateline.admin.paging import every
from gateline.admin.routing import Resource, json_answer
from gateline.entities import Plugin
from gateline.entities.plugin_configs import plugin_types
from gateline.store import StoreUnavailable
from gateline.version import KONG_VERSION, __version__

NOT_READY = {
    "no configuration": "no configuration available (empty configuration present)",
    "no database": "failed to connect to database",
    "draining": "draining",
}
"""What `/status/ready` says of a node that is not."""

UNITS = {"k": (2**10, "KiB"), "m": (2**20, "MiB"), "g": (2**30, "GiB")}

SHARED_MEMORY = 5 * 2**20
"""Bytes reported as the size of Kong's dictionary "kong", where its monitoring tools look; it grows with need here."""

_CONTROL_PLANE_ONLY = "this endpoint is only available when Kong is configured to run as Control Plane for the cluster"
_FILTERS_NEED_WASM = "this endpoint is only available when wasm is enabled"
_NO_DNS_STATISTICS = "not implemented with the legacy DNS client"


def root(node: Node) -> Resource:
    """`/`: what this is, its settings, its processes."""

    async def get(_request: Request) -> dict[str, Any]:
        figures = node.figures()
        available = {
            name: {"version": plugin.version, "priority": plugin.priority} for name, plugin in plugin_types().items()
        }
        return {
            "tagline": "Welcome to kong",
            "version": KONG_VERSION,
            "edition": "community",
            "hostname": socket.gethostname(),
            "node_id": node.identity,
            "timers": {"pending": 0, "running": 0},
            "plugins": {"available_on_server": available, "enabled_in_cluster": await _used_plugins(node)},
            "lua_version": f"{platform.python_implementation()} {platform.python_version()}",
            "configuration": node.settings.masked(),
            "pids": {"master": node.master_pid, "workers": [worker.pid for worker in figures.workers]},
            "gateline": {"version": __version__},
        }

    return Resource("/", get=Operation(get, "What this node is", {200: doc.OBJECT}))


async def _used_plugins(node: Node) -> list[str]:
    """Names of the plugins that are configured."""
    return sorted({plugin.name async for plugin in every(node.store, "plugins", {}) if isinstance(plugin, Plugin)})


def health(node: Node, admin_requests: Callable[[], int]) -> list[Resource]:
    """`/status` and what is below it, as on the Admin API so on the status API."""

    async def status(request: Request) -> dict[str, Any]:
        size = _sizes(request.query_params.get("unit", "m"), request.query_params.get("scale"))
        figures = node.figures()
        capacity, allocated = shared_memory(figures)
        answer: dict[str, Any] = {
            "memory": {
                "lua_shared_dicts": {
                    "kong": {
                        "capacity": size(capacity),
                        "allocated_slabs": size(allocated),
                    }
                },
                "workers_lua_vms": [
                    {"pid": worker.pid, "http_allocated_gc": size(worker.resident_bytes)} for worker in figures.workers
                ],
            },
            "server": _server(figures, admin_requests()),
            "database": {"reachable": await is_reachable(node)},
        }
        if not node.store.writable:
            answer["configuration_hash"] = node.snapshot.hash
        return answer

    async def ready(_request: Request) -> Response:
        if node.readiness == "ready":
            return json_answer({"message": "ready"})
        return json_answer({"message": NOT_READY[node.readiness]}, 503)

    async def dns(_request: Request) -> Response:
        return json_answer({"message": _NO_DNS_STATISTICS}, 501)

    units = (
        Parameter(
            "unit", "Of the figures of memory.", {"enum": ["b", "B", "k", "K", "m", "M", "g", "G"], "default": "m"}
        ),
        Parameter("scale", "Digits after the point, 0 to 99; 2 for what is no number."),
    )
    return [
        Resource("/status", get=Operation(status, "Counters and memory", {200: doc.OBJECT, 400: doc.MESSAGE}, units)),
        Resource(
            "/status/ready", get=Operation(ready, "Whether the node serves", {200: doc.MESSAGE, 503: doc.MESSAGE})
        ),
        Resource("/status/dns", get=Operation(dns, "Figures of the resolver", {501: doc.MESSAGE})),
    ]


def shared_memory(figures: Figures) -> tuple[int, int]:
    """Capacity and allocated bytes of what stands for Kong's dictionary "kong"."""
    return max(SHARED_MEMORY, figures.configuration_bytes), figures.configuration_bytes


async def is_reachable(node: Node) -> bool:
    """Whether the store answers."""
    try:
        await node.store.check()
    except StoreUnavailable:
        return False
    return True


def resources(node: Node) -> list[Resource]:
    """The other paths of this module."""

    async def timers(_request: Request) -> dict[str, Any]:
        counts = {"elapsed_time": 0, "pending": 0, "running": 0, "total": 0, "waiting": 0}
        workers = node.figures().workers
        return {"worker": {"id": 0, "count": len(workers)}, "stats": {"flamegraph": {}, "sys": counts, "timers": {}}}

    async def control_plane_only(_request: Request) -> Response:
        raise refusal(400, _CONTROL_PLANE_ONLY)

    async def filters(_request: Request) -> Response:
        raise refusal(400, _FILTERS_NEED_WASM)

    control_plane = Operation(control_plane_only, "Nodes of a control plane", {400: doc.MESSAGE})
    filter_chains = Operation(filters, "Filter chains", {400: doc.MESSAGE})
    every = dict.fromkeys(("get", "put", "patch", "delete"), filter_chains)
    return [
        Resource("/timers", get=Operation(timers, "Figures of timers", {200: doc.OBJECT})),
        Resource("/clustering/data-planes", get=control_plane),
        Resource("/clustering/status", get=control_plane),
        Resource("/filter-chains", get=filter_chains, post=filter_chains),
        Resource("/filter-chains/{filter_chains}", **every),
    ]


def endpoints(paths: Callable[[], list[str]]) -> Resource:
    """`/endpoints`: every path that there is."""

    async def get(_request: Request) -> dict[str, list[str]]:
        return {"data": sorted(paths())}

    answer = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": doc.TEXT}}}
    return Resource("/endpoints", get=Operation(get, "Every path that there is", {200: answer}))


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
