"""Entities put to use: their wire form with what their references to secrets stand for."""

from collections.abc import Iterable
from typing import Any

from gateline.entities.field_schema import FieldSchema
from gateline.entities.model import Entity
from gateline.entities.references import BadReferenceError, Resolver, VaultReference, is_reference
from gateline.entities.schema import schema_of
from gateline.entities.vault import EnvConfig, Vault


def vault_prefixes(vaults: Iterable[Vault]) -> dict[str, str]:
    """What a `Resolver` needs to know of the vault entities."""
    return {
        vault.prefix: (vault.config.prefix or "") if isinstance(vault.config, EnvConfig) else "" for vault in vaults
    }


def refers(entity: Entity) -> bool:
    """Whether some field of the entity holds a reference."""
    return any(_references(value, field) for value, field in _referring(entity, entity.to_wire()))


def resolved(entity: Entity, resolver: Resolver) -> tuple[dict[str, Any], list[str]]:
    """The entity's wire form without references, and a sentence for each that could not be resolved.

    As in Kong, a field whose reference cannot be resolved is an empty text.
    """
    row = entity.to_wire()
    problems: list[str] = []
    for value, field in _referring(entity, row):
        row[field.name] = _looked_up(value, field, resolver, problems)
    return row, problems


def _referring(entity: Entity, row: dict[str, Any]) -> list[tuple[Any, FieldSchema]]:
    schema = schema_of(type(entity), "expressions")
    variant = schema.variant(row)
    fields = {**schema.fields, **variant.fields} if variant else schema.fields
    if not (schema.refers or variant):
        return []
    return [(row[name], field) for name, field in fields.items() if field.refers and row.get(name) is not None]


def _references(value: Any, field: FieldSchema) -> bool:
    if value is None:
        return False
    if field.referenceable:
        return is_reference(value)
    return any(_references(part, schema) for _, part, schema in _parts(value, field))


def _looked_up(value: Any, field: FieldSchema, resolver: Resolver, problems: list[str]) -> Any:
    if value is None:
        return None
    if field.referenceable:
        return _resolved_text(value, resolver, problems)
    made = value.copy()
    for place, part, schema in _parts(value, field):
        made[place] = _looked_up(part, schema, resolver, problems)
    return made


def _parts(value: Any, field: FieldSchema) -> list[tuple[Any, Any, FieldSchema]]:
    """(place, value, schema) of each thing in a record, list or map that takes references."""
    if field.record:
        return [(name, value.get(name), schema) for name, schema in field.record.fields.items() if schema.refers]
    if field.elements and field.elements.refers:
        places = value if isinstance(value, dict) else range(len(value))
        return [(place, value[place], field.elements) for place in places]
    return []


def _resolved_text(value: Any, resolver: Resolver, problems: list[str]) -> Any:
    reference = VaultReference.parse(value) if is_reference(value) else None
    if reference is None:
        return value
    try:
        return resolver.resolve(reference)
    except BadReferenceError as error:
        problems.append(f"{value}: {error}")
        return ""
