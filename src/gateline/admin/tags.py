"""`/tags`: which entities have which tags. Tags are made and deleted with their entities."""

from typing import Any

from starlette.requests import Request

from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation
from gateline.admin.entities import filled
from gateline.admin.errors import invalid_unique
from gateline.admin.node import Node
from gateline.admin.paging import Position, page_body
from gateline.admin.routing import Resource
from gateline.entities import EntityError, formats
from gateline.entities.violations import Violations

_READ_ONLY = "does not support insert/upsert/update/delete operations"
_TAGGED = {
    "type": "object",
    "required": ["tag", "entity_name", "entity_id"],
    "properties": {"tag": doc.TEXT, "entity_name": doc.TEXT, "entity_id": doc.TEXT},
}


def resources(node: Node) -> list[Resource]:
    """The paths of this module."""

    async def everything(request: Request) -> dict[str, Any]:
        return await _page(node, request, "/tags", None)

    async def one(request: Request) -> dict[str, Any]:
        tag = request.path_params["tags"]
        if problem := formats.tag(tag):
            raise invalid_unique("tag", problem)
        return await _page(node, request, filled("/tags/{tags}", request), tag)

    async def post(_request: Request) -> None:
        raise Violations({"tags": _READ_ONLY}).error()

    answers = {200: doc.page(_TAGGED), 400: doc.ERROR}
    arguments = (doc.SIZE, doc.OFFSET)
    return [
        Resource(
            "/tags",
            get=Operation(everything, "List tags and what has them", answers, arguments),
            post=Operation(post, "Refused: tags are made with their entities", {400: doc.ERROR}),
        ),
        Resource("/tags/{tags}", get=Operation(one, "List what has a tag", answers, arguments)),
    ]


async def _page(node: Node, request: Request, path: str, tag: str | None) -> dict[str, Any]:
    position = Position.of(request)
    try:
        page = await node.store.tags(tag, size=position.size, after=position.after)
    except EntityError as error:
        raise position.refused(error) from None
    rows = [{"tag": row.tag, "entity_name": row.entity_name, "entity_id": row.entity_id} for row in page.rows]
    return page_body(path, rows, page.after, request, ("size",))
