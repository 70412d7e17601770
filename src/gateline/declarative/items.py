"""Entities on their way from a document to a snapshot: what they come from, where they stand, what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateline.declarative.document import Document
from gateline.declarative.nesting import nested_in
from gateline.entities import Entity

Place = tuple[str | int, ...]
"""Where something stands in all documents together: kind, position, key, position, ...; counted from 0."""

NOTHING = object()
DROPPED = ("_comment", "_ignore")
"""Keys that any entity may have and that are dropped."""


@dataclass(slots=True)
class Source:
    """One document on its way into a snapshot."""

    file: str
    """A file's name, or what the document came with (`POST /config`)."""
    value: Any
    """What is validated: variables and references filled in."""
    original: Any
    """What was written; errors show this, so that no secret of the environment shows up in one."""
    document: Document | None = None
    """Where lines are looked up."""
    offsets: dict[str, int] = field(default_factory=dict)
    """Kind → how many entities of it stand in the documents before this one."""


@dataclass(slots=True)
class Item:
    """One entity on its way."""

    entity: type[Entity]
    source: Source
    place: Place
    parent: "Item | None"
    parent_field: str | None
    """The field that points to the parent."""
    values: dict[str, Any]
    errors: dict[str, Any]
    names: list[tuple[str, str]]
    """(foreign field, name or id) of the references that are still to be resolved."""
    given: tuple[str, ...] = ()
    """The fields that were written, where something is to be derived from them once references are resolved."""
    late: list[tuple[str, str]] = field(default_factory=list)
    """(field, sentence) of what comes out when entities are compared with each other."""

    @property
    def kind(self) -> str:
        """The entity's kind."""
        return self.entity.kind

    @property
    def key(self) -> str | None:
        """What names the entity, None when nothing (rightly) does."""
        key = self.values[self.entity.endpoint_key] if self.entity.endpoint_key else None
        return key if isinstance(key, str) else None


def written(item: Item) -> Any:
    """The entity as it was written, without what is nested in it."""
    row = value_at(item.source.original, place_in_document(item))
    if not isinstance(row, dict):
        return row
    within = nested_in(item.kind)
    return {name: value for name, value in row.items() if name not in within and name not in DROPPED}


def place_in_document(item: Item) -> Place:
    """Where an entity stands in its own document."""
    return in_document(item.source, item.place)


def in_document(source: Source, place: Place) -> Place:
    """A place counted over all documents, as the place in its own one."""
    if len(place) < 2:
        return place
    kind, position, *rest = place
    return (kind, int(position) - source.offsets.get(str(kind), 0), *rest)


def value_at(value: Any, place: Sequence[str | int]) -> Any:
    """The value at a place, `NOTHING` when there is none."""
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return NOTHING
    return value
