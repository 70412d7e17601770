"""References in bodies: `service: {name: n}` stands for `service: {id: ...}` of the service of that name."""

from collections.abc import Mapping
from typing import Any

from gateline.entities import Entity, EntityError, foreign_fields, lua, schema_of, unique_fields
from gateline.entities.checkers import Refused
from gateline.entities.errors import FOREIGN_KEYS_UNRESOLVED
from gateline.entities.registry import entity_class
from gateline.store.interface import Reading


async def resolved(reading: Reading, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with every reference by a unique field replaced by one by id.

    Raises EntityError (foreign keys unresolved) that tells of every reference to nothing. What is no reference at all
    stays as it is: validation will say so.
    """
    result = dict(data)
    unresolved: dict[str, dict[str, str]] = {}
    for foreign in foreign_fields(kind):
        value = result.get(foreign.field)
        if not isinstance(value, dict) or value.get("id") is not None:
            continue
        named = _unique_value(foreign.to.kind, value)
        if named is None:
            continue
        found = await reading.find(foreign.to.kind, *named)
        if found is None:
            unresolved[foreign.field] = {named[0]: _sentence(foreign.to.kind, *named)}
        else:
            result[foreign.field] = {"id": found.id}
    if unresolved:
        raise _error(unresolved)
    return result


def _unique_value(kind: str, value: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first unique field that the value has, if it could be one's."""
    model: type[Entity] | None = entity_class(kind)
    for field in unique_fields(kind) if model else ():
        given = value.get(field)
        if model is None or not isinstance(given, str) or not given:
            continue
        try:
            return field, schema_of(model).fields[field].check(given)
        except Refused:
            continue
    return None


def _sentence(kind: str, field: str, value: str) -> str:
    key = lua.table({field: value})
    return f"the foreign key cannot be resolved with '{key}' for an existing '{kind}' entity"


def _error(unresolved: Mapping[str, Mapping[str, str]]) -> EntityError:
    told = [
        f"{field}.{name}: {sentence}"
        for field, problems in sorted(unresolved.items())
        for name, sentence in problems.items()
    ]
    count = "foreign key unresolved" if len(told) == 1 else f"{len(told)} foreign keys unresolved"
    return EntityError(FOREIGN_KEYS_UNRESOLVED, f"{count} ({'; '.join(told)})", unresolved)
