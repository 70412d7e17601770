"""How values of a model's fields look on the wire (plain JSON data), and back, where the two forms differ."""

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from gateline.entities.marks import Abstract, AsSet
from gateline.entities.schema import Reference, bare_type, marks_of

Convert = Callable[[Any], Any]


def _reference_to_wire(reference: Reference) -> dict[str, str]:
    return {"id": reference.id}


def _reference_from_wire(row: Mapping[str, str]) -> Reference:
    return Reference(row["id"])


_SHARED: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_MOST_SHARED = 4096


def _shared(items: list[Any]) -> tuple[Any, ...]:
    """A set as a tuple, one object for equal ones: thousands of routes have the same few protocols and methods."""
    made = tuple(items)
    if len(_SHARED) < _MOST_SHARED:
        return _SHARED.setdefault(made, made)
    return _SHARED.get(made, made)


def converters(annotation: Any) -> tuple[Convert | None, Convert | None]:
    """(to wire, from wire) of a type; None where the value is the same on both sides."""
    bare = bare_type(annotation)[0]
    if bare is Reference:
        return _reference_to_wire, _reference_from_wire
    if get_origin(bare) is tuple:
        to, back = converters(get_args(bare)[0])
        if to is None or back is None:
            return list, _shared if any(isinstance(mark, AsSet) for mark in marks_of(annotation)) else tuple
        return (lambda items: [to(item) for item in items]), (lambda items: tuple([back(item) for item in items]))
    if get_origin(bare) is dict:
        to, back = converters(get_args(bare)[1])
        if to is None or back is None:
            return None, None
        return (
            lambda items: {name: to(item) for name, item in items.items()},
            lambda items: {name: back(item) for name, item in items.items()},
        )
    if any(isinstance(mark, Abstract) for mark in marks_of(annotation)):
        return (lambda record: record.to_wire()), None
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        record: Any = bare
        return record.to_wire, record.from_wire
    return None, None


def plain(value: Any) -> Any:
    """Any value of a model as plain JSON data."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, Reference):
        return _reference_to_wire(value)
    return value.to_wire() if isinstance(value, BaseModel) else value  # type: ignore[attr-defined]
