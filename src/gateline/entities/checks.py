"""Conditions between the fields of one entity, as data, with the violations in Kong's words.

A check gets the values (defaults filled in, null as None) and the violations found so far, and adds to them. Field
names may be dotted (`config.second`) to reach into records.
"""
# ruff: noqa: D102 - what the methods do is said once, at Check

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateline.entities.constraints import Constraint
from gateline.entities.errors import MUST_BE_NULL, REQUIRED, quoted
from gateline.entities.violations import Violations

Values = Mapping[str, Any]


class Check:
    """One condition between fields."""

    def run(self, values: Values, violations: Violations) -> None:
        """Add what is wrong to the violations."""
        raise NotImplementedError

    def kong(self) -> dict[str, Any] | None:
        """The check as an element of `entity_checks` in Kong's schema layout, None when it has no form there."""
        return None

    def json_schema(self) -> dict[str, Any] | None:
        """The check for a whole entity as JSON schema says it, None when it cannot."""
        return None


def value_of(values: Any, name: str) -> Any:
    """The value of a possibly dotted field, None when something on the way is null."""
    if values.__class__ is dict and name in values:
        return values[name]
    for part in name.split("."):
        if values is None:
            return None
        values = values.get(part) if isinstance(values, Mapping) else getattr(values, part, None)
    return values


def is_empty(value: Any) -> bool:
    """Whether a value is null, an empty text or an empty collection."""
    return value is None or (isinstance(value, (str, Collection)) and not value)


def _filled(values: Values, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not is_empty(value_of(values, name))]


def _any_filled(values: Values, names: tuple[str, ...]) -> bool:
    return any(not is_empty(value_of(values, name)) for name in names)


def _present(name: str) -> dict[str, Any]:
    """JSON schema: the field is there and not null."""
    first, _, rest = name.partition(".")
    return {"required": [first], "properties": {first: _present(rest) if rest else {"not": {"type": "null"}}}}


@dataclass(frozen=True, slots=True)
class AtLeastOneOf(Check):
    """One or more of the fields must be there."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if not _any_filled(values, self.names):
            violations.add_entity(f"at least one of these fields must be non-empty: {quoted(self.names)}")

    def kong(self) -> dict[str, Any]:
        return {"at_least_one_of": list(self.names)}

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [_present(name) for name in self.names]}


@dataclass(frozen=True, slots=True)
class ExactlyOneOf(Check):
    """One of the fields must be there, and only one."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if len(_filled(values, self.names)) != 1:
            violations.add_entity(f"exactly one of these fields must be non-empty: {quoted(self.names)}")

    def kong(self) -> dict[str, Any]:
        return {"only_one_of": list(self.names)}

    def json_schema(self) -> dict[str, Any]:
        return {"oneOf": [_present(name) for name in self.names]}


@dataclass(frozen=True, slots=True)
class AtMostOneOf(Check):
    """Not more than one of the fields may be there."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if len(_filled(values, self.names)) > 1:
            violations.add_entity(f"only one or none of these fields must be set: {quoted(self.names)}")

    def kong(self) -> dict[str, Any]:
        return {"mutually_exclusive": list(self.names)}


@dataclass(frozen=True, slots=True)
class AllOrNoneOf(Check):
    """The fields go together."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if 0 < len(_filled(values, self.names)) < len(self.names):
            violations.add_entity(f"all or none of these fields must be set: {quoted(self.names)}")

    def kong(self) -> dict[str, Any]:
        return {"mutually_required": list(self.names)}


