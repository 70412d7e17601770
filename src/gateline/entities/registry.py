"""Which kinds of entities there are and how they hang together, derived from the entities' declarations."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args, get_type_hints

from pydantic import BaseModel

from gateline.entities.marks import IdOf, To
from gateline.entities.model import Entity
from gateline.entities.schema import FOREIGN_MODELS, bare_type, marks_of, schema_of

_OWN = "gateline.entities."


@dataclass(frozen=True, slots=True)
class ForeignField:
    """A field of one kind that points to another kind."""

    field: str
    to: To


def kinds() -> Mapping[str, type[Entity]]:
    """Kind → class, parents before those that point to them."""
    return _ordered(_declared())


def entity_class(kind: str) -> type[Entity] | None:
    """The class of a kind, None when there is no such kind."""
    return kinds().get(kind)


def foreign_fields(kind: str) -> tuple[ForeignField, ...]:
    """The fields of a kind that point to others."""
    return _foreign_fields(kind, _declared())


def children(kind: str) -> tuple[tuple[str, str], ...]:
    """(kind, foreign field) of each kind that may be written inside this one."""
    return _children(kind, _declared())


def listing_fields(kind: str) -> tuple[tuple[str, str], ...]:
    """(field, kind) of each field that lists ids of entities of another kind."""
    hints = get_type_hints(FOREIGN_MODELS[kind], include_extras=True)
    return tuple(
        (name, mark.kind)
        for name, annotation in hints.items()
        for element in get_args(bare_type(annotation)[0])
        for mark in marks_of(element)
        if isinstance(mark, IdOf)
    )


def brought_kinds() -> tuple[str, ...]:
    """The kinds that plugins have brought, parents first."""
    return tuple(kind for kind, model in kinds().items() if not model.__module__.startswith(_OWN))


def unique_fields(kind: str) -> tuple[str, ...]:
    """Fields of which no two entities of the kind have the same value, the endpoint key first."""
    return _unique_fields(kind, _declared())


_Declared = tuple[type[BaseModel], ...]


def _declared() -> _Declared:
    """Part of each cached key: a plugin may bring a kind of its own while the program runs."""
    return tuple(FOREIGN_MODELS.values())


@lru_cache
def _ordered(_: _Declared) -> Mapping[str, type[Entity]]:
    ordered: dict[str, type[Entity]] = {}

    def visit(kind: str, trail: tuple[str, ...]) -> None:
        model = FOREIGN_MODELS.get(kind)
        if model is None or kind in ordered or kind in trail:
            return
        for foreign in foreign_fields(kind):
            visit(foreign.to.kind, (*trail, kind))
        if issubclass(model, Entity):
            ordered[kind] = model

    for kind in FOREIGN_MODELS:
        visit(kind, ())
    return ordered


@lru_cache
def _foreign_fields(kind: str, _: _Declared) -> tuple[ForeignField, ...]:
    fields = schema_of(FOREIGN_MODELS[kind], "expressions").fields
    return tuple(ForeignField(name, field.to) for name, field in fields.items() if field.to)


@lru_cache
def _children(kind: str, _: _Declared) -> tuple[tuple[str, str], ...]:
    return tuple(
        (child, foreign.field)
        for child in kinds()
        for foreign in foreign_fields(child)
        if foreign.to.kind == kind and foreign.to.nests
    )


@lru_cache
def _unique_fields(kind: str, _: _Declared) -> tuple[str, ...]:
    model = kinds()[kind]
    names = [name for name, field in schema_of(model, "expressions").fields.items() if field.unique]
    names.sort(key=lambda name: name != model.endpoint_key)
    return tuple(names)
