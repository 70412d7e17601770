"""What may be written inside of an entity: its children, and the names of entities that it is tied to.

A child stands under its kind (`services[].routes[]`). Entities that only tie two others together are not written
themselves: `consumers[].groups[]` and `consumer_groups[].consumers[]` hold names (`{name: gold}`, or just `gold`), and
each of them becomes a membership.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateline.entities import Entity, children, entity_class, foreign_fields, kinds


@dataclass(frozen=True, slots=True)
class Nested:
    """Entities that are written inside of another, under one key."""

    entity: type[Entity]
    field: str
    """The field that points to the parent."""
    other: str | None = None
    """Of an entity that ties: the field that points to what is named."""
    names: tuple[str, ...] = ()
    """Of an entity that ties: by which fields what is named may be named."""


def nested_in(kind: str) -> Mapping[str, Nested]:
    """Key → what may stand under it inside of an entity of a kind."""
    return _nested_in(kind, tuple(kinds()))


@lru_cache
def _nested_in(kind: str, known: tuple[str, ...]) -> Mapping[str, Nested]:
    found = {child: Nested(kinds()[child], field) for child, field in children(kind)}
    for child in known:
        for foreign in foreign_fields(child):
            if foreign.to.kind == kind and foreign.to.ties:
                other = next(each for each in foreign_fields(child) if each.field != foreign.field)
                named = entity_class(other.to.kind)
                key = named.endpoint_key if named else None
                names = ("id", key) if key else ("id",)
                found[foreign.to.ties] = Nested(kinds()[child], foreign.field, other.field, names)
    return found


def tied(nested: Nested, row: Any) -> Any:
    """An element as the entity that it stands for; what is of a wrong form is left as it is, to be refused."""
    if nested.other is None:
        return row
    if isinstance(row, str):
        return {nested.other: row}
    if isinstance(row, dict):
        named = [name for name in nested.names if row.get(name) is not None]
        if named:
            kept = {name: value for name, value in row.items() if name not in nested.names}
            return {**kept, nested.other: row[named[0]]}
    return row
