"""A Kong plugin's `Schema` becomes a `PluginConfig`, so that it validates, has defaults and is shown as ours are.

The language is that of Kong's Lua schemas: a sequence of one-key mappings, each a field's name and what it is. What is
not understood is refused when the plugin is loaded, with the field's path: a condition that is dropped without a word
would let through what the author meant to keep out.
"""

import time
import uuid
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, create_model

from gateline.entities import formats
from gateline.entities.checkers import Refused
from gateline.entities.checks import AllOrNoneOf, AtLeastOneOf, AtMostOneOf, Check, Distinct, ExactlyOneOf
from gateline.entities.constraints import (
    Between,
    Constraint,
    ExclusiveSubsets,
    Format,
    GreaterThan,
    Length,
    MaxLength,
    MinLength,
    NotOneOf,
    OneOf,
    StartsWith,
    Timestamp,
    Uuid,
)
from gateline.entities.marks import AsSet, Auto, Ref, Secret, Unique
from gateline.entities.schema import field_of
from gateline.pdk.fields import Field
from gateline.pdk.kong.constraints import (
    Equal,
    HasElement,
    MatchesAll,
    MatchesAny,
    MatchesLua,
    MatchesNone,
    NotEqual,
)
from gateline.pdk.kong.lua_patterns import LuaPatternError
from gateline.pdk.plugin import PluginConfig

__all__ = ["KongSchemaError", "config_from"]

Mode = Literal["uuid", "timestamp"]

_PLAIN: Mapping[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool}
_IGNORED = frozenset(
    ("type", "required", "default", "elements", "keys", "values", "fields", "entity_checks", "description")
) | frozenset(("auto", "unique", "referenceable", "encrypted", "deprecation", "legacy", "immutable", "indexed", "err"))


class KongSchemaError(ValueError):
    """A `Schema` that cannot be used; the message says where and why."""


def config_from(schema: Any, name: str) -> type[PluginConfig]:
    """The configuration of the plugin `name`. Raises KongSchemaError."""
    title = "".join(part.capitalize() for part in name.replace("_", "-").split("-"))
    return _record(schema or (), (), f"{title or 'Plugin'}Config", ())


def _record(fields: Any, checks: Any, title: str, path: tuple[str, ...]) -> type[PluginConfig]:
    definitions: dict[str, Any] = {}
    made: dict[str, Mode] = {}
    for name, what in _one_key_each(fields, path):
        here = (*path, name)
        if name.startswith("_") or name in definitions or name in _TAKEN:
            raise _wrong(here, "a field cannot have this name" if name not in definitions else "it is there twice")
        if not isinstance(what, Mapping):
            raise _wrong(here, "expected a mapping that says what the field is")
        annotation = _annotation(what, here)
        definitions[name] = (annotation, _default(what, annotation, here))
        if what.get("auto"):
            made[name] = "timestamp" if what.get("timestamp") or what.get("type") != "string" else "uuid"
    model = _model(title, definitions)
    model.checks = tuple([_check(kind, names, path) for kind, names in _one_key_each(checks, path)])
    if made:
        model.derive = classmethod(_maker(made))  # type: ignore[assignment,method-assign]
    return model


def _model(title: str, definitions: dict[str, Any]) -> type[PluginConfig]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that pydantic's own methods have: nobody calls those on a record
        return create_model(title, __base__=_Base, __doc__="", __module__=__name__, **definitions)


class _Base(PluginConfig):
    """What all of them derive from."""

    model_config = ConfigDict(protected_namespaces=())


_TAKEN = frozenset(name for name in vars(PluginConfig.__mro__[1]) if not name.startswith("_")) | {"model_config"}
"""Names that records need for themselves."""


def _maker(made: Mapping[str, Mode]) -> Callable[[Any, dict[str, Any], Collection[str]], None]:
    def derive(_: Any, values: dict[str, Any], given: Collection[str]) -> None:  # noqa: ARG001 - the hook's signature
        for name, mode in made.items():
            if values[name] is None:
                values[name] = str(uuid.uuid4()) if mode == "uuid" else int(time.time())

    return derive


