"""From an entity's declaration to its schema: what each field is in Kong's words, and a validator compiled from it.

The schema of a class is compiled once per router flavour. Validating a right entity costs a dictionary look-up and a
call a field; sentences are only made when something is wrong. Values come out as the model holds them: arrays and sets
as tuples, records as model instances, references as `Reference`.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateline.entities import checkers
from gateline.entities.checkers import Checker, Refused, wrong_type
from gateline.entities.checks import Check
from gateline.entities.constraints import (
    AsSet,
    Auto,
    Constraint,
    DefaultForNull,
    MinLength,
    OneOf,
    OnlyIn,
    PerFlavor,
    To,
    Unique,
    Uuid,
)
from gateline.entities.errors import MISSING_PRIMARY_KEY, REQUIRED, UNKNOWN
from gateline.entities.violations import Violations

DEFAULT_FLAVOR = "traditional_compatible"

FOREIGN_MODELS: dict[str, type[BaseModel]] = {}
"""Kind → entity class, filled as entities are declared."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the id of the entity that is pointed to."""

    id: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs in an entity when one of its fields holds a certain value."""

    null: Mapping[str, str] = field(default_factory=dict)
    """Fields that must be null, each with the sentence that says so."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    never: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """A value that a field may not have, with the sentence."""
    checks: tuple[Check, ...] = ()

    def run(self, values: dict[str, Any], violations: Violations) -> None:
        """Add what is wrong to the violations."""
        errors = violations.fields
        for name, sentence in self.null.items():
            if name not in errors and values[name] is not None:
                errors[name] = sentence
        for name, (forbidden, sentence) in self.never.items():
            if name not in errors and values[name] == forbidden:
                errors[name] = sentence
        for check in self.checks:
            check.run(values, violations)


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field: everything that its declaration says."""

    name: str
    type: str
    """Kong's word: string, integer, number, boolean, array, set, map, record, foreign."""
    check: Checker
    required: bool
    """Whether null is refused."""
    has_default: bool
    default: Any
    auto: bool
    unique: bool
    default_for_null: bool
    constraints: tuple[Constraint, ...]
    description: str | None
    to: To | None = None
    elements: "FieldSchema | None" = None
    keys: "FieldSchema | None" = None
    record: "Schema | None" = None


class Schema:
    """The schema of one entity or record in one router flavour."""

    def __init__(self, model: type[BaseModel], flavor: str) -> None:
        self.model = model
        self.flavor = flavor
        self.fields: dict[str, FieldSchema] = _fields_of(model, flavor)
        self.checks: tuple[Check, ...] = getattr(model, "checks", ())
        self.shorthands: Mapping[str, Callable[[str], dict[str, Any]]] = getattr(model, "shorthands", {})
        self._variant: Callable[[Mapping[str, Any]], Variant | None] | None = getattr(model, "variant", None)
        self._defaults: dict[str, Any] = {
            name: self.fields[name].default if name in self.fields else info.get_default(call_default_factory=False)
            for name, info in model.model_fields.items()
        }
        self._needed = tuple(
            name for name, schema in self.fields.items() if schema.required and not (schema.has_default or schema.auto)
        )

    def validate(self, data: Mapping[str, Any], *, partial: bool = False) -> tuple[dict[str, Any], Violations]:
        """Check a dictionary; returns the value of every field, and the violations (false when there are none).

        With `partial`, only the fields that are there are looked at: nothing is required, nothing is compared.
        """
        violations = Violations()
        errors = violations.fields
        for shorthand in self.shorthands:
            if shorthand in data:
                data = self._expanded(shorthand, data, errors)
        values = self._defaults.copy()
        variant = self._variant(data) if self._variant else None
        if variant:
            values.update(variant.defaults)
        fields = self.fields
        for name, value in data.items():
            schema = fields.get(name)
            if schema is None:
                errors[name] = UNKNOWN
            elif value is None:
                if schema.required:
                    errors[name] = REQUIRED
                if not schema.default_for_null:
                    values[name] = None
            else:
                try:
                    values[name] = schema.check(value)
                except Refused as refused:
                    errors[name] = refused.error
                    values[name] = value
        if partial:
            return values, violations
        for name in self._needed:
            if name not in data:
                self._fill(name, values, errors)
        for check in self.checks:
            check.run(values, violations)
        if variant:
            variant.run(values, violations)
        return values, violations

    def _expanded(self, shorthand: str, data: Mapping[str, Any], errors: dict[str, Any]) -> dict[str, Any]:
        value = data[shorthand]
        expanded = {name: value for name, value in data.items() if name != shorthand}
        if value is not None:
            try:
                expanded.update(self.shorthands[shorthand](_non_empty(value)))
            except Refused as refused:
                errors[shorthand] = refused.error
        return expanded

    def _fill(self, name: str, values: dict[str, Any], errors: dict[str, Any]) -> None:
        schema = self.fields[name]
        if schema.type != "record":
            errors[name] = REQUIRED
            return
        try:  # a record that is left out is one in which every field has its default
            values[name] = schema.check({})
        except Refused as refused:
            errors[name] = refused.error


