"""The syntax tree of an expression. `str` of a tree is an expression that parses to the same tree."""

import dataclasses
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["OPERATORS", "And", "Expression", "Not", "Or", "Predicate", "Value"]

Value = str | int | IPv4Address | IPv6Address | IPv4Network | IPv6Network

OPERATORS = ("==", "!=", "~", "^=", "=^", ">=", ">", "<=", "<", "in", "not in", "contains")

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Predicate:
    """One comparison. `position` is where its field stands in the text, `value_position` where its constant does."""

    field: str
    operator: str
    value: Value
    lower: bool = False
    any: bool = False
    position: int = dataclasses.field(default=0, compare=False)
    value_position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        left = f"lower({self.field})" if self.lower else self.field
        left = f"any({left})" if self.any else left
        value = self.value
        if isinstance(value, str):
            return f'{left} {self.operator} "{"".join(_ESCAPES.get(c, c) for c in value)}"'
        return f"{left} {self.operator} {value}"


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two terms hold."""

    terms: tuple["Expression", ...]

    def __str__(self) -> str:
        return " && ".join(f"({term})" if isinstance(term, And) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """One of at least two terms holds; binds tighter than `&&`."""

    terms: tuple["Expression", ...]

    def __str__(self) -> str:
        return " || ".join(f"({term})" if isinstance(term, And | Or) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: "Expression"

    def __str__(self) -> str:
        return f"!({self.term})"


Expression = And | Or | Not | Predicate
