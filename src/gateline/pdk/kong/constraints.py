"""Conditions on values that only Kong's schema language has, with Kong's sentences."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateline.entities.constraints import Constraint
from gateline.pdk.kong.lua_patterns import compiled

__all__ = ["Equal", "HasElement", "MatchesAll", "MatchesAny", "MatchesLua", "MatchesNone", "NotEqual"]

Match = Callable[[str], bool]


def _said(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Equal(Constraint):
    """Just this value."""

    value: Any
    rank: ClassVar[int] = 0

    def refuse(self, value: Any) -> str | None:
        return None if value == self.value else f"value must be {_said(self.value)}"

    def kong(self) -> dict[str, Any]:
        return {"eq": self.value}

    def json_schema(self) -> dict[str, Any]:
        return {"const": self.value}


@dataclass(frozen=True, slots=True)
class NotEqual(Constraint):
    """Any value but this one."""

    value: Any
    rank: ClassVar[int] = 0

    def refuse(self, value: Any) -> str | None:
        return f"value must not be {_said(value)}" if value == self.value else None

    def kong(self) -> dict[str, Any]:
        return {"ne": self.value}

    def json_schema(self) -> dict[str, Any]:
        return {"not": {"const": self.value}}


@dataclass(frozen=True, slots=True)
class HasElement(Constraint):
    """An array or a set in which an element is."""

    element: Any
    rank: ClassVar[int] = 14

    def refuse(self, value: Any) -> str | None:
        return None if self.element in value else f"expected to contain: {_said(self.element)}"

    def kong(self) -> dict[str, Any]:
        return {"contains": self.element}

    def json_schema(self) -> dict[str, Any]:
        return {"contains": {"const": self.element}}


@dataclass(frozen=True, slots=True)
class MatchesLua(Constraint):
    """A text in which a Lua pattern matches, or (`inverted`) matches nowhere."""

    pattern: str
    inverted: bool = False
    rank: ClassVar[int] = 11
    _match: Match = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_match", compiled(self.pattern))

    def refuse(self, value: Any) -> str | None:
        return f"invalid value: {value}" if self._match(value) == self.inverted else None

    def kong(self) -> dict[str, Any]:
        return {"not_match" if self.inverted else "match": self.pattern}


@dataclass(frozen=True, slots=True)
class _Several(Constraint):
    """Several Lua patterns, each with a sentence of its own (None: the usual one)."""

    patterns: tuple[tuple[str, str | None], ...]
    _matches: tuple[Match, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", tuple([compiled(pattern) for pattern, _ in self.patterns]))

    def _first(self, value: str, *, matches: bool) -> str | None:
        """The sentence of the first pattern that matches, or that does not."""
        for (_, sentence), match in zip(self.patterns, self._matches, strict=True):
            if match(value) == matches:
                return sentence or f"invalid value: {value}"
        return None

    def _listed(self) -> list[dict[str, str]]:
        return [{"pattern": pattern} | ({"err": said} if said else {}) for pattern, said in self.patterns]


@dataclass(frozen=True, slots=True)
class MatchesAll(_Several):
    """A text in which each of several Lua patterns matches."""

    rank: ClassVar[int] = 12

    def refuse(self, value: Any) -> str | None:
        return self._first(value, matches=False)

    def kong(self) -> dict[str, Any]:
        return {"match_all": self._listed()}


@dataclass(frozen=True, slots=True)
class MatchesNone(_Several):
    """A text in which none of several Lua patterns matches."""

    rank: ClassVar[int] = 10

    def refuse(self, value: Any) -> str | None:
        return self._first(value, matches=True)

    def kong(self) -> dict[str, Any]:
        return {"match_none": self._listed()}


@dataclass(frozen=True, slots=True)
class MatchesAny(Constraint):
    """A text in which one or more of several Lua patterns match."""

    patterns: tuple[str, ...]
    sentence: str | None = None
    rank: ClassVar[int] = 13
    _matches: tuple[Match, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", tuple([compiled(pattern) for pattern in self.patterns]))

    def refuse(self, value: Any) -> str | None:
        if any(match(value) for match in self._matches):
            return None
        return self.sentence or f"invalid value: {value}"

    def kong(self) -> dict[str, Any]:
        return {"match_any": {"patterns": list(self.patterns)} | ({"err": self.sentence} if self.sentence else {})}
