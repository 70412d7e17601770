"""Targets, which are reached through their upstream only, and the health of both."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.collection import Address, Collection
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.entities import Endpoints, filled, found
from gateline.admin.errors import refusal
from gateline.admin.node import Node
from gateline.admin.paging import every, page_body
from gateline.admin.routing import Resource
from gateline.entities import Entity, Target
from gateline.entities.formats import target_with_port

OFF = "HEALTHCHECKS_OFF"
HEALTHY = "HEALTHY"
UNHEALTHY = "UNHEALTHY"

BALANCER_HEALTH = Parameter("balancer_health", "1: the health of the upstream as a whole.")


class Targets(Collection):
    """The targets of all upstreams."""

    newest_first = True

    def address_below(self, segment: str) -> Address:
        """The target with an id, or with an address, of which the port may be left out."""
        address = super().address_below(segment)
        return address if address.field == "id" else Address(address.field, target_with_port(address.value))


def resources(node: Node, endpoints: Endpoints, upstreams: Collection, targets: Collection) -> list[Resource]:
    """The paths of this module."""
    upstream_path = "/upstreams/{upstreams}"
    target_path = f"{upstream_path}/targets/{{targets}}"

    async def everything(request: Request) -> dict[str, Any]:
        upstream = await endpoints.parent(node.store, request, upstreams)
        page = await endpoints.page(request, targets, {"upstream": upstream.id})
        rows = await targets.rows(node.store, page.entities)
        return page_body(filled(f"{upstream_path}/targets/all", request), rows, page.after, request, ("size",))

    async def health(request: Request) -> dict[str, Any]:
        upstream = await endpoints.parent(node.store, request, upstreams)
        if request.query_params.get("balancer_health") == "1":
            shown = _upstream_health(upstream, await _all_targets(node, upstream))
            return {"data": shown, "next": None, "node_id": node.identity}
        page = await endpoints.page(request, targets, {"upstream": upstream.id})
        rows = [_with_health(entity) for entity in page.entities]
        body = page_body(filled(f"{upstream_path}/health", request), rows, page.after, request, ("size",))
        return {**body, "node_id": node.identity}

    async def set_health(request: Request) -> Response:
        upstream = await endpoints.parent(node.store, request, upstreams)
        address = targets.address_below(request.path_params["targets"])
        found(await targets.find(node.store, address, {"upstream": upstream.id}))
        raise refusal(400, f"no healthchecker found for {upstream.endpoint_value}")

    def setter(path: str, word: str) -> Resource:
        answers = {204: doc.NOTHING, 400: doc.ERROR, 404: doc.ERROR}
        return Resource(f"{path}/{word}", put=Operation(set_health, f"Set a target {word}", answers))

    of_list = doc.page(doc.entity("targets"))
    of_health = {**doc.OBJECT, "required": ["data", "next", "node_id"]}
    missing = {400: doc.ERROR, 404: doc.ERROR}
    page = (doc.SIZE, doc.OFFSET)
    return [
        Resource(
            f"{upstream_path}/targets/all",
            get=Operation(everything, "List targets of one of upstreams", {200: of_list, **missing}, page),
        ),
        Resource(
            f"{upstream_path}/health",
            get=Operation(health, "The health of targets", {200: of_health, **missing}, (*page, BALANCER_HEALTH)),
        ),
        *(
            setter(path, word)
            for path in (target_path, f"{target_path}/{{address}}")
            for word in ("healthy", "unhealthy")
        ),
    ]


async def _all_targets(node: Node, upstream: Entity) -> list[Target]:
    of_upstream = every(node.store, "targets", {"upstream": upstream.id})
    return [target async for target in of_upstream if isinstance(target, Target)]


def _with_health(entity: Entity) -> dict[str, Any]:
    if not isinstance(entity, Target):
        return entity.to_wire()
    return {**entity.to_wire(), "health": OFF, "data": _addresses(entity)}


def _addresses(target: Target) -> dict[str, Any]:
    """What is known of a target's addresses without looking them up: of a name, its weight."""
    host, _, port = target.target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    addresses: list[Mapping[str, Any]] = []
    if _is_address(host):
        addresses = [{"ip": host, "port": int(port), "health": OFF, "weight": target.weight}]
    return {
        "addresses": addresses,
        "dns": None,
        "host": host,
        "port": int(port),
        "nodeWeight": target.weight,
        "weight": _weight(target.weight),
    }


def _upstream_health(upstream: Entity, targets: list[Target]) -> dict[str, Any]:
    weight = sum(target.weight for target in targets)
    healthy = weight > 0
    return {
        "id": upstream.id,
        "health": OFF,
        "balancer_health": HEALTHY if healthy else UNHEALTHY,
        "details": {
            "healthy": healthy,
            "weight": _weight(weight),
            "hosts": [_addresses(target) for target in targets],
        },
    }


def _weight(weight: int) -> dict[str, int]:
    return {"total": weight, "available": weight, "unavailable": 0}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
