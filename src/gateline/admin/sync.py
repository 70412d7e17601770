"""`PUT /config`, which Kong does not have: a declarative configuration takes the place of what is stored, in one
transaction, and the answer tells the difference, entity by entity and field by field. `GET /config` gives what is
stored as YAML to whoever asks for YAML.

The configuration as a whole has an entity tag, so that of two who change it at once the second is told.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateline.admin import documentation as doc
from gateline.admin.access import actor_of
from gateline.admin.documentation import Operation, Parameter
from gateline.admin.errors import refusal
from gateline.admin.node import Node, Source
from gateline.admin.routing import json_answer
from gateline.admin.synchronising import MovedOnError, Plan, synchronise
from gateline.admin.writing import reason_of
from gateline.declarative import DeclarativeError, Difference, dump, load_object, load_text, select
from gateline.declarative.errors import MASK
from gateline.entities import Entity, FieldSchema, Snapshot, schema_of
from gateline.entities.wire import plain
from gateline.store import Store

YAML = "application/yaml"
_ETAG = re.compile(r'"(?:off|sqlite|postgres)-(\d{1,18})"')
_UNTOLD = frozenset(("id", "created_at", "updated_at"))

DIFFERENCE: doc.JsonSchema = {
    "type": "object",
    "required": ["version", "applied", "summary", "difference"],
    "properties": {
        "version": {"type": "integer", "description": "The version of what is stored now."},
        "applied": {"type": "boolean"},
        "summary": {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in ("create", "update", "delete")},
        },
        "difference": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["operation", "kind", "id", "name", "fields"],
                "properties": {
                    "operation": {"enum": ["create", "update", "delete"]},
                    "kind": doc.TEXT,
                    "id": doc.TEXT,
                    "name": {"type": ["string", "null"]},
                    "fields": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "before", "after"],
                            "properties": {"field": doc.TEXT, "before": {}, "after": {}},
                        },
                    },
                },
            },
        },
    },
}


Read = Callable[[Request], Awaitable[tuple[Source, dict[str, Any]]]]
"""Reads the configuration of a request, and what else is in its body."""


def operation(node: Node, read: Read) -> Operation:
    """`PUT /config`."""

    async def put(request: Request) -> Response:
        given, _ = await read(request)
        tags = _tags(request)
        dry_run = request.query_params.get("dry_run", "").lower() in ("1", "true", "on", "yes")
        try:
            wanted = await asyncio.to_thread(_load, given, node.settings.router_flavor)
            made = await synchronise(
                node,
                wanted,
                tags=tags,
                dry_run=dry_run,
                expected=_expected(request, node.store),
                actor=str(actor_of(request.scope)),
                reason=reason_of(request),
            )
        except DeclarativeError as error:
            return json_answer(error.body(flatten=False), error.kind.status)
        except MovedOnError:
            raise refusal(412, "the configuration was changed meanwhile: compare again") from None
        applied = bool(made.difference) and not dry_run
        told = await asyncio.to_thread(as_json, made, applied=applied)
        return json_answer(told, headers={"ETag": etag(node.store, made.version)})

    return Operation(
        put,
        "Put a configuration in the place of what is stored, in one transaction, and tell the difference.",
        {200: DIFFERENCE, 400: doc.ERROR, 409: doc.ERROR, 412: doc.MESSAGE, 500: doc.MESSAGE, 504: doc.MESSAGE},
        query=(
            Parameter("dry_run", "1: change nothing, only tell the difference."),
            Parameter(
                "select_tags",
                "Touch only entities that have all of these tags, separated by commas, and give them to those that are "
                "made.",
            ),
            Parameter("If-Match", "The entity tag that the configuration must have.", place="header"),
        ),
        takes=doc.OBJECT,
    )


def wants_yaml(request: Request) -> bool:
    """Whether a request for `/config` asks for YAML, and not for Kong's JSON with YAML in it."""
    return "yaml" in request.headers.get("accept", "")


async def as_yaml(node: Node, request: Request) -> Response:
    """What is stored, or the part of it that has certain tags, as a declarative file."""
    whole = await node.store.whole()
    tags = _tags(request)
    text = await asyncio.to_thread(lambda: dump(select(Snapshot(hash="", **whole.kinds), tags)))
    return Response(text, headers={"ETag": etag(node.store, whole.version)}, media_type=YAML)


def etag(store: Store, version: int) -> str:
    """The entity tag of the configuration as a whole."""
    return f'"{store.name}-{version}"'


def as_json(made: Plan, *, applied: bool) -> dict[str, Any]:
    """A plan as the answer tells it: secrets are masked."""
    what = made.difference
    rows = [*(_new("create", entity) for entity in what.created), *_updates(what)]
    rows += [_new("delete", entity) for entity in what.deleted]
    summary = {"create": len(what.created), "update": len(what.changed), "delete": len(what.deleted)}
    return {"version": made.version, "applied": applied, "summary": summary, "difference": rows}


def _updates(what: Difference) -> Iterable[dict[str, Any]]:
    for changed in what.changed:
        shown = ((change.field, *change.shown()) for change in changed.fields)
        fields = [{"field": field, "before": before, "after": new} for field, before, new in shown]
        yield {**_named("update", changed.after), "fields": fields}


def _new(operation: str, entity: Entity) -> dict[str, Any]:
    side = "after" if operation == "create" else "before"
    fields = [{"field": name, "before": None, "after": None, side: value} for name, value in _set_fields(entity)]
    return {**_named(operation, entity), "fields": fields}


def _set_fields(entity: Entity) -> Iterable[tuple[str, Any]]:
    """The fields of an entity that say something: neither null nor the default."""
    schema = schema_of(type(entity), "expressions")
    for name, value in entity.__dict__.items():
        field = schema.field(name, entity.__dict__)
        shown = plain(value)
        if name in _UNTOLD or value is None or (field and field.has_default and plain(field.default) == shown):
            continue
        yield name, _masked(shown, field)


def _masked(value: Any, field: FieldSchema | None) -> Any:
    """A value with the secrets in it masked."""
    if field is None or value is None or not field.holds_secret:
        return value
    if field.record and isinstance(value, dict):
        return {name: _masked(part, field.record.fields.get(name)) for name, part in value.items()}
    return MASK


def _named(operation: str, entity: Entity) -> dict[str, Any]:
    return {"operation": operation, "kind": entity.kind, "id": entity.id, "name": entity.public_name}


def _load(given: Source, flavor: str) -> Snapshot:
    if isinstance(given, bytes):
        return load_text(given, source="PUT /config", router_flavor=flavor)
    return load_object(given, source="PUT /config", router_flavor=flavor)


def _tags(request: Request) -> tuple[str, ...]:
    named: Mapping[str, None] = dict.fromkeys(
        tag.strip() for value in request.query_params.getlist("select_tags") for tag in value.split(",")
    )
    return tuple(tag for tag in named if tag)


def _expected(request: Request, store: Store) -> int | None:
    """The version that `If-Match` names. Raises ApiError 412 for what can be no version of this configuration."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if not found or etag(store, int(found[1])) != given.strip():
        raise refusal(412, "If-Match names no version of this configuration")
    return int(found[1])
