"""What a PATCH means: which values an entity has after it, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any

from gateline.entities.errors import IMMUTABLE
from gateline.entities.schema import Schema
from gateline.entities.violations import ENTITY, Violations

_AT_LEAST_ONE = "at least one of these fields must be non-empty"
_UPDATED = "updated_at"


def patch(schema: Schema, row: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[dict[str, Any], Violations]:
    """The values of the entity of which `row` is the wire form, with changes; and the violations."""
    refused: dict[str, Any] = {}
    changes = schema.expanded(changes, refused)
    kept = {name: value for name, value in row.items() if name != _UPDATED and _may_stay(schema, row, name, value)}
    values, violations = schema.validate(_merged(schema, kept, changes), given=changes)
    errors = violations.fields
    errors.update(refused)
    if "id" not in errors and values["id"].lower() != row["id"]:
        errors["id"] = IMMUTABLE
    _say_when(errors)
    return values, violations


def _may_stay(schema: Schema, row: Mapping[str, Any], name: str, value: Any) -> bool:
    """Not a field that is unknown in this router flavour, nor a null that an older release stored."""
    field = schema.field(name, row)
    return field is not None and not (value is None and field.required)


def _merged(schema: Schema, row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    shown = [name for name in schema.shorthands if name not in schema.fields]
    merged = {**{name: value for name, value in row.items() if name not in shown}, **changes}
    for name, change in changes.items():
        before = row.get(name)
        if isinstance(change, Mapping) and isinstance(before, Mapping):
            field = schema.field(name, merged)
            if field and field.record:
                merged[name] = _merged(field.record, before, field.record.expanded(change, {}))
    return merged


def _say_when(errors: dict[str, Any]) -> None:
    """As in Kong, this one sentence says that it is about an update."""
    sentences = errors.get(ENTITY)
    if sentences:
        errors[ENTITY] = [
            f"when updating, {sentence}" if sentence.startswith(_AT_LEAST_ONE) else sentence for sentence in sentences
        ]
