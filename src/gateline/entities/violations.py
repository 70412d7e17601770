"""What is wrong with one entity: Kong's `fields` structure, and the sentence that is composed from it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateline.entities.errors import SCHEMA_VIOLATION, EntityError

ENTITY = "@entity"
"""Key of the violations that concern the entity as a whole; its value is a list of sentences."""


class Violations:
    """Every violation of one entity at once.

    `fields` is as Kong answers it: field name → sentence, or a dictionary (records), or a list by position with None
    where an element is right (arrays, sets). False when nothing is wrong.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any] | None = None) -> None:
        self.fields: dict[str, Any] = {} if fields is None else fields

    def __bool__(self) -> bool:
        return bool(self.fields)

    def __repr__(self) -> str:
        return f"Violations({self.fields!r})"

    def add(self, field: str, error: Any) -> None:
        """Set what is wrong with a field; its name may be dotted, to reach into records."""
        *records, name = field.split(".")
        fields = self.fields
        for record in records:
            fields = fields.setdefault(record, {})
        fields[name] = error

    def has(self, field: str) -> bool:
        """Whether something is wrong with a field, or with the record that it is in."""
        fields: Any = self.fields
        if not fields:
            return False
        for name in field.split("."):
            if not isinstance(fields, dict):
                return True
            if name not in fields:
                return False
            fields = fields[name]
        return True

    def add_entity(self, sentence: str) -> None:
        """Append a sentence about the whole entity."""
        self.fields.setdefault(ENTITY, []).append(sentence)

    def flat(self) -> list[tuple[str, str]]:
        """(dotted field, sentence) of each, those of the whole entity first (with an empty field), then by name."""
        return list(flatten(self.fields))

    @property
    def message(self) -> str:
        """`schema violation (host: required field missing)`, `2 schema violations (a: ...; b: ...)`."""
        sentences = [f"{field}: {sentence}" if field else sentence for field, sentence in self.flat()]
        count = "schema violation" if len(sentences) == 1 else f"{len(sentences)} schema violations"
        return f"{count} ({'; '.join(sentences)})"

    def error(self) -> EntityError:
        """The violations as an error to raise."""
        return EntityError(SCHEMA_VIOLATION, self.message, self.fields)


def flatten(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Walk a `fields` structure: entity sentences first, then fields by name; array positions count from 1."""
    for sentence in fields.get(ENTITY, ()):
        yield prefix.rstrip("."), sentence
    for name in sorted(name for name in fields if name != ENTITY):
        yield from _flatten(fields[name], f"{prefix}{name}")


def _flatten(error: Any, label: str) -> Iterator[tuple[str, str]]:
    if isinstance(error, str):
        yield label, error
    elif isinstance(error, Mapping):
        yield from flatten(error, f"{label}.")
    elif isinstance(error, Sequence):
        for position, element in enumerate(error, start=1):
            if element is not None:
                yield from _flatten(element, f"{label}.{position}")
