"""From an entity's declaration to its schema: what each field is in Kong's words, and one compiled function that validates a dictionary against all of it.

The schema of a class is compiled once per router flavour. Validation of a right entity costs a dictionary look-up and a
call a field; sentences are only made when something is wrong. Values come out as the model holds them: arrays and sets
as tuples, records as model instances, references as `Reference`.
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

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
)
from gateline.entities.errors import EXPECTED, MISSING_PRIMARY_KEY, REQUIRED, UNKNOWN
from gateline.entities.violations import Violations

DEFAULT_FLAVOR = "traditional_compatible"

Checker = Callable[[Any], Any]


class Refused(Exception):  # noqa: N818 - not an error of the program: the answer "no" of a checker
    """A checker's answer to a wrong value: a sentence, or a list or dictionary of them."""

    def __init__(self, error: Any) -> None:
        super().__init__(error)
        self.error = error


class Substituted(str):
    """A text that came out of a reference or a variable: fields of other types read it as what they need."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Stands where a reference or a variable could not be resolved; whatever the field, this is what is wrong."""

    message: str
    found: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the id of the entity that is pointed to."""

    id: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs in an entity when its variant field holds a certain value."""

    null: Mapping[str, str] = field(default_factory=dict)
    """Fields that must be null, each with the sentence that says so."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    never: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """A value that a field may not have, with the sentence."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field: everything that its declaration says."""

    name: str
    type: str
    """Kong's word: string, integer, number, boolean, array, set, map, record, foreign."""
    check: Checker
    required: bool
    default: Any
    has_default: bool
    constraints: tuple[Constraint, ...]
    unique: bool
    auto: bool
    default_for_null: bool
    description: str | None
    to: To | None = None
    elements: "FieldSchema | None" = None
    keys: "FieldSchema | None" = None
    record: "Schema | None" = None
    nested: type[BaseModel] | None = None


class Schema:
    """The schema of one entity or record in one router flavour."""

    def __init__(self, model: type[BaseModel], flavor: str) -> None:
        self.model = model
        self.flavor = flavor
        self.fields: dict[str, FieldSchema] = _fields_of(model, flavor)
        self.checks: tuple[Check, ...] = getattr(model, "checks", ())
        self.shorthands: Mapping[str, Callable[[Any], dict[str, Any]]] = getattr(model, "shorthands", {})
        self._variant: Callable[[Mapping[str, Any], str], Variant | None] | None = getattr(model, "variant", None)
        self._defaults = {
            name: info.default if name in self.fields else _plain_default(info)
            for name, info in model.model_fields.items()
        }
        for name, schema in self.fields.items():
            self._defaults[name] = schema.default
            if schema.type == "record" and schema.required and not schema.has_default and schema.record:
                self._defaults[name] = None
        self._needed = tuple(
            name for name, schema in self.fields.items() if schema.required and not (schema.has_default or schema.auto)
        )

    def validate(self, data: Mapping[str, Any], *, partial: bool = False) -> tuple[dict[str, Any], Violations]:
        """Check a dictionary; returns the values of every field and the violations (false when there are none).

        With `partial`, only the fields that are there are looked at (no defaults, no checks between fields).
        """
        violations = Violations()
        errors = violations.fields
        for shorthand in self.shorthands:
            if shorthand in data:
                data = self._expand(shorthand, data, errors)
        values = self._defaults.copy()
        variant = self._variant(data, self.flavor) if self._variant else None
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
                    values[name] = None
                elif not schema.default_for_null:
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
            if name not in data and name not in errors:
                self._fill(name, values, errors)
        for check in self.checks:
            check.run(values, violations)
        if variant:
            _run_variant(variant, values, violations)
        return values, violations

    def _expand(self, shorthand: str, data: Mapping[str, Any], errors: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in data.items() if name != shorthand}
        value = data[shorthand]
        if value is None:
            return rest
        try:
            rest.update(self.shorthands[shorthand](_TEXT(value)))
        except Refused as refused:
            errors[shorthand] = refused.error
        return rest

    def _fill(self, name: str, values: dict[str, Any], errors: dict[str, Any]) -> None:
        """A required record that is left out takes the defaults of its fields, where they all have one."""
        schema = self.fields[name]
        if schema.type != "record":
            errors[name] = REQUIRED
            return
        try:
            values[name] = schema.check({})
        except Refused as refused:
            errors[name] = refused.error


def _plain_default(info: FieldInfo) -> Any:
    return info.get_default(call_default_factory=False)


def _run_variant(variant: Variant, values: dict[str, Any], violations: Violations) -> None:
    errors = violations.fields
    for name, sentence in variant.null.items():
        if name not in errors and values[name] is not None:
            errors[name] = sentence
    for name, (forbidden, sentence) in variant.never.items():
        if name not in errors and values[name] == forbidden:
            errors[name] = sentence
    for check in variant.checks:
        check.run(values, violations)