@cache
def schema_of(model: type[BaseModel], flavor: str = DEFAULT_FLAVOR) -> Schema:
    """The compiled schema of an entity or record class."""
    return Schema(model, flavor)


def _fields_of(model: type[BaseModel], flavor: str) -> dict[str, FieldSchema]:
    hints = get_type_hints(model, include_extras=True)
    return {
        name: _field(name, hints[name], flavor, info)
        for name, info in model.model_fields.items()
        if not any(isinstance(mark, OnlyIn) and flavor not in mark.flavors for mark in marks_of(hints[name]))
    }


def _field(name: str, annotation: Any, flavor: str, info: FieldInfo | None = None) -> FieldSchema:
    bare, nullable = bare_type(annotation)
    marks = [mark.chosen(flavor) if isinstance(mark, PerFlavor) else mark for mark in marks_of(annotation)]
    constraints = [mark for mark in marks if isinstance(mark, Constraint)]
    word, check, parts = _typed(bare, marks, flavor)
    if word == "string" and not any(isinstance(mark, (MinLength, OneOf)) for mark in constraints):
        constraints.append(MinLength(1))
    constraints.sort(key=lambda constraint: constraint.rank)
    auto = any(isinstance(mark, Auto) for mark in marks)
    default_for_null = any(isinstance(mark, DefaultForNull) for mark in marks)
    has_default = info is not None and not info.is_required() and not auto
    return FieldSchema(
        name=name,
        type=word,
        check=checkers.constrained(check, tuple(constraint.refuse for constraint in constraints)),
        required=not nullable and not default_for_null,
        has_default=has_default,
        default=info.get_default(call_default_factory=False) if info and has_default else None,
        auto=auto,
        unique=any(isinstance(mark, Unique) for mark in marks),
        default_for_null=default_for_null,
        constraints=tuple(constraints),
        description=info.description if info else None,
        to=next((mark for mark in marks if isinstance(mark, To)), None),
        **parts,
    )


def marks_of(annotation: Any) -> list[Any]:
    """Every constraint and mark of a declaration, through `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return marks_of(inner) + marks
    if get_origin(annotation) in (Union, types.UnionType):
        return [mark for part in get_args(annotation) for mark in marks_of(part)]
    return []


def bare_type(annotation: Any) -> tuple[Any, bool]:
    """(the type itself, whether null is allowed)."""
    if get_origin(annotation) is Annotated:
        return bare_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if len(parts) != 1:
            raise TypeError(f"a field has one type, not {annotation!r}")
        return bare_type(parts[0])[0], len(parts) < len(get_args(annotation))
    return annotation, False


_PLAIN: dict[type, tuple[str, Checker]] = {
    bool: ("boolean", checkers.boolean),
    int: ("integer", checkers.integer),
    float: ("number", checkers.number),
    str: ("string", checkers.string),
}


def _typed(bare: Any, marks: list[Any], flavor: str) -> tuple[str, Checker, dict[str, Any]]:
    """(type word, checker, what else the field's schema holds)."""
    if bare in _PLAIN:
        return *_PLAIN[bare], {}
    if get_origin(bare) is tuple:
        word = "set" if any(isinstance(mark, AsSet) for mark in marks) else "array"
        elements = _field("", get_args(bare)[0], flavor)
        return word, checkers.sequence(elements.check, word), {"elements": elements}
    if get_origin(bare) is dict:
        keys, elements = (_field("", part, flavor) for part in get_args(bare))
        return "map", checkers.mapping(keys.check, elements.check), {"keys": keys, "elements": elements}
    if bare is Reference:
        return "foreign", _foreign(next(mark for mark in marks if isinstance(mark, To))), {}
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        schema = schema_of(bare, flavor)
        return "record", _record(schema), {"record": schema}
    raise TypeError(f"no field can be declared as {bare!r}")


def _record(schema: Schema) -> Checker:
    model: Any = schema.model

    def check(value: Any) -> Any:
        if value.__class__ is not dict:
            if isinstance(value, model):
                return value
            raise wrong_type(value, "record")
        values, violations = schema.validate(value)
        if violations:
            raise Refused(violations.fields)
        return model.built(values)

    return check


def _foreign(to: To) -> Checker:
    def check(value: Any) -> Reference:
        if value.__class__ is not dict:
            if isinstance(value, Reference):
                return value
            if isinstance(value, str):
                raise Refused({"id": MISSING_PRIMARY_KEY})
            raise wrong_type(value, "record")
        try:
            return Reference(primary_key(value))
        except Refused:
            model = FOREIGN_MODELS.get(to.kind)
            others = schema_of(model).validate(value, partial=True)[1] if model else None
            if others:
                raise Refused(others.fields) from None
            raise

    return check


def primary_key(value: Mapping[str, Any]) -> str:
    """The id in `{"id": ...}`; refuses what has none or a wrong one."""
    if "id" not in value:
        raise Refused({"id": MISSING_PRIMARY_KEY})
    try:
        return str(_uuid(value["id"])).lower()
    except Refused as refused:
        raise Refused({"id": refused.error}) from None


_non_empty = checkers.constrained(checkers.string, (MinLength(1).refuse,))
_uuid = checkers.constrained(checkers.string, (Uuid().refuse,))
