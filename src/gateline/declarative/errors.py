"""What is wrong with a declarative configuration, in the three forms in which it is told.

`fields` and `message` are Kong's (nested by kind and position), `flattened_errors` is Kong's list for tools (one
element an entity), `problems` is ours for people: file, line, entity, field, what was expected and what was there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateline.entities import lua
from gateline.entities.errors import DECLARATIVE_CONFIG, EntityError

MASK = "******"
"""Stands for a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    file: str
    line: int | None
    entity: str
    """Where it is: `services[0] 'demo' > routes[1] 'r'`; empty for the document itself."""
    field: str
    """Dotted, positions counted from 1; empty when the entity as a whole is meant."""
    expected: str
    """The violation in Kong's words."""
    found: str
    """What is there, as JSON, shortened; `nothing` when nothing is, stars for a secret; empty for no single value."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        where = " > ".join(part for part in (self.entity, self.field) if part)
        found = f" (found {self.found})" if self.found else ""
        return f"{place}: {where + ': ' if where else ''}{self.expected}{found}"


@dataclass(frozen=True, slots=True)
class FlattenedEntity:
    """The violations of one entity: `(field, sentence)` each, the field dotted, empty for the entity itself."""

    type: str
    id: str | None
    name: str | None
    tags: list[str] | None
    entity: Mapping[str, Any]
    errors: Sequence[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """As an element of Kong's `flattened_errors`; what is not known is left out."""
        body: dict[str, Any] = {"entity_type": self.type}
        known = {"entity_id": self.id, "entity_name": self.name, "entity_tags": self.tags}
        body.update({key: value for key, value in known.items() if value is not None})
        body["entity"] = dict(self.entity)
        body["errors"] = [
            {"type": "field", "field": field, "message": message} if field else {"type": "entity", "message": message}
            for field, message in self.errors
        ]
        return body


class DeclarativeError(EntityError):
    """A configuration that was refused as a whole; whatever was in force stays in force."""

    def __init__(
        self,
        fields: Mapping[str, Any],
        problems: Sequence[Problem],
        entities: Sequence[FlattenedEntity] = (),
        unattached: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(DECLARATIVE_CONFIG, _message(fields), fields)
        self.problems = list(problems)
        self._entities = entities
        self._unattached = fields if unattached is None else unattached

    def flattened(self) -> list[dict[str, Any]]:
        """Kong's `flattened_errors`."""
        return [entity.as_json() for entity in self._entities]

    def body(self, *, flatten: bool = False) -> dict[str, Any]:
        """The Admin API's answer; with `flatten`, entities' violations are listed apart and taken out of `fields`."""
        if not flatten:
            return super().body()
        return {
            "code": self.kind.code,
            "name": self.kind.name,
            "message": _message(self._unattached),
            "fields": dict(self._unattached),
            "flattened_errors": self.flattened(),
        }


def _message(fields: Mapping[str, Any]) -> str:
    return f"declarative config is invalid: {lua.table(fields)}"


def shown(value: Any, longest: int = 60) -> str:
    """A value as JSON, on one line, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
