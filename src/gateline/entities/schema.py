"""From an entity's declaration to its schema: what each field is in Kong's words, and a validator compiled from it.

The schema of a class is compiled once per router flavour. Validating a right entity costs a dictionary look-up and a
call a field; sentences are only made when something is wrong. Values come out as the model holds them: arrays and sets
as tuples, records as model instances, references as `Reference`.
"""

import types
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateline.entities import checkers
from gateline.entities.checkers import Checker, Refused, wrong_type
from gateline.entities.checks import Check
from gateline.entities.constraints import Constraint, MinLength, OneOf, Uuid
from gateline.entities.errors import MISSING_PRIMARY_KEY, REQUIRED, UNKNOWN
from gateline.entities.field_schema import FieldSchema, Reference, Variant
from gateline.entities.marks import Abstract, AsSet, Auto, DefaultForNull, OnlyIn, PerFlavor, Ref, Secret, To, Unique
from gateline.entities.shorthand import Shorthand, merge
from gateline.entities.violations import Violations

__all__ = ["DEFAULT_FLAVOR", "FOREIGN_MODELS", "FieldSchema", "Reference", "Schema", "Variant", "field_of", "schema_of"]

DEFAULT_FLAVOR = "traditional_compatible"

FOREIGN_MODELS: dict[str, type[BaseModel]] = {}
"""Kind → entity class, filled as entities are declared."""

Derive = Callable[[dict[str, Any], Collection[str]], None]


class Schema:
    """The schema of one entity or record in one router flavour."""

    def __init__(self, model: type[BaseModel], flavor: str) -> None:
        self.model = model
        self.flavor = flavor
        self.fields: dict[str, FieldSchema] = _fields_of(model, flavor)
        self.checks: tuple[Check, ...] = getattr(model, "checks", ())
        self.hints: tuple[Check, ...] = getattr(model, "hints", ())
        self.shorthands: Mapping[str, Shorthand] = getattr(model, "shorthands", {})
        self._variant: Callable[[Mapping[str, Any]], Variant | None] | None = _own(model, "variant")
        self._derive: Derive | None = _own(model, "derive")
        self.derive_linked: Derive | None = _own(model, "derive_linked")
        """What is left to do once references are resolved."""
        self.refers = any(field.refers for field in self.fields.values())
        """Whether some field takes a reference to a secret."""
        self.defaults: dict[str, Any] = {
            name: self.fields[name].default if name in self.fields else info.get_default(call_default_factory=False)
            for name, info in model.model_fields.items()
        }
        """The value of every field that is left out; of a record, in which all have theirs."""
        self.needed: tuple[str, ...] = tuple(
            name
            for name, schema in self.fields.items()
            if schema.required and not (schema.has_default or schema.auto) and not self._implied(schema)
        )
        """Fields that cannot be left out."""

    def _implied(self, schema: FieldSchema) -> bool:
        """Whether a record may be left out, for it is then one in which every field has its default."""
        if schema.type != "record" or schema.abstract:
            return False
        try:
            self.defaults[schema.name] = schema.check({})
        except Refused:
            return False
        return True

    def variant(self, data: Mapping[str, Any]) -> Variant | None:
        """What is special about an entity with this data."""
        return self._variant(data) if self._variant else None

    def field(self, name: str, data: Mapping[str, Any]) -> FieldSchema | None:
        """The schema of a field in an entity with this data."""
        variant = self.variant(data)
        return (variant.fields.get(name) if variant else None) or self.fields.get(name)

    def told(self, name: str, data: Mapping[str, Any]) -> FieldSchema | None:
        """The schema of a field, under its own name or under one that is shown beside it."""
        shorthand = self.shorthands.get(name)
        found = self.field(name, data)
        if found is None and shorthand and shorthand.shows:
            first, *rest = shorthand.shows.split(".")
            found = self.field(first, data)
            for part in rest:
                found = found.record.fields.get(part) if found and found.record else None
        return found

    def validate(
        self,
        data: Mapping[str, Any],
        *,
        partial: bool = False,
        given: Collection[str] | None = None,
        linked: bool = True,
    ) -> tuple[dict[str, Any], Violations]:
        """Check a dictionary; returns the value of every field, and the violations (false when there are none).

        With `partial`, only the fields that are there are looked at: nothing is required, nothing is compared.
        `given` are the fields that were written now, all unless said otherwise; the others come from what is stored.
        Without `linked`, references are still to be resolved, and `derive_linked` to be called then.
        """
        violations = Violations()
        errors = violations.fields
        if self.shorthands:
            data = self.expanded(data, errors)
        values = self.defaults.copy()
        variant = self._variant(data) if self._variant else None
        own: Mapping[str, FieldSchema] = {}
        if variant:
            values.update(variant.defaults)
            own = variant.fields
        fields = self.fields
        for name, value in data.items():
            schema = (own.get(name) if own else None) or fields.get(name)
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
                    values[name] = value if refused.filled is None else refused.filled
        if partial:
            return values, violations
        for name in self.needed:
            if name not in data:
                _fill(own.get(name) or fields[name], values, errors)
        for check in self.checks:
            check.run(values, violations)
        if variant:
            variant.run(values, violations)
        if self._derive and not errors:
            self._derive(values, data if given is None else given)
        if self.derive_linked and linked and not errors:
            self.derive_linked(values, data if given is None else given)
        return values, violations

    def expanded(self, data: Mapping[str, Any], errors: dict[str, Any]) -> Mapping[str, Any]:
        """The data with shorthands written out; what is wrong with one goes into `errors`."""
        for name, shorthand in self.shorthands.items():
            value = data.get(name)
            if value is None and (name in self.fields or name not in data):
                continue
            data = {given: value for given, value in data.items() if given != name}
            if value is not None:
                try:
                    merge(data, shorthand.expand(_SHORT[shorthand.reads](value)))
                except Refused as refused:
                    errors[name] = refused.error
        return data


