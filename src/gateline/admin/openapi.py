"""`/openapi.json`: the description of the whole API (OpenAPI 3.1), made from the paths with their operations and from
the declarations of the entities.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request

from gateline.admin import documentation as doc
from gateline.admin.documentation import JsonSchema, Operation, Parameter
from gateline.admin.node import Node
from gateline.admin.routing import Resource
from gateline.entities import entity_class, kinds
from gateline.entities.json_schema import Mode, json_schema
from gateline.version import __version__

_MODES: Mapping[str, Mode] = {"": "read", ".new": "create", ".change": "update"}
_SNIS = {
    "": {"type": "array", "items": {"type": "string"}, "description": "Server names, each an entity of kind snis."},
    ".new": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Server names."},
    ".change": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Server names."},
}
_REASONS = {
    200: "Done, or found.",
    201: "Made.",
    204: "Done.",
    304: "Nothing to do.",
    400: "Refused: something in the request is wrong.",
    401: "Refused: the token is missing or wrong.",
    404: "There is no such thing.",
    405: "Refused: not possible here, or not without a database.",
    409: "Refused: something that has to be unique is there already.",
    412: "Refused: the entity is not as the request expects.",
    413: "Refused: the body is too large.",
    415: "Refused: bodies of this type are not taken.",
    429: "Come back later.",
    500: "The change could not be put in force.",
    501: "Not implemented.",
    503: "Not available now.",
    504: "The change was not in force in time.",
}
_CONDITIONS = (
    Parameter("If-Match", "Entity tags of which the entity must have one; `*`: it must exist.", place="header"),
    Parameter("If-None-Match", "Entity tags that the entity must not have; `*`: it must not exist.", place="header"),
)
_REASON = Parameter("Gateline-Reason", "Why, for the log of changes.", place="header")
_ETAG = {"ETag": {"description": "The entity tag, for `If-Match`.", "schema": doc.TEXT}}
_FORM = {"type": "object", "description": "The same fields; those in records as `config.minute`, lists as `paths[]`."}


def resource(resources: Callable[[], Iterable[Resource]], node: Node) -> Resource:
    """The path of the description."""
    made: dict[str, Any] = {}

    async def get(_request: Request) -> dict[str, Any]:
        if not made:
            made.update(description(resources(), node.settings.router_flavor, token=bool(node.settings.admin_token)))
        return made

    return Resource("/openapi.json", get=Operation(get, "This description", {200: doc.OBJECT}))


def description(resources: Iterable[Resource], flavor: str, *, token: bool) -> dict[str, Any]:
    """The description of an API; with `token`, one that asks for a token."""
    security: list[dict[str, Any]] = [{"adminToken": []}, {"bearer": []}] if token else []
    resources = sorted(resources, key=lambda one: one.path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gateline Admin API",
            "version": __version__,
            "description": "Configures a gateway. Paths, bodies and messages are those of Kong's Admin API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": security,
        "paths": {
            one.path: {
                verb.lower(): _operation(one.path, verb, operation, _links(operation, resources), token=token)
                for verb, operation in one.operations.items()
            }
            for one in resources
        },
        "components": {
            "schemas": {**_schemas(resources, flavor), "Message": _message(), "Error": _error()},
            "securitySchemes": {
                "adminToken": {"type": "apiKey", "in": "header", "name": "Kong-Admin-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _links(operation: Operation, resources: Iterable[Resource]) -> dict[str, Any]:
    """Where what an operation makes is found: the paths that have its id as their only parameter, and are there as long
    as it is."""
    if operation.makes is None:
        return {}
    parameter = f"{{{operation.makes}}}"
    return {
        name: {"operationId": name, "parameters": {operation.makes: "$response.body#/id"}}
        for one in resources
        if one.path.count("{") == 1 and (one.path.endswith(parameter) or (parameter in one.path and _is_list(one)))
        for name in (_identifier(one.path, verb) for verb in one.operations)
    }


def _is_list(one: Resource) -> bool:
    return "POST" in one.operations


def _operation(path: str, verb: str, operation: Operation, links: Mapping[str, Any], *, token: bool) -> dict[str, Any]:
    """A verb of a path."""
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [_parameter(_path_parameter(name, _key(name, position))) for position, name in enumerate(names)]
    parameters += [_parameter(one) for one in operation.query]
    if operation.conditional:
        parameters += [_parameter(one) for one in _CONDITIONS]
    if verb != "GET":
        parameters.append(_parameter(_REASON))
    answers: dict[int, JsonSchema | None] = {**operation.answers}
    answers.setdefault(503, doc.MESSAGE)
    if token:
        answers.setdefault(401, doc.MESSAGE)
    if names:
        answers.setdefault(404, doc.MESSAGE)
    body: dict[str, Any] = {}
    if operation.takes is not None:
        answers |= {413: doc.MESSAGE, 415: doc.NOTHING}
        content = {kind: {"schema": _taken(kind, operation)} for kind in operation.media_types}
        body["requestBody"] = {"required": False, "content": content}
    return {
        "operationId": _identifier(path, verb),
        "summary": operation.summary,
        "tags": [path.split("/")[1] or "node"],
        "parameters": parameters,
        **body,
        "responses": {str(status): _answer(status, answers[status], operation, links) for status in sorted(answers)},
    }


def _identifier(path: str, verb: str) -> str:
    return "_".join([verb.lower(), *re.findall(r"[\w-]+", path)])


def _key(kind: str, position: int) -> str | None:
    """The field by which an entity is named in a path: the first one there, or one below it."""
    model = entity_class(kind)
    if model is None:
        return None
    return model.nested_key if position else model.endpoint_key


def _path_parameter(name: str, key: str | None) -> Parameter:
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    if entity_class(name) is None:
        return Parameter(name, "What is asked for.", text, "path")
    if name == "certificates":
        return Parameter(name, f"The id of one of {name}, or one of its server names.", text, "path")
    if key is None:
        return Parameter(name, f"The id of one of {name}.", {"type": "string", "format": "uuid"}, "path")
    field = (json_schema(name, mode="create") or {})["properties"][key]
    said = {word: value for word, value in field.items() if word not in ("type", "description")}
    return Parameter(
        name, f"The id of one of {name}, or its {key}.", {**text, "anyOf": [{"format": "uuid"}, said]}, "path"
    )


def _parameter(one: Parameter) -> dict[str, Any]:
    required = {"required": True} if one.place == "path" else {}
    return {"name": one.name, "in": one.place, "description": one.description, "schema": one.schema, **required}


def _taken(kind: str, operation: Operation) -> JsonSchema:
    if kind == "application/json":
        return operation.takes or {}
    return doc.TEXT if "yaml" in kind else _FORM


def _answer(status: int, schema: JsonSchema | None, operation: Operation, links: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": _REASONS[status]}
    if schema is not None:
        kinds = operation.gives if status < 300 else ("application/json",)
        answer["content"] = {kind: {"schema": schema} for kind in kinds}
    if status in (200, 201) and (operation.conditional or operation.makes):
        answer["headers"] = _ETAG
    if status == 201 and links:
        answer["links"] = links
    return answer


def _schemas(resources: Iterable[Resource], flavor: str) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for kind in kinds():
        for ending, mode in _MODES.items():
            schema = json_schema(kind, mode=mode, router_flavor=flavor) or {}
            if kind == "certificates":
                schema = {**schema, "properties": {**schema["properties"], "snis": _SNIS[ending]}}
            schemas[f"{kind}{ending}"] = schema
    for name in sorted(_taken_names(resources) - schemas.keys()):
        kind, _, *given = name.split(".")
        schemas[name] = _without(schemas[f"{kind}.new"], given)
    return schemas


def _taken_names(resources: Iterable[Resource]) -> set[str]:
    """The components that operations take."""
    taken = (operation.takes for one in resources for operation in one.operations.values() if operation.takes)
    return {str(schema["$ref"]).rpartition("/")[2] for schema in taken if "$ref" in schema}


def _without(schema: JsonSchema, given: Iterable[str]) -> JsonSchema:
    """The schema of a new entity of which the path gives some fields: neither they nor what they fulfil is required."""
    needed = [name for name in schema.get("required", ()) if name not in given]
    rest = {name: value for name, value in schema.items() if name not in ("required", "allOf")}
    return {**rest, "required": needed} if needed else rest


def _message() -> JsonSchema:
    return {"type": "object", "required": ["message"], "properties": {"message": doc.TEXT}}


def _error() -> JsonSchema:
    return {
        "type": "object",
        "required": ["message"],
        "properties": {
            "message": doc.TEXT,
            "code": {"type": "integer", "description": "The sort of error, as in Kong."},
            "name": {"type": "string", "description": "The sort of error in words."},
            "fields": {"type": "object", "description": "What is wrong, by field; `@entity`: with the whole."},
            "options": {"type": "object", "description": "What is wrong, by argument."},
        },
    }
