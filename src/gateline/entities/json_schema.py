"""Schemas as JSON schema (2020-12, as in OpenAPI 3.1), from the same declarations.

Conditions between fields are said where JSON schema can do it simply ("at least one of"); the others are left to the
validation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from gateline.entities import formats, x509
from gateline.entities.checks import Check
from gateline.entities.constraints import Constraint, Format
from gateline.entities.field_schema import FieldSchema
from gateline.entities.plugin_configs import plugin_type
from gateline.entities.registry import entity_class
from gateline.entities.schema import DEFAULT_FLAVOR, Schema, schema_of
from gateline.entities.service import url_fields
from gateline.entities.shorthand import WORDS
from gateline.entities.wire import plain

Mode = Literal["create", "update", "read"]

_TYPES = {"array": "array", "set": "array", "map": "object", "record": "object", "foreign": "object"}
_LARGEST = 2**53 - 1

# Patterns are written for ECMAScript and Python alike: `(?!\n)` after `$`, because Python's `$` lets a newline follow.
_END = "$(?!\\n)"
_LABEL = "[A-Za-z0-9_-]*[A-Za-z0-9_]"
_NAME = f"(?![0-9.]+(:|$)){_LABEL}(\\.{_LABEL})*"
_HOST_NAME = f"{_NAME}\\.?"
_IPV4 = "(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])){3}"
_IPV6 = {"pattern": f"^([0-9A-Fa-f.]*:){{2,}}[0-9A-Fa-f.]*{_END}"}
_PORT = ":(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[0-5]?[0-9]{1,4})"
_UTF8_NAME = "[^\\u0000-\\u002c\\u002f\\u003a-\\u0040\\u005b-\\u005e\\u0060\\u007b-\\u007d\\u007f]+"
_TAG = "[^\\u0000-\\u001f\\u002c\\u002f\\u007f]+"
_PATH = "/([A-Za-z0-9._~/:@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_REFERENCE = {"pattern": "^\\{vault://[^/{}?#]+/[^{}]+\\}" + _END}


def _whole(pattern: str) -> dict[str, Any]:
    return {"pattern": f"^({pattern}){_END}"}


def _or_ipv6(*patterns: str) -> dict[str, Any]:
    return {"anyOf": [*map(_whole, patterns), {"format": "ipv6", **_IPV6}]}


FORMATS: Mapping[Callable[[Any], Any], dict[str, Any]] = {
    formats.host: _or_ipv6(_HOST_NAME, _IPV4),
    formats.route_host: _or_ipv6(f"(\\*\\.)?{_HOST_NAME}({_PORT})?", f"{_NAME}\\.\\*({_PORT})?", f"{_IPV4}({_PORT})?"),
    formats.host_with_optional_port: _or_ipv6(f"({_HOST_NAME}|{_IPV4})({_PORT})?"),
    formats.target: _or_ipv6(f"({_HOST_NAME}|{_IPV4})({_PORT})?", f"\\[[0-9A-Fa-f:.]+\\]({_PORT})?"),
    formats.sni: _whole(_HOST_NAME),
    formats.wildcard_sni: _whole(f"\\*|(\\*\\.)?{_HOST_NAME}|{_NAME}\\.\\*"),
    formats.upstream_name: _whole(_HOST_NAME),
    formats.name: _whole(_UTF8_NAME),
    formats.tag: _whole(_TAG),
    formats.header_name: _whole("[A-Za-z0-9_-]+"),
    formats.cookie_name: _whole("[A-Za-z0-9_.-]+"),
    formats.service_path: _whole(_PATH),
    formats.ip_or_cidr: {"pattern": f"^[0-9A-Fa-f.:/]+{_END}"},
    url_fields: {"pattern": f"^(grpcs?|https?|tcp|tls|tls_passthrough|udp)://{_NAME}({_PORT})?(/|{_END})"},
    x509.certificate: {"pattern": "-----BEGIN CERTIFICATE-----"},
    x509.private_key: {"pattern": "-----BEGIN [A-Z ]*PRIVATE KEY-----"},
    x509.public_key: {"pattern": "-----BEGIN [A-Z ]+-----"},
}
"""What JSON schema can say of the formats: as much as their check, or less."""


def json_schema(kind: str, *, mode: Mode, router_flavor: str = DEFAULT_FLAVOR) -> dict[str, Any] | None:
    """The schema of a kind's entities in a request that creates or updates one, or in an answer."""
    model = entity_class(kind)
    return None if model is None else _object(schema_of(model, router_flavor), mode)


def json_plugin_schema(name: str, *, mode: Mode) -> dict[str, Any] | None:
    """The schema of a plugin's `config`, None when there is no such plugin."""
    known = plugin_type(name)
    return None if known is None else _object(schema_of(known.config), mode)


