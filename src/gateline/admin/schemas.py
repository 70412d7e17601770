"""`/schemas`: what entities, plugins and vaults look like, in Kong's layout, and whether data would be accepted."""

from typing import Any, TypeVar

from starlette.requests import Request

from gateline.admin import body
from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation
from gateline.admin.errors import refusal
from gateline.admin.node import Node
from gateline.admin.routing import Resource
from gateline.entities import schema_of
from gateline.entities.kong_schema import kong_plugin_schema, kong_schema, kong_vault_schema
from gateline.entities.registry import entity_class

SUCCESS = {"message": "schema validation successful"}

T = TypeVar("T")

_NO_SCHEMA: dict[str, Any] | None = None
_ANSWERS = {200: {**doc.OBJECT, "required": ["fields", "entity_checks"]}, 404: doc.MESSAGE}


def plugin_schema(name: str) -> dict[str, Any]:
    """The schema of a plugin. Raises ApiError 404."""
    return _known(kong_plugin_schema(name), "plugin", name)


def resources(node: Node) -> list[Resource]:
    """The paths of this module."""
    flavor = node.settings.router_flavor
    limit = node.settings.nginx_admin_client_max_body_size

    async def entity(request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        return _known(kong_schema(name, router_flavor=flavor), "entity", name)

    async def plugin(request: Request) -> dict[str, Any]:
        return plugin_schema(request.path_params["name"])

    async def vault(request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        return _known(kong_vault_schema(name), "vault", name)

    async def no_filter(request: Request) -> dict[str, Any]:
        return _known(_NO_SCHEMA, "filter", request.path_params["name"])

    async def validate(request: Request) -> dict[str, Any]:
        return await valid(request, request.path_params["name"])

    async def valid(request: Request, kind: str) -> dict[str, Any]:
        model = _known(entity_class(kind), "entity", kind)
        data = await body.entity_data(request, limit, schema_of(model, flavor))
        model.parse(data, router_flavor=flavor)
        return SUCCESS

    def validation(path: str, handler: doc.Handler) -> Resource:
        answers = {200: doc.MESSAGE, 400: doc.ERROR, 404: doc.MESSAGE}
        checked = Operation(handler, "Whether an entity would be accepted", answers, takes=doc.OBJECT)
        return Resource(f"{path}/validate", post=checked)

    def of_kind(kind: str) -> doc.Handler:
        return lambda request: valid(request, kind)

    return [
        Resource("/schemas/{name}", get=Operation(entity, "The schema of a kind of entities", _ANSWERS)),
        Resource("/schemas/plugins/{name}", get=Operation(plugin, "The schema of a plugin", _ANSWERS)),
        Resource("/schemas/vaults/{name}", get=Operation(vault, "The schema of a type of vault", _ANSWERS)),
        Resource("/schemas/filters/{name}", get=Operation(no_filter, "The schema of a filter", {404: doc.MESSAGE})),
        validation("/schemas/{name}", validate),
        *(validation(f"/schemas/{kind}", of_kind(kind)) for kind in ("plugins", "vaults")),
    ]


def _known(schema: T | None, what: str, name: str) -> T:
    if schema is None:
        raise refusal(404, f"No {what} named '{name}'")
    return schema
