"""`/config`: the whole configuration as a declarative file, out and in (a node without a database)."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import body, sync
from gateline.admin import documentation as doc
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.errors import ApiError, refusal
from gateline.admin.node import Node, Source
from gateline.admin.routing import Resource, json_answer
from gateline.declarative import DeclarativeError

YAML_TYPES = frozenset({"application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"})

OPTIONS = ("check_hash", "flatten_errors")
"""Arguments that say how to load, from the query or beside the configuration."""


NEEDS_NO_DATABASE = "this endpoint is only available when Kong is configured to not use a database"


def resources(node: Node) -> list[Resource]:
    """The paths of this module."""
    limit = node.settings.nginx_admin_client_max_body_size

    async def get(request: Request) -> Response | dict[str, str]:
        if sync.wants_yaml(request):
            return await sync.as_yaml(node, request)
        _refuse_with_store(node)
        return {"config": await node.dump()}

    async def post(request: Request) -> Response:
        _refuse_with_store(node)
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

    text = {"type": "object", "required": ["config"], "properties": {"config": doc.TEXT}}
    answers = {201: doc.OBJECT, 304: doc.NOTHING, 400: doc.ERROR, 429: doc.MESSAGE, 504: doc.MESSAGE}
    arguments = (
        Parameter("check_hash", "1: do nothing when this very text is in force."),
        Parameter("flatten_errors", "1: tell what is wrong entity by entity."),
    )
    load = Operation(
        post, "Load a declarative configuration", answers, arguments, doc.OBJECT, (body.JSON, *sorted(YAML_TYPES))
    )
    dump = Operation(get, "The configuration as a declarative file", {200: text, 400: doc.MESSAGE})
    replace = sync.operation(node, lambda request: _source(request, limit))
    return [Resource("/config", get=dump, post=load, put=replace)]


def _refuse_with_store(node: Node) -> None:
    if node.store.writable:
        raise refusal(400, NEEDS_NO_DATABASE)


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