@lru_cache(maxsize=None)
def schema_of(model: type[BaseModel], flavor: str = DEFAULT_FLAVOR) -> Schema:
    """The compiled schema of an entity or record class."""
    return Schema(model, flavor)


def _fields_of(model: type[BaseModel], flavor: str) -> dict[str, FieldSchema]:
    hints = get_type_hints(model, include_extras=True)
    fields: dict[str, FieldSchema] = {}
    for name, info in model.model_fields.items():
        annotation = hints[name]
        marks = _marks(annotation)
        if any(isinstance(mark, OnlyIn) and flavor not in mark.flavors for mark in marks):
            continue
        fields[name] = _field(name, annotation, flavor, info)
    return fields


def _marks(annotation: Any) -> list[Any]:
    """Every mark and constraint of a declaration, through Annotated and `| None`."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return _marks(inner) + marks
    if get_origin(annotation) in (Union, types.UnionType):
        return [mark for part in get_args(annotation) for mark in _marks(part)]
    return []


def _bare(annotation: Any) -> tuple[Any, bool]:
    """(the type itself, whether null is allowed)."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if len(parts) != 1:
            raise TypeError(f"a field has one type, not {annotation!r}")
        return _bare(parts[0])[0], len(parts) < len(get_args(annotation))
    return annotation, False


def _field(name: str, annotation: Any, flavor: str, info: FieldInfo | None = None) -> FieldSchema:
    bare, nullable = _bare(annotation)
    marks = [mark.chosen(flavor) if isinstance(mark, PerFlavor) else mark for mark in _marks(annotation)]
    constraints = sorted((mark for mark in marks if isinstance(mark, Constraint)), key=lambda mark: mark.rank)
    auto = any(isinstance(mark, Auto) for mark in marks)
    default_for_null = any(isinstance(mark, DefaultForNull) for mark in marks)
    word, check, parts = _TYPES[_family(bare)](bare, marks, flavor)
    if word == "string" and not any(isinstance(mark, (MinLength, OneOf)) for mark in constraints):
        constraints = sorted([MinLength(1), *constraints], key=lambda mark: mark.rank)
    has_default = info is not None and not info.is_required() and not auto
    default = info.get_default(call_default_factory=True) if info is not None and has_default else None
    return FieldSchema(
        name=name,
        type=word,
        check=_constrained(check, tuple(mark.refuse for mark in constraints)),
        required=not nullable and not default_for_null,
        default=default,
        has_default=has_default,
        constraints=tuple(constraints),
        unique=any(isinstance(mark, Unique) for mark in marks),
        auto=auto,
        default_for_null=default_for_null,
        description=info.description if info else None,
        to=next((mark for mark in marks if isinstance(mark, To)), None),
        **parts,
    )


def _constrained(check: Checker, refusals: tuple[Callable[[Any], str | None], ...]) -> Checker:
    if not refusals:
        return check
    if len(refusals) == 1:
        refuse = refusals[0]

        def one(value: Any) -> Any:
            value = check(value)
            if error := refuse(value):
                raise Refused(error)
            return value

        return one

    def several(value: Any) -> Any:
        value = check(value)
        for refuse in refusals:
            if error := refuse(value):
                raise Refused(error)
        return value

    return several


def _wrong(value: Any, expected: str) -> Refused:
    return Refused(value.message if isinstance(value, Unresolved) else expected)


def _string_checker(_: Any, __: list[Any], ___: str) -> tuple[str, Checker, dict[str, Any]]:
    expected = EXPECTED["string"]

    def check(value: Any) -> str:
        if value.__class__ is str:
            if value.isascii():
                return value  # type: ignore[no-any-return]
        elif not isinstance(value, str):
            raise _wrong(value, expected)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Refused(f"invalid utf-8 character sequence detected at position {error.start + 1}") from None
        return str(value)

    return "string", check, {}


def _integer_checker(_: Any, __: list[Any], ___: str) -> tuple[str, Checker, dict[str, Any]]:
    expected = EXPECTED["integer"]

    def check(value: Any) -> int:
        if value.__class__ is int:
            return value  # type: ignore[no-any-return]
        if value.__class__ is float and value.is_integer():
            return int(value)
        if isinstance(value, Substituted) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
            return int(value)
        raise _wrong(value, expected)

    return "integer", check, {}


def _number_checker(_: Any, __: list[Any], ___: str) -> tuple[str, Checker, dict[str, Any]]:
    expected = EXPECTED["number"]

    def check(value: Any) -> float:
        if value.__class__ is int or (value.__class__ is float and math.isfinite(value)):
            return value  # type: ignore[no-any-return]
        if isinstance(value, Substituted):
            try:
                number = float(value)
            except ValueError:
                raise Refused(expected) from None
            if math.isfinite(number):
                return number
        raise _wrong(value, expected)

    return "number", check, {}


