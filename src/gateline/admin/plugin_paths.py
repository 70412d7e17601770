"""The paths that plugins bring (`gateline.pdk.admin`)."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.node import Node
from gateline.admin.routing import Resource, json_answer
from gateline.pdk.admin import AdminCall, AdminNode, AdminPath, AdminRequest
from gateline.pdk.discovery import plugin_classes

__all__ = ["resources"]


def resources(node: Node) -> Iterable[Resource]:
    """The paths of all plugins that are loaded."""
    offered = node.for_plugins
    for name, plugin in sorted(plugin_classes().items()):
        for path in plugin.admin:
            yield _resource(name, path, offered)


def _resource(name: str, path: AdminPath, offered: AdminNode) -> Resource:
    def operation(call: AdminCall | None) -> Operation | None:
        if call is None:
            return None

        async def handler(request: Request) -> Response:
            asked = AdminRequest(request.path_params, dict(request.query_params))
            answer = await call.handler(offered, asked)
            if answer.body is None:
                return Response(status_code=answer.status)
            return json_answer(answer.body, answer.status)

        query = tuple(Parameter(argument, text) for argument, text in call.query.items())
        answers = {status: _body_of(status) for status in call.answers}
        return Operation(handler, f"{call.summary} (plugin {name})", answers, query)

    return Resource(path.path, get=operation(path.get), post=operation(path.post), delete=operation(path.delete))


def _body_of(status: int) -> doc.JsonSchema | None:
    if status == 204:
        return doc.NOTHING
    return doc.OBJECT if status < 300 else doc.MESSAGE
