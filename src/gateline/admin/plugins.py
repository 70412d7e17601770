"""Plugins: their protocols must fit their route or service; `/plugins/enabled` and `/plugins/schema/{name}`."""

from collections.abc import Collection as SizedCollection

from starlette.requests import Request

from gateline.admin import documentation as doc
from gateline.admin.collection import Address, Collection
from gateline.admin.documentation import Operation
from gateline.admin.errors import not_found
from gateline.admin.paging import every
from gateline.admin.routing import Resource
from gateline.admin.schemas import plugin_schema
from gateline.entities import Entity, Plugin, Route
from gateline.entities.plugin import protocols_problem
from gateline.entities.plugin_configs import plugin_types
from gateline.entities.violations import Violations
from gateline.store.interface import Reading


class Plugins(Collection):
    """The plugins."""

    def unpatchable(self, address: Address) -> Exception:  # noqa: ARG002 - as its parent's
        """Kong has other words for plugins."""
        return not_found()

    async def refuse(self, reading: Reading, entity: Entity) -> None:
        """Raise EntityError when the plugin shares no protocol with what it is on."""
        if not isinstance(entity, Plugin):
            return
        of_route: tuple[str, ...] | None = None
        of_service: list[SizedCollection[str]] = []
        if entity.route is not None:
            route = await reading.get("routes", entity.route.id)
            of_route = route.protocols if isinstance(route, Route) else None
        elif entity.service is not None:
            of_service = await _protocols_of_routes(reading, entity.service.id, entity.protocols)
        if problem := protocols_problem(entity, of_route, of_service):
            raise Violations({"protocols": problem}).error()


async def _protocols_of_routes(
    reading: Reading, service: str, wanted: SizedCollection[str]
) -> list[SizedCollection[str]]:
    """The protocols of a service's routes, up to the first that shares one."""
    found: list[SizedCollection[str]] = []
    async for route in every(reading, "routes", {"service": service}):
        if isinstance(route, Route):
            found.append(route.protocols)
            if not set(wanted).isdisjoint(route.protocols):
                break
    return found


def resources() -> list[Resource]:
    """The paths of this module."""

    async def enabled(_request: Request) -> dict[str, list[str]]:
        return {"enabled_plugins": sorted(plugin_types())}

    async def schema(request: Request) -> doc.JsonSchema:
        return plugin_schema(request.path_params["name"])

    names = {"type": "object", "properties": {"enabled_plugins": {"type": "array", "items": doc.TEXT}}}
    return [
        Resource("/plugins/enabled", get=Operation(enabled, "Names of the plugins that can be used", {200: names})),
        Resource(
            "/plugins/schema/{name}",
            get=Operation(schema, "The schema of a plugin", {200: doc.OBJECT, 404: doc.MESSAGE}),
        ),
    ]
