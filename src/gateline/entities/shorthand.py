"""Shorthands: names that stand for other fields, such as a service's `url`, or a field's name of an older release."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WORDS: Mapping[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
"""What the types of shorthands are called in schemas."""


@dataclass(frozen=True, slots=True)
class Shorthand:
    """A name whose value says the values of fields; they win over given ones, records are merged."""

    expand: Callable[[Any], dict[str, Any]]
    reads: type[str] | type[int] | type[float] | type[bool] = str
    shows: str | None = None
    """A field (dotted) whose value is shown under this name too; None: the name is write-only."""


def old_name(field: str, kind: type[str] | type[int] | type[float] | type[bool] = str) -> Shorthand:
    """The name that a field (dotted) once had: still taken, and shown beside the new one."""
    *records, name = field.split(".")

    def expand(value: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {name: value}
        for record in reversed(records):
            fields = {record: fields}
        return fields

    return Shorthand(expand, kind, shows=field)


def merge(data: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Put fields into data; records into those that are there."""
    for name, value in fields.items():
        before = data.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            data[name] = dict(before)
            merge(data[name], value)
        else:
            data[name] = value


def show(row: dict[str, Any], shorthands: Iterable[tuple[str, str]]) -> None:
    """Add values to a wire form under their old names: (old name, dotted field)."""
    for name, field in shorthands:
        value: Any = row
        for part in field.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        row[name] = value
