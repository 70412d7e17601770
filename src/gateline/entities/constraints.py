"""What a field's declaration may say about its value, beyond the Python type.

A field is declared once, as `name: Annotated[type, constraint, mark, ...] = default` in its entity. From that one
declaration come validation with Kong's sentences, the default, JSON schema, Kong's schema layout (`kong`) and the
documentation. Constraints are tried in Kong's order (`rank`), not in the order of the declaration.
"""
# ruff: noqa: D102 - what the three methods do is said once, at Constraint

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from gateline.entities.errors import INVALID_TIMESTAMP, INVALID_UUID
from gateline.entities.formats import is_uuid


class Constraint:
    """One condition on a value that already has the right type."""

    rank: ClassVar[int] = 100

    def refuse(self, value: Any) -> str | None:
        """What is wrong with the value, or None."""
        raise NotImplementedError

    def kong(self) -> dict[str, Any]:
        """The constraint as Kong's schema layout shows it."""
        return {}

    def json_schema(self) -> dict[str, Any]:
        """The constraint as JSON schema says it."""
        return {}


@dataclass(frozen=True, slots=True)
class OneOf(Constraint):
    """One of a fixed list, or of what Kong does not know and Gateline takes besides."""

    values: tuple[str | int, ...]
    beyond: tuple[str | int, ...] = ()
    rank: ClassVar[int] = 1

    def refuse(self, value: Any) -> str | None:
        known = value in self.values or value in self.beyond
        return None if known else f"expected one of: {', '.join(map(str, self.values))}"

    def kong(self) -> dict[str, Any]:
        return {"one_of": list(self.values)}

    def json_schema(self) -> dict[str, Any]:
        return {"enum": [*self.values, *self.beyond]}


@dataclass(frozen=True, slots=True)
class NotOneOf(Constraint):
    """None of a fixed list."""

    values: tuple[str | int, ...]
    rank: ClassVar[int] = 2

    def refuse(self, value: Any) -> str | None:
        return f"must not be one of: {', '.join(map(str, self.values))}" if value in self.values else None

    def kong(self) -> dict[str, Any]:
        return {"not_one_of": list(self.values)}

    def json_schema(self) -> dict[str, Any]:
        return {"not": {"enum": list(self.values)}}


@dataclass(frozen=True, slots=True)
class GreaterThan(Constraint):
    """A number above a limit."""

    limit: float
    rank: ClassVar[int] = 3

    def refuse(self, value: Any) -> str | None:
        return None if value is not None and value > self.limit else f"value must be greater than {self.limit}"

    def kong(self) -> dict[str, Any]:
        return {"gt": self.limit}

    def json_schema(self) -> dict[str, Any]:
        return {"exclusiveMinimum": self.limit}


@dataclass(frozen=True, slots=True)
class Timestamp(Constraint):
    """Seconds since 1970."""

    rank: ClassVar[int] = 4

    def refuse(self, value: Any) -> str | None:
        return None if value > 0 else INVALID_TIMESTAMP

    def kong(self) -> dict[str, Any]:
        return {"timestamp": True}

    def json_schema(self) -> dict[str, Any]:
        return {"exclusiveMinimum": 0}


@dataclass(frozen=True, slots=True)
class Uuid(Constraint):
    """The text form of a UUID."""

    rank: ClassVar[int] = 5

    def refuse(self, value: Any) -> str | None:
        return None if is_uuid(value) else INVALID_UUID

    def kong(self) -> dict[str, Any]:
        return {"uuid": True}

    def json_schema(self) -> dict[str, Any]:
        return {"format": "uuid"}


@dataclass(frozen=True, slots=True)
class Between(Constraint):
    """A number from `low` to `high`, both included."""

    low: int
    high: int
    rank: ClassVar[int] = 6

    def refuse(self, value: Any) -> str | None:
        return None if self.low <= value <= self.high else f"value should be between {self.low} and {self.high}"

    def kong(self) -> dict[str, Any]:
        return {"between": [self.low, self.high]}

    def json_schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class MinLength(Constraint):
    """At least so many characters or elements. Every text has `MinLength(1)` unless its declaration says otherwise."""

    length: int
    rank: ClassVar[int] = 7

    def refuse(self, value: Any) -> str | None:
        return None if len(value) >= self.length else f"length must be at least {self.length}"

    def kong(self) -> dict[str, Any]:
        return {"len_min": self.length}

    def json_schema(self) -> dict[str, Any]:
        return {"minLength": self.length}


@dataclass(frozen=True, slots=True)
class Length(Constraint):
    """Exactly so many characters or elements."""

    length: int
    rank: ClassVar[int] = 7

    def refuse(self, value: Any) -> str | None:
        return None if len(value) == self.length else f"length must be {self.length}"

    def kong(self) -> dict[str, Any]:
        return {"len_eq": self.length}

    def json_schema(self) -> dict[str, Any]:
        return {"minLength": self.length, "maxLength": self.length}


