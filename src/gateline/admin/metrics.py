"""`/metrics`: what the node tells of itself as Prometheus reads it, on the Admin API and on the status API.

First Kong's own metrics, under its names and labels, then those that plugins and the gateway's own parts count. As with
Kong the path is there where the plugin `prometheus` is loaded; a configured one adds to it.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation
from gateline.admin.information import is_reachable, shared_memory
from gateline.admin.node import Figures, Node
from gateline.admin.paging import every
from gateline.admin.routing import Resource
from gateline.admin.targets import NO_ADDRESS, TargetHealth, targets_health
from gateline.entities import Upstream
from gateline.entities.plugin_configs import plugin_types
from gateline.store import StoreUnavailable
from gateline.telemetry import Family, label_text
from gateline.telemetry.exposition import OPENMETRICS, TEXT, prefers_openmetrics, written
from gateline.version import KONG_VERSION, __version__

__all__ = ["resources"]

PLUGIN = "prometheus"
STATES = ("healthchecks_off", "healthy", "unhealthy", "dns_error")
_HTTP = {"subsystem": "http"}
_KONG_HTTP = {"kong_subsystem": "http"}


def resources(node: Node) -> list[Resource]:
    """The path, where it is."""
    if PLUGIN not in plugin_types():
        return []
    asked = _HealthAsked(node)

    async def get(request: Request) -> Response:
        openmetrics = prefers_openmetrics(request.headers.get("accept"))
        families = [*await _of_kong(node), *_own(node)]
        with contextlib.suppress(StoreUnavailable):  # which is told by a metric
            if await asked.now():
                families.append(await _target_health(node))
        families += await node.families()
        text = written(families, openmetrics=openmetrics)
        return StreamingResponse(text, headers={"Content-Type": OPENMETRICS if openmetrics else TEXT})

    operation = Operation(
        get, "Metrics, for Prometheus", {200: doc.TEXT}, gives=("text/plain", "application/openmetrics-text")
    )
    return [Resource("/metrics", get=operation)]


async def _of_kong(node: Node) -> list[Family]:
    """Kong's metrics of a node that are always there."""
    figures = node.figures()
    of_node = {"node_id": node.identity}
    capacity, allocated = shared_memory(figures)
    shared = label_text({**of_node, "shared_dict": "kong", **_KONG_HTTP})
    workers = [
        (label_text({**of_node, "pid": str(worker.pid), **_KONG_HTTP}), worker.resident_bytes)
        for worker in figures.workers
    ]
    return [
        _gauge("kong_nginx_connections_total", "Number of connections by subsystem", _connections(of_node, figures)),
        _gauge(
            "kong_nginx_requests_total",
            "Number of requests total",
            [(label_text({**of_node, **_HTTP}), figures.total_requests)],
        ),
        _gauge(
            "kong_nginx_timers", "Number of nginx timers", [(f'state="{state}"', 0) for state in ("running", "pending")]
        ),
        _gauge(
            "kong_datastore_reachable",
            "Datastore reachable from Kong, 0 is unreachable",
            [("", await is_reachable(node))],
        ),
        _gauge(
            "kong_node_info",
            "Kong Node metadata information",
            [(label_text({**of_node, "version": KONG_VERSION}), 1)],
        ),
        _gauge("kong_memory_workers_lua_vms_bytes", "Resident bytes of a worker process", workers),
        _gauge("kong_memory_lua_shared_dict_bytes", "Allocated bytes in a shared dict", [(shared, allocated)]),
        _gauge(
            "kong_memory_lua_shared_dict_total_bytes", "Total capacity in bytes of a shared dict", [(shared, capacity)]
        ),
    ]


def _own(node: Node) -> list[Family]:
    """The gateway's own."""
    figures = node.figures()
    memory = [(label_text({"area": area}), size) for area, size in sorted(figures.shared_bytes.items())]
    info = label_text({"node_id": node.identity, "version": __version__})
    return [
        _gauge("gateline_node_info", "The node, 1", [(info, 1)]),
        _gauge("gateline_workers", "Worker processes that are connected", [("", len(figures.workers))]),
        _gauge(
            "gateline_configuration_bytes", "Size of the configuration in force", [("", figures.configuration_bytes)]
        ),
        _gauge("gateline_shared_memory_bytes", "Shared memory of the node, by what is in it", memory),
    ]


def _gauge(name: str, description: str, values: Iterable[tuple[str, float]]) -> Family:
    return Family.of_values("gauge", name, description, values)


def _connections(of_node: dict[str, str], figures: Figures) -> Iterator[tuple[str, float]]:
    counts = {
        "accepted": figures.connections_accepted,
        "active": figures.connections_active,
        "handled": figures.connections_handled,
        "reading": figures.connections_reading,
        "total": figures.total_requests,
        "waiting": figures.connections_waiting,
        "writing": figures.connections_writing,
    }
    for state, count in counts.items():
        yield label_text({**of_node, **_HTTP, "state": state}), count


class _HealthAsked:
    """Whether a plugin entity asks for the health of targets; looked up again when the configuration has changed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._hash: str | None = None
        self._asked = False

    async def now(self) -> bool:
        """Whether one does."""
        current = self._node.snapshot.hash
        if current != self._hash:
            found = await self._node.for_plugins.plugins(PLUGIN)
            self._asked = any(one.enabled and _asks(one.config) for one in found)
            self._hash = current
        return self._asked


def _asks(config: Any) -> bool:
    return bool(getattr(config, "upstream_health_metrics", False))


async def _target_health(node: Node) -> Family:
    values: list[tuple[str, float]] = []
    async for upstream in every(node.store, "upstreams", {}):
        if isinstance(upstream, Upstream):
            targets = [target async for target in every(node.store, "targets", {"upstream": upstream.id})]
            for one in await targets_health(node, upstream, targets):
                values += _states(upstream.name, one)
    description = (
        "Health status of targets of upstream. States = healthchecks_off|healthy|unhealthy|dns_error, "
        "value is 1 when state is populated."
    )
    return _gauge("kong_upstream_target_health", description, values)


def _states(upstream: str, health: TargetHealth) -> Iterator[tuple[str, float]]:
    """A number for each state of each address: 1 for the one that it is in."""
    found = [(f"{one['ip']}:{one['port']}", one["health"]) for one in health.data()["addresses"]]
    for address, word in found or [("", NO_ADDRESS)]:
        for state in STATES:
            labels = {"upstream": upstream, "target": health.target.target, "address": address, "state": state, **_HTTP}
            yield label_text(labels), float(word.lower() == state)