def _own(model: type[BaseModel], method: str) -> Any:
    """A method that the class or a parent defines for itself, None when it is the one that does nothing."""
    found = getattr(model, method, None)
    return None if found is None or found.__func__.__module__ == "gateline.entities.model" else found


def _fill(schema: FieldSchema, values: dict[str, Any], errors: dict[str, Any]) -> None:
    name = schema.name
    if schema.type != "record":
        errors[name] = REQUIRED
        return
    try:
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
        name: field_of(name, hints[name], flavor, info)
        for name, info in model.model_fields.items()
        if not any(isinstance(mark, OnlyIn) and flavor not in mark.flavors for mark in marks_of(hints[name]))
    }


def field_of(name: str, annotation: Any, flavor: str = DEFAULT_FLAVOR, info: FieldInfo | None = None) -> FieldSchema:
    """The schema of a field from its declared type."""
    bare, nullable = bare_type(annotation)
    marks = [mark.chosen(flavor) if isinstance(mark, PerFlavor) else mark for mark in marks_of(annotation)]
    present = {type(mark) for mark in marks}
    constraints = [mark for mark in marks if isinstance(mark, Constraint)]
    word, check, parts = _typed(bare, marks, flavor)
    if word == "string" and not present & {MinLength, OneOf}:
        constraints.append(MinLength(1))
    constraints.sort(key=lambda constraint: constraint.rank)
    check = checkers.constrained(check, tuple(constraint.refuse for constraint in constraints))
    has_default = info is not None and not info.is_required() and Auto not in present
    return FieldSchema(
        name=name,
        type=word,
        check=checkers.or_reference(check) if Ref in present else check,
        required=not nullable and DefaultForNull not in present,
        has_default=has_default,
        default=info.get_default(call_default_factory=False) if info and has_default else None,
        auto=Auto in present,
        unique=Unique in present,
        default_for_null=DefaultForNull in present,
        referenceable=Ref in present,
        refers=Ref in present or any(part.refers for part in parts.values()),
        secret=Secret in present,
        constraints=tuple(constraints),
        description=_description(marks, info),
        abstract=Abstract in present,
        to=next((mark for mark in marks if isinstance(mark, To)), None),
        **parts,
    )


def _description(marks: list[Any], info: FieldInfo | None) -> str | None:
    """The field's own description, or that of the type that several fields share."""
    if info and info.description:
        return info.description
    return next((mark.description for mark in marks if isinstance(mark, FieldInfo) and mark.description), None)


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
        elements = field_of("", get_args(bare)[0], flavor)
        return word, checkers.sequence(elements.check, word), {"elements": elements}
    if get_origin(bare) is dict:
        keys, elements = (field_of("", part, flavor) for part in get_args(bare))
        return "map", checkers.mapping(keys.check, elements.check), {"keys": keys, "elements": elements}
    if bare is Reference:
        return "foreign", _foreign(next(mark for mark in marks if isinstance(mark, To))), {}
    if any(isinstance(mark, Abstract) for mark in marks):
        return "record", _any_record(bare), {}
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
            raise Refused(violations.fields, values)
        return model.built(values)

    return check


def _any_record(model: Any) -> Checker:
    """Whatever is in it: nothing says what may be."""

    def check(value: Any) -> Any:
        if value.__class__ is dict or isinstance(value, model):
            return value
        raise wrong_type(value, "record")

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


_SHORT: Mapping[type, Checker] = {
    **{bare: check for bare, (_, check) in _PLAIN.items()},
    str: checkers.constrained(checkers.string, (MinLength(1).refuse,)),
}
"""How the value of a shorthand is read."""


def primary_key(value: Mapping[str, Any]) -> str:
    """The id in `{"id": ...}`; refuses what has none or a wrong one."""
    if "id" not in value:
        raise Refused({"id": MISSING_PRIMARY_KEY})
    try:
        return str(_uuid(value["id"])).lower()
    except Refused as refused:
        raise Refused({"id": refused.error}) from None


_uuid = checkers.constrained(checkers.string, (Uuid().refuse,))
