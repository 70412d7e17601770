"""Paths and verbs of the Admin API: what each path answers to, and what it says to the verbs that it does not have.

A path is matched segment by segment, each percent-decoded by itself, so that a name may hold an encoded slash; a
literal segment is preferred to a parameter. Handlers give a value for a JSON answer or a whole `Response`, and raise
`ApiError`, `EntityError` or `StoreUnavailable` to refuse. HEAD is GET without the body; OPTIONS lists the verbs and the
rules for pages of other origins.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateline.admin.documentation import Operation
from gateline.admin.errors import ApiError, method_not_allowed, not_found, refusal, unavailable
from gateline.entities import EntityError
from gateline.store import StoreUnavailable

logger = logging.getLogger(__name__)

JSON = "application/json; charset=utf-8"


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, headers, JSON)


class Resource:
    """A path and what answers at it."""

    def __init__(
        self,
        path: str,
        *,
        get: Operation | None = None,
        post: Operation | None = None,
        put: Operation | None = None,
        patch: Operation | None = None,
        delete: Operation | None = None,
    ) -> None:
        given = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
        self.path = path
        """With parameters in braces, such as `/services/{services}`."""
        self.operations = {verb: operation for verb, operation in given.items() if operation is not None}
        """By verb, those that a path has of its own."""
        self._handlers = {verb: operation.handler for verb, operation in self.operations.items()}
        if get is not None:
            self._handlers["HEAD"] = get.handler
        self._verbs = ", ".join(sorted({*self._handlers, "OPTIONS"}))

    async def answer(self, request: Request) -> Response:
        """The answer to a request for this path."""
        if request.method == "OPTIONS":
            return self._options(request)
        handler = self._handlers.get(request.method)
        if handler is None:
            return error_answer(method_not_allowed(self._verbs))
        return await _attempt(handler, request)

    def _options(self, request: Request) -> Response:
        return Response(
            status_code=204,
            headers={
                "Allow": self._verbs,
                "Access-Control-Allow-Methods": self._verbs,
                "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "Content-Type"),
            },
        )


class Paths:
    """The resources of an application, and the application: it finds the resource of a request by its path."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._root = _Segment()
        for resource in self.resources:
            self._root.add(_segments(resource.path), resource)

    @property
    def names(self) -> list[str]:
        """The paths, sorted segment by segment."""
        return sorted((resource.path for resource in self.resources), key=lambda path: path.split("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            segments = [
                unquote_to_bytes(segment).decode() for segment in _segments(scope["raw_path"].decode("latin-1"))
            ]
        except UnicodeDecodeError:
            return error_answer(not_found())
        found = self._root.find(segments, [])
        if found is None:
            return error_answer(not_found())
        resource, values = found
        names = [segment[1:-1] for segment in _segments(resource.path) if segment.startswith("{")]
        scope = {**scope, "path_params": dict(zip(names, values, strict=True)), "gateline.path": resource.path}
        return await resource.answer(Request(scope, receive))


class _Segment:
    """A node of the tree of paths."""

    __slots__ = ("literals", "parameter", "resource")

    def __init__(self) -> None:
        self.literals: dict[str, _Segment] = {}
        self.parameter: _Segment | None = None
        self.resource: Resource | None = None

    def add(self, segments: Sequence[str], resource: Resource) -> None:
        """Put a resource at a path from here; the first one at a path stays."""
        if not segments:
            self.resource = self.resource or resource
        elif segments[0].startswith("{"):
            self.parameter = self.parameter or _Segment()
            self.parameter.add(segments[1:], resource)
        else:
            self.literals.setdefault(segments[0], _Segment()).add(segments[1:], resource)

    def find(self, segments: Sequence[str], values: list[str]) -> tuple[Resource, list[str]] | None:
        """The resource at a path from here, and the values of all parameters."""
        if not segments:
            return (self.resource, values) if self.resource else None
        first, rest = segments[0], segments[1:]
        if first in self.literals and (found := self.literals[first].find(rest, values)):
            return found
        if self.parameter is not None and first:
            return self.parameter.find(rest, [*values, first])
        return None


def _segments(path: str) -> list[str]:
    return path.split("/")[1:] if path.startswith("/") and path != "/" else [path]


async def _attempt(handler: Callable[[Request], Awaitable[Any]], request: Request) -> Response:
    try:
        answer = await handler(request)
    except ApiError as error:
        return error_answer(error)
    except EntityError as error:
        return json_answer(error.body(), error.kind.status)
    except StoreUnavailable as error:
        return error_answer(unavailable(error.reason))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody sees it
    except Exception:
        logger.exception("%s %s failed", request.method, request.scope["gateline.path"])
        return error_answer(refusal(500, "An unexpected error occurred"))
    return answer if isinstance(answer, Response) else json_answer(answer)


def error_answer(error: ApiError) -> Response:
    """The answer to a refused request."""
    headers = dict(error.headers or {})
    if error.body is None:
        return Response(status_code=error.status, headers=headers)
    return json_answer(error.body, error.status, headers)