def _object(schema: Schema, mode: Mode) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "object", "properties": {}}
    if description := (schema.model.__doc__ or "").partition("\n")[0]:
        body["description"] = description
    properties = body["properties"]
    not_shown = getattr(schema.model, "not_shown", ()) if mode == "read" else ()
    for name, field in schema.fields.items():
        if name not in not_shown:
            properties[name] = _property(field, mode)
    if mode == "read":
        properties.update({name: {} for name, short in schema.shorthands.items() if short.shows})
        hidden = dict(getattr(schema.model, "_hidden", ()))  # what the wire form may leave out
        body["required"] = [name for name in properties if name not in hidden]
        return body
    shorthands = {name: short for name, short in schema.shorthands.items() if name not in properties}
    for name, short in shorthands.items():
        properties[name] = {"type": WORDS[short.reads], **FORMATS.get(short.expand, {}), "writeOnly": True}
    body["additionalProperties"] = False
    if mode == "create":
        needed = [name for name in schema.needed if schema.fields[name].type != "record"]
        _add_needed(body, needed, [name for name, short in shorthands.items() if not short.shows])
        _add_checks(body, (*schema.checks, *schema.hints))
    return body


def _add_needed(body: dict[str, Any], needed: list[str], shorthands: list[str]) -> None:
    """Fields that a request has to have, or a shorthand that stands for them."""
    if needed and shorthands:
        body["anyOf"] = [{"required": needed}, *({"required": [name]} for name in shorthands)]
    elif needed:
        body["required"] = needed


def _add_checks(body: dict[str, Any], checks: tuple[Check, ...]) -> None:
    said = [fragment for check in checks if (fragment := check.json_schema()) is not None]
    if said:
        body["allOf"] = said


def _property(field: FieldSchema, mode: Mode) -> dict[str, Any]:
    body = _value(field, mode)
    if not field.required and not (field.default_for_null and mode == "read"):
        _let_null(body)
    if field.has_default and mode == "create" and field.default is not None:
        body["default"] = plain(field.default)
    if field.description:
        body["description"] = field.description
    return body


def _value(field: FieldSchema, mode: Mode) -> dict[str, Any]:
    body: dict[str, Any] = {"type": _TYPES.get(field.type, field.type)}
    if field.type == "foreign":
        return body | _reference(field, mode)
    if field.record:
        body = _object(field.record, mode)
    elif field.type == "map":
        body["additionalProperties"] = _value(field.elements, mode) if field.elements else {}
        if field.keys and (names := _constraints(field.keys)):
            body["propertyNames"] = names
    elif field.elements:
        body["items"] = _value(field.elements, mode)
    said = _constraints(field)
    if field.referenceable and said:
        body["anyOf"] = [said, _REFERENCE]
    else:
        body.update(said)
    return body


def _constraints(field: FieldSchema) -> dict[str, Any]:
    """What the constraints say; several that use the same words stand side by side in `allOf`."""
    body: dict[str, Any] = {}
    for constraint in field.constraints:
        fragment = _fragment(constraint, field)
        if body.keys() & fragment.keys():
            body.setdefault("allOf", []).append(fragment)
        else:
            body.update(fragment)
    if field.type == "string":
        if not body.keys() & {"pattern", "enum", "anyOf", "format"}:
            body["pattern"] = f"^[^\\u0000]*{_END}"
        elif body.get("minLength") == 1:
            del body["minLength"]
    if field.type == "integer" and not body.keys() & {"enum", "maximum"}:
        if "exclusiveMinimum" not in body:
            body["minimum"] = -_LARGEST
        body["maximum"] = _LARGEST
    return body


def _fragment(constraint: Constraint, field: FieldSchema) -> dict[str, Any]:
    if isinstance(constraint, Format) and constraint.check in FORMATS:
        return FORMATS[constraint.check]
    fragment = constraint.json_schema()
    if field.type == "string":
        return fragment
    parts = "Properties" if field.type == "map" else "Items"
    return {name.replace("Length", parts): value for name, value in fragment.items()}


def _reference(field: FieldSchema, mode: Mode) -> dict[str, Any]:
    key = {"type": "string", "format": "uuid"}
    body: dict[str, Any] = {"properties": {"id": key}, "required": ["id"]}
    model = entity_class(field.to.kind) if field.to else None
    if mode == "read" or model is None or model.endpoint_key is None or model.flat_path is None:
        return body
    name = model.endpoint_key
    return {
        "properties": {"id": key, name: _value(schema_of(model).fields[name], mode)},
        "anyOf": [{"required": ["id"]}, {"required": [name]}],
    }


def _let_null(body: dict[str, Any]) -> None:
    body["type"] = [body["type"], "null"]
    if "enum" in body:
        body["enum"] = [*body["enum"], None]
