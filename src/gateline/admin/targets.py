"""Targets, which are reached through their upstream only, and the health of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.collection import Address, Collection
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.entities import Endpoints, filled, found
from gateline.admin.errors import not_found, refusal
from gateline.admin.node import AddressHealth, Node
from gateline.admin.paging import every, page_body
from gateline.admin.routing import Resource
from gateline.entities import Entity, Target, Upstream
from gateline.entities.formats import target_with_port

OFF = "HEALTHCHECKS_OFF"
HEALTHY = "HEALTHY"
UNHEALTHY = "UNHEALTHY"
NO_ADDRESS = "DNS_ERROR"

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
        upstream = await _upstream(request)
        if request.query_params.get("balancer_health") == "1":
            of_all = [entity async for entity in every(node.store, "targets", {"upstream": upstream.id})]
            shown = _upstream_health(upstream, await targets_health(node, upstream, of_all))
            return {"data": shown, "next": None, "node_id": node.identity}
        page = await endpoints.page(request, targets, {"upstream": upstream.id})
        rows = [one.row() for one in await targets_health(node, upstream, page.entities)]
        body = page_body(filled(f"{upstream_path}/health", request), rows, page.after, request, ("size",))
        return {**body, "node_id": node.identity}

    async def set_healthy(request: Request) -> Response:
        return await set_health(request, healthy=True)

    async def set_unhealthy(request: Request) -> Response:
        return await set_health(request, healthy=False)

    async def set_health(request: Request, *, healthy: bool) -> Response:
        upstream = await _upstream(request)
        segment = targets.address_below(request.path_params["targets"])
        target = found(await targets.find(node.store, segment, {"upstream": upstream.id}))
        if not isinstance(target, Target):
            raise not_found()
        if not upstream.is_checked:
            raise refusal(400, f"no healthchecker found for {upstream.name}")
        given = request.path_params.get("address")
        [known] = await node.health(upstream, [target]) if given else [()]
        address = _address(given, target, known)
        await node.set_health(upstream, target, address, healthy=healthy)
        return Response(status_code=204)

    async def _upstream(request: Request) -> Upstream:
        upstream = await endpoints.parent(node.store, request, upstreams)
        if not isinstance(upstream, Upstream):
            raise not_found()
        return upstream

    def setter(path: str, word: str) -> Resource:
        answers = {204: doc.NOTHING, 400: doc.ERROR, 404: doc.ERROR}
        handler = set_healthy if word == "healthy" else set_unhealthy
        return Resource(f"{path}/{word}", put=Operation(handler, f"Set a target {word}", answers))

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


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """A target with its addresses, as Kong prints it: it is healthy as long as one of its addresses is."""

    target: Target
    addresses: Sequence[AddressHealth]
    counts: bool
    """Whether health has a meaning: the upstream is checked, and the target may get requests."""

    @property
    def available(self) -> int:
        """The weight that can be used now."""
        return self.target.weight if any(address.healthy for address in self.addresses) else 0

    def row(self) -> dict[str, Any]:
        """The target, its health, and that of its addresses."""
        return {**self.target.to_wire(), "health": self._word(), "data": self.data()}

    def data(self) -> dict[str, Any]:
        """The addresses and the weight that they make available."""
        host, _, port = self.target.target.rpartition(":")
        weight = self.target.weight
        return {
            "addresses": [
                {"ip": one.ip, "port": one.port, "health": self._word_for(one.healthy), "weight": weight}
                for one in self.addresses
            ],
            "dns": None,
            "host": host.removeprefix("[").removesuffix("]"),
            "port": int(port),
            "nodeWeight": weight,
            "weight": _weight(weight, self.available),
        }

    def _word(self) -> str:
        if not self.addresses:
            return NO_ADDRESS
        return self._word_for(any(address.healthy for address in self.addresses))

    def _word_for(self, healthy: bool) -> str:
        if not self.counts:
            return OFF
        return HEALTHY if healthy else UNHEALTHY


async def targets_health(node: Node, upstream: Upstream, entities: Iterable[Entity]) -> list[TargetHealth]:
    """The health of an upstream's targets."""
    targets = [entity for entity in entities if isinstance(entity, Target)]
    found = await node.health(upstream, targets)
    return [
        TargetHealth(target, addresses, upstream.is_checked and target.weight > 0)
        for target, addresses in zip(targets, found, strict=True)
    ]


def _upstream_health(upstream: Upstream, targets: list[TargetHealth]) -> dict[str, Any]:
    total = sum(one.target.weight for one in targets)
    available = sum(one.available for one in targets)
    healthy = upstream.is_healthy(available, total)
    word = HEALTHY if healthy else UNHEALTHY
    return {
        "id": upstream.id,
        "health": word if upstream.is_checked else OFF,
        "balancer_health": word,
        "details": {
            "healthy": healthy,
            "weight": _weight(total, available),
            "hosts": [one.data() for one in targets],
        },
    }


def _weight(total: int, available: int) -> dict[str, int]:
    return {"total": total, "available": available, "unavailable": total - available}


def _address(given: str | None, target: Target, known: Sequence[AddressHealth]) -> str | None:
    """The place that `ip` or `ip:port` says, without the port where that is the target's; None for the whole target.
    Another port must be that of a place which is `known`, as SRV records tell."""
    if given is None:
        return None
    host, _, own = target.target.rpartition(":")
    text, port = given, own
    if not given.endswith("]") and (given.count(":") == 1 or given.startswith("[")):
        text, _, port = given.rpartition(":")
    address = _ip(text)
    if address is None or _ip(host) not in (None, address):
        raise not_found()
    if port == own:
        return str(address)
    if not any(str(address) == one.ip and port == str(one.port) for one in known):
        raise not_found()
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a text, brackets around it or not; None for anything else."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_address(bare)
    except ValueError:
        return None