def _one_key_each(sequence: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not isinstance(sequence, Sequence) or isinstance(sequence, str):
        raise _wrong(path, "expected a sequence of mappings with one key each")
    for entry in sequence:
        if not isinstance(entry, Mapping) or len(entry) != 1 or not isinstance(next(iter(entry)), str):
            raise _wrong(path, f"expected a mapping with one key, not {entry!r}")
        yield from entry.items()


def _annotation(what: Mapping[str, Any], path: tuple[str, ...], *, element: bool = False) -> Any:
    """The declared type of a field: the bare type, its constraints and marks, and whether it may be null."""
    word = str(what.get("type"))
    bare: Any
    extra: list[Any] = []
    if word in _PLAIN:
        bare = _PLAIN[word]
    elif word in ("array", "set"):
        bare = tuple[_part(what, "elements", path), ...]  # type: ignore[misc]
        extra = [AsSet()] if word == "set" else []
    elif word == "map":
        bare = dict[_part(what, "keys", path), _part(what, "values", path)]  # type: ignore[misc]
    elif word == "record":
        title = "".join(part.capitalize() for part in path[-1].replace("-", "_").split("_")) or "Record"
        bare = _record(what.get("fields", ()), what.get("entity_checks", ()), title, path)
    else:
        raise _wrong(path, f"the type {what.get('type')!r} is not one that a configuration can have")
    extra += [*_constraints(what, word, path), *_marks(what)]
    annotated = Annotated[(bare, *extra)] if extra else bare
    return annotated if what.get("required") or element or what.get("auto") else annotated | None


def _part(what: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Any:
    part = what.get(name)
    if not isinstance(part, Mapping):
        raise _wrong(path, f"a field of type {what.get('type')} needs '{name}'")
    return _annotation(part, (*path, name), element=True)


def _marks(what: Mapping[str, Any]) -> Iterator[Any]:
    if what.get("auto"):
        yield Auto()
    if what.get("unique"):
        yield Unique()
    if what.get("referenceable"):
        yield Ref()
    if what.get("encrypted"):
        yield Secret()
    if isinstance(what.get("description"), str):
        yield Field(description=what["description"])


def _default(what: Mapping[str, Any], annotation: Any, path: tuple[str, ...]) -> Any:
    """What pydantic calls a default: `...` for a field that must be there."""
    if what.get("auto"):
        return None
    default = what.get("default")
    if default is None:
        return ... if what.get("required") else None
    try:
        return field_of(path[-1], annotation).check(_lists(default))
    except Refused as refused:
        raise _wrong(path, f"the default {default!r} is not valid: {refused.error}") from None


def _lists(value: Any) -> Any:
    """A default as it would come from JSON: Python files also have tuples and sets."""
    if isinstance(value, Mapping):
        return {name: _lists(item) for name, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _constraints(what: Mapping[str, Any], word: str, path: tuple[str, ...]) -> Iterator[Constraint]:
    for name, argument in what.items():
        if name in _IGNORED:
            continue
        make = _CONSTRAINTS.get(name)
        if make is None:
            raise _wrong(path, f"the attribute '{name}' is not one that is understood")
        words = _FITS.get(name)
        if words and word not in words:
            raise _wrong(path, f"'{name}' does not go with the type {word}")
        try:
            constraint = make(argument)
        except LuaPatternError as error:
            raise _wrong((*path, name), str(error)) from None
        except (TypeError, ValueError, LookupError, AttributeError):
            raise _wrong((*path, name), f"{argument!r} is not what it takes") from None
        if constraint is not None:
            yield constraint


def _flag(constraint: Constraint) -> Callable[[Any], Constraint | None]:
    return lambda on: constraint if on else None


def _between(limits: Any) -> Constraint:
    low, high = limits
    return Between(low + 0, high + 0)


def _listed(patterns: Any) -> tuple[tuple[str, str | None], ...]:
    return tuple([(str(entry["pattern"]), entry.get("err")) for entry in patterns])


def _regex(value: Any) -> str | None:
    return f"not a valid regex: {value}" if formats.regex(value) else None


_CONSTRAINTS: Mapping[str, Callable[[Any], Constraint | None]] = {
    "eq": Equal,
    "ne": NotEqual,
    "one_of": lambda values: OneOf(tuple(values)),
    "not_one_of": lambda values: NotOneOf(tuple(values)),
    "gt": lambda limit: GreaterThan(limit + 0),
    "timestamp": _flag(Timestamp()),
    "uuid": _flag(Uuid()),
    "is_regex": _flag(Format(_regex)),
    "between": _between,
    "len_eq": lambda length: Length(length + 0),
    "len_min": lambda length: MinLength(length + 0),
    "len_max": lambda length: MaxLength(length + 0),
    "starts_with": lambda prefix: StartsWith("" + prefix),
    "not_match": lambda pattern: MatchesLua("" + pattern, inverted=True),
    "match_none": lambda patterns: MatchesNone(_listed(patterns)),
    "match": lambda pattern: MatchesLua("" + pattern),
    "match_all": lambda patterns: MatchesAll(_listed(patterns)),
    "match_any": lambda what: MatchesAny(tuple(what["patterns"]), what.get("err")),
    "contains": HasElement,
    "mutually_exclusive_subsets": lambda families: ExclusiveSubsets(tuple([tuple(family) for family in families])),
}
_TEXT = ("string",)
_NUMBERS = ("integer", "number")
_LISTS = ("array", "set")
_FITS: Mapping[str, tuple[str, ...]] = {
    "gt": _NUMBERS,
    "timestamp": _NUMBERS,
    "between": _NUMBERS,
    "uuid": _TEXT,
    "is_regex": _TEXT,
    "starts_with": _TEXT,
    "not_match": _TEXT,
    "match_none": _TEXT,
    "match": _TEXT,
    "match_all": _TEXT,
    "match_any": _TEXT,
    "len_eq": ("string", "array", "set", "map"),
    "len_min": ("string", "array", "set", "map"),
    "len_max": ("string", "array", "set", "map"),
    "contains": _LISTS,
    "mutually_exclusive_subsets": ("set",),
}
"""Types that a condition goes with; the others go with any."""

_CHECKS: Mapping[str, type[AtLeastOneOf | AtMostOneOf | ExactlyOneOf | AllOrNoneOf | Distinct]] = {
    "at_least_one_of": AtLeastOneOf,
    "only_one_of": ExactlyOneOf,
    "mutually_exclusive": AtMostOneOf,
    "mutually_required": AllOrNoneOf,
    "distinct": Distinct,
}


def _check(kind: str, names: Any, path: tuple[str, ...]) -> Check:
    make = _CHECKS.get(kind)
    if make is None:
        raise _wrong(path, f"the entity check '{kind}' is not one that is understood")
    return make(tuple(names))


def _wrong(path: tuple[str, ...], why: str) -> KongSchemaError:
    return KongSchemaError(f"Schema{''.join(f'.{part}' for part in path)}: {why}")
