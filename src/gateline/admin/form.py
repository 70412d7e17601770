"""Forms: from flat arguments (`config.minute=5`, `paths[]=/a`, `paths[1]=/a`, `headers.x-a=1`) to the data that a JSON
body would have held. Values are texts; what they mean says the schema of the entity: numbers, booleans, a list of one,
and an empty text is null.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from gateline.admin.errors import ApiError, refusal
from gateline.entities import FieldSchema, Schema, schema_of
from gateline.entities.registry import entity_class

DEEPEST = 32
"""Most levels of a name."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,9}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")

Flat = Mapping[str, Any]
"""Arguments by name: a text, or a list of them where one is repeated."""


def decode(arguments: Flat, schema: Schema) -> dict[str, Any]:
    """The data of a form for an entity. Raises ApiError when names contradict each other."""
    root = _Branch()
    for name, value in arguments.items():
        root.put(_tokens(name), value, name)
    data = root.data()
    return {name: _inferred(value, schema.field(name, data)) for name, value in data.items()}


_APPENDED = ""


def _tokens(name: str) -> list[str]:
    """The parts of a name: `a.b[1][]` is `a`, `b`, `1` and an empty one, which appends."""
    if name.startswith(".") or name.endswith(".") or ".." in name:
        return [name]
    tokens: list[str] = []
    for part in name.split("."):
        head, bracket, rest = part.partition("[")
        brackets = _BRACKETS.findall(bracket + rest)
        if not head or "".join(f"[{inside}]" for inside in brackets) != bracket + rest:
            tokens.append(part)
        else:
            tokens += [head, *brackets]
    if len(tokens) > DEEPEST:
        raise refusal(400, "Cannot parse form body")
    return tokens


class _Branch:
    """What is below a part of a name: named parts, or elements of a list."""

    __slots__ = ("below", "values")

    def __init__(self) -> None:
        self.below: dict[str, _Branch] = {}
        self.values: list[Any] = []

    def put(self, tokens: list[str], value: Any, name: str) -> None:
        """Put a value below."""
        branch = self
        for token in tokens:
            if branch.values and token != _APPENDED:
                raise _contradiction(name)
            branch = branch.below.setdefault(token, _Branch())
        if any(token != _APPENDED for token in branch.below):
            raise _contradiction(name)
        branch.values += value if isinstance(value, list) else [value]

    def data(self) -> dict[str, Any]:
        """What is below by name."""
        return {name: branch.value() for name, branch in self.below.items()}

    def value(self) -> Any:
        """A value, a list or a dictionary."""
        if not self.below:
            return self.values[0] if len(self.values) == 1 else self.values
        if all(token == _APPENDED or _INDEX.fullmatch(token) for token in self.below):
            return self._elements()
        return self.data()

    def _elements(self) -> list[Any]:
        numbered = sorted((int(token), branch) for token, branch in self.below.items() if token != _APPENDED)
        elements = [branch.value() for _, branch in numbered]
        appended = self.below.get(_APPENDED)
        if appended is not None:
            value = appended.value()
            elements += value if isinstance(value, list) else [value]
        return [*self.values, *elements]


def _contradiction(name: str) -> ApiError:
    return refusal(400, f"Cannot parse form body: '{name}' contradicts another argument")


def _inferred(value: Any, field: FieldSchema | None) -> Any:
    """What a value means in a field."""
    if field is None:
        return value
    if value == "":
        return None
    match field.type:
        case "integer" | "number":
            return _number(value)
        case "boolean":
            return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        case "array" | "set":
            elements = value if isinstance(value, list) else [value]
            return [_inferred(element, field.elements) for element in elements]
        case "map" if isinstance(value, dict):
            return {name: _inferred(element, field.elements) for name, element in value.items()}
        case "record" if isinstance(value, dict) and field.record:
            record = field.record
            return {name: _inferred(part, record.field(name, value)) for name, part in value.items()}
        case "foreign" if isinstance(value, dict) and field.to:
            model = entity_class(field.to.kind)
            fields = schema_of(model).fields if model else {}
            return {name: _inferred(part, fields.get(name)) for name, part in value.items()}
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if _INTEGER.fullmatch(value):
        return int(value)
    if _NUMBER.fullmatch(value):
        number = float(value)
        return number if math.isfinite(number) else value
    return value