def _boolean_checker(_: Any, __: list[Any], ___: str) -> tuple[str, Checker, dict[str, Any]]:
    expected = EXPECTED["boolean"]

    def check(value: Any) -> bool:
        if value is True or value is False:
            return value
        if isinstance(value, Substituted) and value in ("true", "false"):
            return value == "true"
        raise _wrong(value, expected)

    return "boolean", check, {}


def _sequence_checker(bare: Any, marks: list[Any], flavor: str) -> tuple[str, Checker, dict[str, Any]]:
    word = "set" if any(isinstance(mark, AsSet) for mark in marks) else "array"
    elements = _field("", get_args(bare)[0], flavor)
    check_element = elements.check
    expected = EXPECTED[word]
    distinct = word == "set"

    def check(value: Any) -> tuple[Any, ...]:
        if value.__class__ is not list and value.__class__ is not tuple:
            raise _wrong(value, expected)
        try:
            checked = [check_element(element) for element in value]
        except Refused:
            raise Refused(_errors_by_position(check_element, value)) from None
        if distinct and len(checked) > 1:
            return tuple(dict.fromkeys(checked))
        return tuple(checked)

    return word, check, {"elements": elements}


def _errors_by_position(check_element: Checker, value: list[Any]) -> list[Any]:
    errors: list[Any] = []
    for position, element in enumerate(value):
        try:
            check_element(element)
        except Refused as refused:
            errors.extend([None] * (position - len(errors)))
            errors.append(REQUIRED if element is None else refused.error)
    return errors


def _map_checker(bare: Any, _: list[Any], flavor: str) -> tuple[str, Checker, dict[str, Any]]:
    key_type, value_type = get_args(bare)
    keys, elements = _field("", key_type, flavor), _field("", value_type, flavor)
    check_key, check_value = keys.check, elements.check
    expected = EXPECTED["map"]

    def check(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise _wrong(value, expected)
        return {check_key(name): check_value(element) for name, element in value.items()}

    return "map", check, {"keys": keys, "elements": elements}


def _record_checker(bare: Any, _: list[Any], flavor: str) -> tuple[str, Checker, dict[str, Any]]:
    schema = schema_of(bare, flavor)
    expected = EXPECTED["record"]

    def check(value: Any) -> Any:
        if value.__class__ is not dict:
            if isinstance(value, bare):
                return value
            raise _wrong(value, expected)
        values, violations = schema.validate(value)
        if violations:
            raise Refused(violations.fields)
        return bare.built(values)

    return "record", check, {"record": schema, "nested": bare}


def _foreign_checker(_: Any, marks: list[Any], __: str) -> tuple[str, Checker, dict[str, Any]]:
    to = next(mark for mark in marks if isinstance(mark, To))

    def check(value: Any) -> Reference:
        if isinstance(value, Reference):
            return value
        if not isinstance(value, dict):
            if isinstance(value, str) and not isinstance(value, Unresolved):
                raise Refused({"id": MISSING_PRIMARY_KEY})
            raise _wrong(value, EXPECTED["record"])
        problem = _primary_key_problem(value)
        if problem is None:
            return Reference(value["id"].lower())
        target = FOREIGN_MODELS.get(to.kind)
        if target is not None:
            others = schema_of(target).validate(value, partial=True)[1]
            if others:
                raise Refused(others.fields)
        raise Refused({"id": problem})

    return "foreign", check, {}


FOREIGN_MODELS: dict[str, type[BaseModel]] = {}
"""Kind → entity class, filled as entities are declared."""


def _primary_key_problem(value: Mapping[str, Any]) -> str | None:
    key = value.get("id", UNKNOWN)
    if key is UNKNOWN:
        return MISSING_PRIMARY_KEY
    if key is None:
        return REQUIRED
    try:
        _UUID_TEXT(key)
    except Refused as refused:
        return str(refused.error)
    return None


def _family(bare: Any) -> Any:
    origin = get_origin(bare)
    if origin in (tuple, dict):
        return origin
    if isinstance(bare, type):
        for family in (bool, int, float, str, Reference, BaseModel):
            if issubclass(bare, family):
                return family
    raise TypeError(f"no field can be declared as {bare!r}")


_TYPES: dict[Any, Callable[[Any, list[Any], str], tuple[str, Checker, dict[str, Any]]]] = {
    str: _string_checker,
    int: _integer_checker,
    float: _number_checker,
    bool: _boolean_checker,
    tuple: _sequence_checker,
    dict: _map_checker,
    BaseModel: _record_checker,
    Reference: _foreign_checker,
}
