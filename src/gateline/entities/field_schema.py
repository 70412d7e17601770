"""What is known of one field, of references between entities, and of what differs in some entities of a kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateline.entities.checkers import Checker
from gateline.entities.checks import Check
from gateline.entities.constraints import Constraint
from gateline.entities.marks import To
from gateline.entities.violations import Violations

if TYPE_CHECKING:
    from gateline.entities.schema import Schema


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the id of the entity that is pointed to."""

    id: str


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
    referenceable: bool
    """Whether it takes a reference to a secret."""
    refers: bool
    """Whether it or something in it takes one."""
    secret: bool
    constraints: tuple[Constraint, ...]
    description: str | None
    abstract: bool = False
    """A record whose fields another field of the entity decides about."""
    to: To | None = None
    elements: "FieldSchema | None" = None
    keys: "FieldSchema | None" = None
    record: "Schema | None" = None

    @property
    def holds_secret(self) -> bool:
        """Whether it is a secret or something in it is one."""
        parts = [*(self.record.fields.values() if self.record else ()), *((self.elements,) if self.elements else ())]
        return self.secret or any(part.holds_secret for part in parts)


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs in an entity when one of its fields holds a certain value."""

    null: Mapping[str, str] = field(default_factory=dict)
    """Fields that must be null, each with the sentence that says so."""
    fields: Mapping[str, FieldSchema] = field(default_factory=dict)
    """Fields that are other than in the kind's declaration; a record among them that is left out is `{}`."""
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
