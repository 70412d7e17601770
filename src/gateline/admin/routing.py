"""Paths and verbs of the Admin API: what each path answers to, and what it says to the verbs that it does not have.

Handlers give a value for a JSON answer or a whole `Response`, and raise
`ApiError` or `EntityError` to refuse. HEAD is GET without the
body; OPTIONS lists the verbs and the rules for pages of other origins.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateline.admin.errors import ApiError, refusal
from gateline.entities import EntityError

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Any]]

JSON = "application/json; charset=utf-8"


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, headers, JSON)


def resource(
    path: str,
    *,
    get: Handler | None = None,
    post: Handler | None = None,
    put: Handler | None = None,
    patch: Handler | None = None,
    delete: Handler | None = None,
) -> Route:
    """A path with the handlers of its verbs."""
    given = {"GET": get, "HEAD": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
    return Route(path, Resource({verb: handler for verb, handler in given.items() if handler is not None}))


def paths(routes: Iterable[Any]) -> list[str]:
    """The paths of routes in the form of `GET /endpoints`: sorted, parameters in braces without their type."""
    return sorted({re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path) for route in routes if isinstance(route, Route)})


class Resource:
    """What answers at a path (an ASGI application)."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        self._verbs = ", ".join(sorted({*handlers, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._options(request)
        handler = self._handlers.get(request.method)
        if handler is None:
            return error_answer(refusal(405, "Method not allowed", {"Allow": self._verbs}))
        try:
            answer = await handler(request)
        except ApiError as error:
            return error_answer(error)
        except EntityError as error:
            return json_answer(error.body(), error.kind.status)
        except Exception:
            logger.exception("%s %s failed", request.method, request.url.path)
            return error_answer(refusal(500, "An unexpected error occurred"))
        return answer if isinstance(answer, Response) else json_answer(answer)

    def _options(self, request: Request) -> Response:
        return Response(
            status_code=204,
            headers={
                "Allow": self._verbs,
                "Access-Control-Allow-Methods": self._verbs,
                "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "Content-Type"),
            },
        )


def error_answer(error: ApiError) -> Response:
    """The answer to a refused request."""
    headers = dict(error.headers or {})
    if error.body is None:
        return Response(status_code=error.status, headers=headers)
    return json_answer(error.body, error.status, headers)
