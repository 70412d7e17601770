"""`/config`: the whole configuration as a declarative file, out and in (a node without a database)."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateline.admin import body
from gateline.admin.errors import ApiError, refusal
from gateline.admin.node import Node, Source
from gateline.admin.routing import json_answer, resource
from gateline.declarative import DeclarativeError

YAML_TYPES = frozenset({"application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"})

OPTIONS = ("check_hash", "flatten_errors")
"""Arguments that say how to load, from the query or beside the configuration."""


def routes(node: Node) -> list[BaseRoute]:
    """The paths of this module."""
    limit = node.settings.nginx_admin_client_max_body_size

    async def get(_request: Request) -> dict[str, str]:
        return {"config": await node.dump()}

    async def post(request: Request) -> Response:
        source, options = await _source(request, limit)
        options |= {name: request.query_params[name] for name in OPTIONS if name in request.query_params}
        unless_loaded = str(options.get("check_hash")) == "1" and isinstance(source, bytes)
        try:
            rows = await node.load(source, unless_loaded=unless_loaded)
        except DeclarativeError as error:
            return json_answer(error.body(flatten=_is_true(options.get("flatten_errors"))), error.kind.status)
        if rows is None:
            return Response(status_code=304)
        shown = {kind: of_kind for kind, of_kind in rows.items() if of_kind}
        return await asyncio.to_thread(json_answer, shown, 201)

    return [resource("/config", get=get, post=post)]


async def _source(request: Request, limit: int) -> tuple[Source, dict[str, Any]]:
    """The configuration that a request carries, text or an object, and the options beside it."""
    kind, _ = body.content_type(request)
    if kind in YAML_TYPES:
        return _text(await body.read(request, limit)), {}
    given, raw = await body.arguments(request, limit)
    options = {name: given.pop(name) for name in OPTIONS if name in given}
    if "_format_version" in given:
        return given, options
    if "config" in given:
        config = given["config"]
        if isinstance(config, dict):
            return config, options
        if isinstance(config, str) and config:
            return config.encode(), options
        raise _missing()
    if kind == body.MULTIPART:
        raise _missing()
    return _text(raw), options


def _text(content: bytes) -> bytes:
    if not content:
        raise _missing()
    return content


def _missing() -> ApiError:
    return refusal(400, "expected a declarative configuration")


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() in ("1", "true", "on", "yes")
