"""Conditions between the fields of one entity, as data, with the violations in Kong's words.

A check gets the values (defaults filled in, null as None) and the violations found so far, and adds to them. Field
names may be dotted (`config.second`) to reach into records.
"""
# ruff: noqa: D102 - what `run` does is said once, at Check

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateline.entities.errors import MUST_BE_NULL, REQUIRED, quoted
from gateline.entities.violations import Violations

Values = Mapping[str, Any]


class Check:
    """One condition between fields."""

    def run(self, values: Values, violations: Violations) -> None:
        """Add what is wrong to the violations."""
        raise NotImplementedError


def value_of(values: Any, name: str) -> Any:
    """The value of a possibly dotted field, None when something on the way is null."""
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


@dataclass(frozen=True, slots=True)
class AtLeastOneOf(Check):
    """One or more of the fields must be there."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if not _filled(values, self.names):
            violations.add_entity(f"at least one of these fields must be non-empty: {quoted(self.names)}")


@dataclass(frozen=True, slots=True)
class ExactlyOneOf(Check):
    """One of the fields must be there, and only one."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if len(_filled(values, self.names)) != 1:
            violations.add_entity(f"exactly one of these fields must be non-empty: {quoted(self.names)}")


@dataclass(frozen=True, slots=True)
class AtMostOneOf(Check):
    """Not more than one of the fields may be there."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if len(_filled(values, self.names)) > 1:
            violations.add_entity(f"only one or none of these fields must be set: {quoted(self.names)}")


@dataclass(frozen=True, slots=True)
class AllOrNoneOf(Check):
    """The fields go together."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        if 0 < len(_filled(values, self.names)) < len(self.names):
            violations.add_entity(f"all or none of these fields must be set: {quoted(self.names)}")


@dataclass(frozen=True, slots=True)
class Distinct(Check):
    """The fields that are there have different values."""

    names: tuple[str, ...]

    def run(self, values: Values, violations: Violations) -> None:
        found = [value_of(values, name) for name in _filled(values, self.names)]
        if any(value in found[:position] for position, value in enumerate(found)):
            violations.add_entity(f"values of these fields must be distinct: {quoted(self.names)}")


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


@dataclass(frozen=True, slots=True)
class Conditional(Check):
    """When a field has one of some values, another must be null, empty or there.

    `when` gets the value of `field`; it is not asked when that field has a violation of its own.
    """

    field: str
    when: Callable[[Any], bool]
    then: str
    must: str
    sentence: str | None = None

    def run(self, values: Values, violations: Violations) -> None:
        if self.field in violations.fields or not self.when(value_of(values, self.field)):
            return
        value = value_of(values, self.then)
        if self.must == "be null":
            refusal = None if value is None else MUST_BE_NULL
        elif self.must == "be empty":
            refusal = None if is_empty(value) else "length must be 0"
        else:
            refusal = REQUIRED if value is None else None
        if refusal:
            violations.add(self.then, refusal)
            violations.add_entity(self.sentence or f"failed conditional validation given value of field '{self.field}'")


@dataclass(frozen=True, slots=True)
class OneOfWhen(Check):
    """When a field's value fulfils a condition, one or more of some fields must be there.

    `cases` are tried in turn; the first whose condition holds decides. `{}` in its sentence stands for the field names.
    """

    field: str
    cases: tuple[tuple[Callable[[Any], bool], tuple[str, ...], str], ...]

    def run(self, values: Values, violations: Violations) -> None:
        if self.field in violations.fields:
            return
        given = value_of(values, self.field)
        for condition, names, sentence in self.cases:
            if condition(given):
                if not _filled(values, names):
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
        if any(name in violations.fields for name in self.names):
            return
        refusal = self.refuse(values)
        if isinstance(refusal, str):
            violations.add_entity(refusal)
        elif refusal:
            violations.fields.update(refusal)
