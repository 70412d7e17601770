"""The two applications: the Admin API with every group of paths, and the status API, which only tells."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateline.admin import config, information
from gateline.admin.edge import Edge
from gateline.admin.errors import not_found
from gateline.admin.node import Node
from gateline.admin.routing import error_answer, paths


def admin_app(node: Node) -> Edge:
    """The Admin API of a node."""
    routes: list[BaseRoute] = [
        information.root(node),
        *information.health(node, lambda: edge.requests),
        *information.routes(node),
        information.endpoints(lambda: paths(routes)),
        *config.routes(node),
    ]
    edge = _application(routes, node)
    return edge


def status_app(node: Node, admin: Edge) -> Edge:
    """The status API of a node, which counts the requests to its Admin API as well as those to itself."""
    edge = _application(information.health(node, lambda: admin.requests + edge.requests), node)
    return edge


def _application(routes: list[BaseRoute], node: Node) -> Edge:
    application = Starlette(routes=routes, exception_handlers={404: _not_found})
    application.router.redirect_slashes = False
    return Edge(application, node.settings)


async def _not_found(_request: Request, _error: Exception | HTTPException) -> Response:
    return error_answer(not_found())
