"""What an operation (a verb of a path) is besides its handler: what it takes, what it answers. `openapi` makes the
description of the whole API from it.

Schemas are JSON Schema (2020-12); those of entities are references to components that `openapi` adds.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

Handler = Callable[[Request], Awaitable[Any]]
JsonSchema = Mapping[str, Any]

ANYTHING: JsonSchema = {}
OBJECT: JsonSchema = {"type": "object"}
TEXT: JsonSchema = {"type": "string"}
NOTHING = None
"""An answer without a body."""

MESSAGE: JsonSchema = {"$ref": "#/components/schemas/Message"}
ERROR: JsonSchema = {"$ref": "#/components/schemas/Error"}

NOT_IN_FORCE: Mapping[int, JsonSchema] = {500: MESSAGE, 504: MESSAGE}
"""What a write may end with that was refused by a worker, or not taken in time."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a query or a path, or a header."""

    name: str
    description: str
    schema: JsonSchema = field(default_factory=lambda: TEXT)
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb of a path."""

    handler: Handler
    summary: str
    answers: Mapping[int, JsonSchema | None]
    """Status → what the body is. Those that every operation has are added by `openapi`."""
    query: tuple[Parameter, ...] = ()
    takes: JsonSchema | None = None
    """The body, as JSON; forms of the same fields are taken as well."""
    media_types: tuple[str, ...] = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    gives: tuple[str, ...] = ("application/json",)
    """Media types of what it answers when it succeeds."""
    makes: str | None = None
    """The kind of what 201 tells of."""
    conditional: bool = False
    """Whether `If-Match` and `If-None-Match` are heeded."""


def message(text: str) -> JsonSchema:
    """An answer with a message."""
    return {**MESSAGE, "description": text}


def entity(kind: str) -> JsonSchema:
    """An entity as it is shown."""
    return {"$ref": f"#/components/schemas/{kind}"}


def new(kind: str, *given: str) -> JsonSchema:
    """An entity as it is given to POST and PUT; some fields are given by the path."""
    return {"$ref": f"#/components/schemas/{'.'.join((kind, 'new', *given))}"}


def change(kind: str) -> JsonSchema:
    """Fields of an entity as they are given to PATCH."""
    return {"$ref": f"#/components/schemas/{kind}.change"}


def page(of: JsonSchema) -> JsonSchema:
    """A page of a list."""
    return {
        "type": "object",
        "required": ["data", "next"],
        "properties": {
            "data": {"type": "array", "items": of},
            "next": {"type": ["string", "null"], "description": "The path of the next page."},
            "offset": {"type": "string", "description": "Where the next page begins."},
        },
    }


SIZE = Parameter("size", "Entities a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
OFFSET = Parameter("offset", "Where the page begins: `offset` of the page before.")
TAGS = Parameter("tags", "Tags that entities must have: all of `a,b`, or one of `a/b`; at most five.")
