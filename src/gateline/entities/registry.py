"""Which kinds of entities there are and how they hang together, derived from the entities' declarations."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateline.entities.constraints import To
from gateline.entities.model import Entity
from gateline.entities.schema import FOREIGN_MODELS, schema_of


@dataclass(frozen=True, slots=True)
class ForeignField:
    """A field of one kind that points to another kind."""

    field: str
    to: To


def kinds() -> Mapping[str, type[Entity]]:
    """Kind → class, parents before those that point to them."""
    return _ordered(len(FOREIGN_MODELS))


def entity_class(kind: str) -> type[Entity] | None:
    """The class of a kind, None when there is no such kind."""
    return kinds().get(kind)


def foreign_fields(kind: str) -> tuple[ForeignField, ...]:
    """The fields of a kind that point to others."""
    return _foreign_fields(kind, len(FOREIGN_MODELS))


def children(kind: str) -> tuple[tuple[str, str], ...]:
    """(kind, foreign field) of each kind that may be written inside this one."""
    return _children(kind, len(FOREIGN_MODELS))


def unique_fields(kind: str) -> tuple[str, ...]:
    """Fields of which no two entities of the kind have the same value, the endpoint key first."""
    return _unique_fields(kind, len(FOREIGN_MODELS))


# The count of kinds is part of each cached key: a plugin may bring a kind of its own while the program runs.


@lru_cache
def _ordered(_: int) -> Mapping[str, type[Entity]]:
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
def _foreign_fields(kind: str, _: int) -> tuple[ForeignField, ...]:
    fields = schema_of(FOREIGN_MODELS[kind], "expressions").fields
    return tuple(ForeignField(name, field.to) for name, field in fields.items() if field.to)


@lru_cache
def _children(kind: str, _: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        (child, foreign.field)
        for child in kinds()
        for foreign in foreign_fields(child)
        if foreign.to.kind == kind and foreign.to.nests
    )


@lru_cache
def _unique_fields(kind: str, _: int) -> tuple[str, ...]:
    model = kinds()[kind]
    names = [name for name, field in schema_of(model, "expressions").fields.items() if field.unique]
    names.sort(key=lambda name: name != model.endpoint_key)
    return tuple(names)
