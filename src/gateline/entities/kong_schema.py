"""Schemas in Kong's own layout, as `GET /schemas/...` answers them and Kong's tools read them.

`{"fields": [{name: {"type": ..., "required": true, "default": ..., ...}}, ...], "entity_checks": [...]}`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateline.entities.checks import Check
from gateline.entities.constraints import MinLength
from gateline.entities.field_schema import FieldSchema, Variant
from gateline.entities.plugin_configs import PluginType, plugin_type
from gateline.entities.registry import entity_class, foreign_fields
from gateline.entities.schema import DEFAULT_FLAVOR, Schema, field_of, schema_of
from gateline.entities.shorthand import WORDS, Shorthand
from gateline.entities.vault import VAULT_TYPES
from gateline.entities.wire import plain

_TEXT = field_of("", str)


def kong_schema(kind: str, *, router_flavor: str = DEFAULT_FLAVOR) -> dict[str, Any] | None:
    """The schema of a kind, None when there is no such kind."""
    model = entity_class(kind)
    return None if model is None else _layout(schema_of(model, router_flavor))


def kong_plugin_schema(name: str) -> dict[str, Any] | None:
    """What a plugin adds to the schema of plugins, None when there is no such plugin."""
    known = plugin_type(name)
    if known is None:
        return None
    fields = [{scope: _forbidden(scope)} for scope in sorted(known.forbidden)]
    fields += [{name: _field(field, **_default(known, name))} for name, field in known.variant.fields.items()]
    return {"fields": fields, "entity_checks": _checks(known.checks)}


def kong_vault_schema(name: str) -> dict[str, Any] | None:
    """What a type of vault adds to the schema of vaults, None when there is no such type."""
    config = VAULT_TYPES.get(name)
    return None if config is None else {"fields": [{"config": _field(field_of("config", config))}], "entity_checks": []}


def _layout(schema: Schema) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "fields": [{name: _field(field, **_implied(schema, field))} for name, field in schema.fields.items()],
        "entity_checks": _checks(schema.checks),
    }
    old_names = [{name: _old_name(short)} for name, short in schema.shorthands.items() if short.shows]
    return {**layout, "shorthand_fields": old_names} if old_names else layout


def _old_name(shorthand: Shorthand) -> dict[str, Any]:
    path = (shorthand.shows or "").split(".")
    return {
        "type": WORDS[shorthand.reads],
        "translate_backwards": path,
        "deprecation": {"replaced_with": [{"path": path}]},
    }


def _implied(schema: Schema, field: FieldSchema) -> dict[str, Any]:
    """The default of a record that may be left out."""
    default = schema.defaults[field.name] if field.record else None
    return {} if default is None else {"default": plain(default)}


def _checks(checks: Iterable[Check]) -> list[dict[str, Any]]:
    return [layout for check in checks if (layout := check.kong()) is not None]


def _default(plugin: PluginType, name: str) -> dict[str, Any]:
    variant: Variant = plugin.variant
    return {"default": plain(variant.defaults[name])} if name in variant.defaults else {}


def _forbidden(scope: str) -> dict[str, Any]:
    to = next(foreign.to for foreign in foreign_fields("plugins") if foreign.field == scope)
    return {"type": "foreign", "reference": to.kind, "eq": None}


def _field(field: FieldSchema, **more: Any) -> dict[str, Any]:
    layout: dict[str, Any] = {"type": field.type}
    marks: Mapping[str, bool] = {
        "required": field.required and not field.auto,
        "auto": field.auto,
        "unique": field.unique,
        "referenceable": field.referenceable,
        "encrypted": field.secret,
        "abstract": field.abstract,
    }
    layout.update({name: True for name, given in marks.items() if given})
    if field.has_default and field.default is not None:
        layout["default"] = plain(field.default)
    for constraint in field.constraints:
        if field.type != "string" or constraint != MinLength(1):  # every text has at least one character
            layout.update(constraint.kong())
    if field.to:
        layout["reference"] = field.to.kind
        if field.to.on_delete != "restrict":
            layout["on_delete"] = field.to.on_delete
    if field.record:
        layout.update(_layout(field.record))
        if not layout["entity_checks"]:
            del layout["entity_checks"]
    elif field.type == "map":
        layout["keys"], layout["values"] = _field(field.keys or _TEXT), _field(field.elements or _TEXT)
    elif field.elements:
        layout["elements"] = {name: value for name, value in _field(field.elements).items() if name != "required"}
    if field.description:
        layout["description"] = field.description
    return layout | more
