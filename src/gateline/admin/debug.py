"""The node's log level, and the caches that Kong has and this node has not."""

import math

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.errors import not_found, refusal
from gateline.admin.node import Node
from gateline.admin.routing import Resource

LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
SECONDS = 60
"""How long a level holds when the request does not say."""
LONGEST = 366 * 24 * 3600

_NEEDS_DATABASE = "cannot change log level when not using a database"
_TIMEOUT = Parameter("timeout", "Seconds for which the level holds; 0: until the node ends. 60 when left out.")


def resources(node: Node) -> list[Resource]:
    """The paths of this module."""

    async def log_level(_request: Request) -> dict[str, str]:
        return {"message": f"log level: {node.log_level}"}

    async def set_here(request: Request) -> dict[str, str]:
        return await set_log_level(request, everywhere=False)

    async def set_everywhere(request: Request) -> dict[str, str]:
        return await set_log_level(request, everywhere=True)

    async def set_log_level(request: Request, *, everywhere: bool) -> dict[str, str]:
        if not node.store.writable:
            raise refusal(405, _NEEDS_DATABASE)
        level = request.path_params["log_level"]
        if level not in LEVELS:
            raise refusal(400, f"unknown log level: {level}")
        seconds = _seconds(request.query_params.get("timeout"))
        if level == node.log_level and not everywhere:
            return {"message": f"log level is already {level}"}
        await node.set_log_level(level, seconds, everywhere=everywhere)
        return {"message": "log level changed"}

    async def cached(_request: Request) -> None:
        raise not_found()

    async def forget(_request: Request) -> Response:
        return Response(status_code=204)

    answers = {200: doc.MESSAGE, 400: doc.MESSAGE, 405: doc.MESSAGE}
    change = Operation(set_here, "Change the log level of this node for a while", answers, (_TIMEOUT,))
    change_all = Operation(set_everywhere, "Change the log level of all nodes for a while", answers, (_TIMEOUT,))
    level = "/log-level/{log_level}"
    return [
        Resource("/debug/node/log-level", get=Operation(log_level, "The log level", {200: doc.MESSAGE})),
        Resource(f"/debug/node{level}", put=change),
        Resource(f"/debug/cluster{level}", put=change_all),
        Resource(f"/debug/cluster/control-planes-nodes{level}", put=change_all),
        Resource("/cache", delete=Operation(forget, "Forget what is cached: nothing", {204: doc.NOTHING})),
        Resource(
            "/cache/{key}",
            get=Operation(cached, "What is cached under a key: nothing", {404: doc.MESSAGE}),
            delete=Operation(forget, "Forget what is cached under a key", {204: doc.NOTHING}),
        ),
    ]


def _seconds(given: str | None) -> int:
    try:
        seconds = float(given) if given is not None else SECONDS
    except ValueError:
        seconds = SECONDS
    if not math.isfinite(seconds):
        seconds = SECONDS
    if seconds < 0:
        raise refusal(400, "timeout must be greater than or equal to 0")
    return math.ceil(min(seconds, LONGEST))