@dataclass(frozen=True, slots=True)
class Distinct(Check):
    """The fields that are there have different values."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        found = [value_of(values, name) for name in _filled(values, self.names)]
        if any(value in found[:position] for position, value in enumerate(found)):
            violations.add_entity(f"values of these fields must be distinct: {quoted(self.names)}")

    def kong(self) -> dict[str, Any]:
        return {"distinct": list(self.names)}


@dataclass(frozen=True, slots=True)
class ExclusiveSets(Check):
    """Fields of the one group and fields of the other may not both be there."""

    one: tuple[str, ...]
    other: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        one, other = _filled(values, self.one), _filled(values, self.other)
        if one and other:
            violations.add_entity(
                f"these sets are mutually exclusive: ({quoted(tuple(one))}), ({quoted(tuple(other))})"
            )

    def kong(self) -> dict[str, Any]:
        return {"mutually_exclusive_sets": {"set1": list(self.one), "set2": list(self.other)}}


@dataclass(frozen=True, slots=True)
class Null(Constraint):
    """No value."""

    def refuse(self, value: Any) -> str | None:
        return None if value is None else MUST_BE_NULL

    def kong(self) -> dict[str, Any]:
        return {"eq": None}

    def json_schema(self) -> dict[str, Any]:
        return {"type": "null"}


@dataclass(frozen=True, slots=True)
class Empty(Constraint):
    """No value, or a collection with nothing in it."""

    def refuse(self, value: Any) -> str | None:
        return None if is_empty(value) else "length must be 0"

    def kong(self) -> dict[str, Any]:
        return {"len_eq": 0}


@dataclass(frozen=True, slots=True)
class There(Constraint):
    """Any value but null."""

    def refuse(self, value: Any) -> str | None:
        return REQUIRED if value is None else None

    def kong(self) -> dict[str, Any]:
        return {"required": True}

    def json_schema(self) -> dict[str, Any]:
        return {"not": {"type": "null"}}


@dataclass(frozen=True, slots=True)
class Conditional(Check):
    """When a field fulfils a condition, another must fulfil one.

    The condition is not asked when its field has a violation of its own.
    """

    field: str
    when: Constraint
    then: str
    must: Constraint
    sentence: str | None = None

    def run(self, values: Values, violations: Violations) -> None:
        if violations.has(self.field) or self.when.refuse(value_of(values, self.field)):
            return
        if refusal := self.must.refuse(value_of(values, self.then)):
            violations.add(self.then, refusal)
            violations.add_entity(self.sentence or f"failed conditional validation given value of field '{self.field}'")

    def kong(self) -> dict[str, Any]:
        condition = {
            "if_field": self.field,
            "if_match": self.when.kong(),
            "then_field": self.then,
            "then_match": self.must.kong(),
        }
        if self.sentence:
            condition["then_err"] = self.sentence
        return {"conditional": condition}


@dataclass(frozen=True, slots=True)
class OneOfWhen(Check):
    """When a field's value fulfils a condition, one or more of some fields must be there.

    `cases` are tried in turn; the first whose condition holds decides. `{}` in its sentence stands for the field names.
    """

    field: str
    cases: tuple[tuple[Constraint, tuple[str, ...], str], ...]

    def run(self, values: Values, violations: Violations) -> None:
        if violations.has(self.field):
            return
        given = value_of(values, self.field)
        for condition, names, sentence in self.cases:
            if condition.refuse(given) is None:
                if not _any_filled(values, names):
                    violations.add_entity(sentence.replace("{}", quoted(names)))
                return


@dataclass(frozen=True, slots=True)
class Custom(Check):
    """A condition that only the entity knows; not asked while one of `names` has a violation of its own.

    `refuse` returns a sentence about the entity, a dictionary of violations by field, or None.
    """

    names: tuple[str, ...]
    refuse: Callable[[Values], str | Mapping[str, Any] | None]

    def run(self, values: Values, violations: Violations) -> None:
        if any(violations.has(name) for name in self.names):
            return
        refusal = self.refuse(values)
        if isinstance(refusal, str):
            violations.add_entity(refusal)
        elif refusal:
            violations.fields.update(refusal)

    def kong(self) -> dict[str, Any]:
        return {"custom_entity_check": {"field_sources": list(self.names)}}