@dataclass(frozen=True, slots=True)
class MaxLength(Constraint):
    """At most so many characters or elements."""

    length: int
    rank: ClassVar[int] = 8

    def refuse(self, value: Any) -> str | None:
        return None if len(value) <= self.length else f"length must be at most {self.length}"

    def kong(self) -> dict[str, Any]:
        return {"len_max": self.length}

    def json_schema(self) -> dict[str, Any]:
        return {"maxLength": self.length}


@dataclass(frozen=True, slots=True)
class StartsWith(Constraint):
    """A text that begins with another."""

    prefix: str
    rank: ClassVar[int] = 9

    def refuse(self, value: Any) -> str | None:
        return None if value.startswith(self.prefix) else f"should start with: {self.prefix}"

    def kong(self) -> dict[str, Any]:
        return {"starts_with": self.prefix}

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^{re.escape(self.prefix)}"}


@dataclass(frozen=True, slots=True)
class Without(Constraint):
    """A text in which another does not occur."""

    part: str
    sentence: str
    rank: ClassVar[int] = 10

    def refuse(self, value: Any) -> str | None:
        return self.sentence if self.part in value else None

    def kong(self) -> dict[str, Any]:
        return {"match_none": [{"pattern": self.part, "err": self.sentence}]}

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^(?![\\s\\S]*{re.escape(self.part)})"}


@dataclass(frozen=True, slots=True)
class NotNamed(Constraint):
    """A name that is not another, without regard to case."""

    name: str
    sentence: str
    rank: ClassVar[int] = 10

    def refuse(self, value: Any) -> str | None:
        return self.sentence if value.lower() == self.name else None

    def kong(self) -> dict[str, Any]:
        pattern = "".join(f"[{letter.upper()}{letter}]" for letter in self.name)
        return {"match_none": [{"pattern": f"^{pattern}$", "err": self.sentence}]}


@dataclass(frozen=True, slots=True)
class StartsWithAny(Constraint):
    """A text that begins with one of several."""

    prefixes: tuple[str, ...]
    sentence: str
    rank: ClassVar[int] = 13

    def refuse(self, value: Any) -> str | None:
        return None if value.startswith(self.prefixes) else self.sentence

    def kong(self) -> dict[str, Any]:
        return {"match_any": {"patterns": [f"^{prefix}" for prefix in self.prefixes], "err": self.sentence}}

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^({'|'.join(map(re.escape, self.prefixes))})"}


@dataclass(frozen=True, slots=True)
class Matches(Constraint):
    """A text that fits a pattern of ours as a whole. `lua` is the same pattern as Kong's schema layout writes it."""

    pattern: str
    lua: str
    rank: ClassVar[int] = 11

    def refuse(self, value: Any) -> str | None:
        return None if re.fullmatch(self.pattern, value) else f"invalid value: {value}"

    def kong(self) -> dict[str, Any]:
        return {"match": self.lua}

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^{self.pattern}$(?!\\n)"}


@dataclass(frozen=True, slots=True)
class ExclusiveSubsets(Constraint):
    """A set whose elements all come from one of several families."""

    families: tuple[tuple[str, ...], ...]
    rank: ClassVar[int] = 14

    def refuse(self, value: Any) -> str | None:
        touched = [family for family in self.families if not set(family).isdisjoint(value)]
        if len(touched) <= 1:
            return None
        families = ", ".join(f"({', '.join(map(repr, family))})" for family in touched)
        return f"these sets are mutually exclusive: {families}"

    def kong(self) -> dict[str, Any]:
        return {"mutually_exclusive_subsets": [list(family) for family in self.families]}

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"items": {"enum": list(family)}} for family in self.families]}


@dataclass(frozen=True, slots=True)
class Format(Constraint):
    """A format that a function of `gateline.entities.formats` (or the entity's own module) knows.

    `json` gives what JSON schema can say of it, where the table of `json_schema` does not.
    """

    check: Callable[[Any], str | None]
    json: Callable[[], dict[str, Any]] = dict
    rank: ClassVar[int] = 50

    def refuse(self, value: Any) -> str | None:
        return self.check(value)

    def json_schema(self) -> dict[str, Any]:
        return self.json()


@dataclass(frozen=True, slots=True)
class Contains(Constraint):
    """A collection that has an element."""

    element: str

    def refuse(self, value: Any) -> str | None:
        return (
            None if isinstance(value, Collection) and self.element in value else f"expected to contain: {self.element}"
        )

    def kong(self) -> dict[str, Any]:
        return {"contains": self.element}


@dataclass(frozen=True, slots=True)
class Each(Constraint):
    """A collection with something in it, of which each element fulfils a condition."""

    element: Constraint

    def refuse(self, value: Any) -> str | None:
        if not value:
            return "length must be at least 1"
        return next((problem for item in value if (problem := self.element.refuse(item))), None)

    def kong(self) -> dict[str, Any]:
        return {"elements": {"type": "string", **self.element.kong()}}
