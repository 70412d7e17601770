"""How values of a model's fields look on the wire (plain JSON data), and back, where the two forms differ."""

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from gateline.entities.schema import Reference, bare_type

Convert = Callable[[Any], Any]


def _reference_to_wire(reference: Reference) -> dict[str, str]:
    return {"id": reference.id}


def _reference_from_wire(row: Mapping[str, str]) -> Reference:
    return Reference(row["id"])


def converters(bare: Any) -> tuple[Convert | None, Convert | None]:
    """(to wire, from wire) of a type; None where the value is the same on both sides."""
    if bare is Reference:
        return _reference_to_wire, _reference_from_wire
    if get_origin(bare) is tuple:
        to, back = converters(bare_type(get_args(bare)[0])[0])
        if to is None or back is None:
            return list, tuple
        return (lambda items: [to(item) for item in items]), (lambda items: tuple([back(item) for item in items]))
    if get_origin(bare) is dict:
        to, back = converters(bare_type(get_args(bare)[1])[0])
        if to is None or back is None:
            return None, None
        return (
            lambda items: {name: to(item) for name, item in items.items()},
            lambda items: {name: back(item) for name, item in items.items()},
        )
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        record: Any = bare
        return record.to_wire, record.from_wire
    return None, None
