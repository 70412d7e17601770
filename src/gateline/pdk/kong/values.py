"""Arguments and values of Kong's kit: what Lua checks, and what Lua tables are in Python."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

from gateline.pdk.kong.exceptions import PDKException

__all__ = [
    "HeaderTable",
    "arguments_of",
    "as_int",
    "as_text",
    "dashed",
    "form_of",
    "header_table",
    "header_value",
    "header_values",
    "limited",
    "query_text",
]

_LUA = {str: "string", bytes: "string", bool: "boolean", int: "number", float: "number", type(None): "nil"}
_PIECES = re.compile("&")


def lua_type(value: Any) -> str:
    """What Lua calls the type of a value."""
    return _LUA.get(type(value), "table")


def as_text(value: Any, what: str) -> str:
    """A text, as Lua's strings are. Raises PDKException with `what must be a string`."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise PDKException(f"{what} must be a string")
    return value


def as_int(value: Any, what: str, low: int, high: int) -> int:
    """A whole number within limits. Raises PDKException."""
    if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
        raise PDKException(f"{what} must be an integer")
    if not low <= value <= high:
        raise PDKException(f"{what} must be an integer between {low} and {high}: given {int(value)}")
    return int(value)


def limited(value: Any, what: str, usual: int = 100) -> int:
    """How many headers or arguments are wanted; Kong allows up to 1000."""
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PDKException(f"{what} must be a number")
    if value < 1:
        raise PDKException(f"{what} must be >= 1")
    if value > 1000:
        raise PDKException(f"{what} must be <= 1000")
    return int(value)


def dashed(name: Any) -> str:
    """A header's name; underscores may stand for dashes."""
    if name.__class__ is not str:
        raise PDKException("header name must be a string")
    return name.replace("_", "-") if "_" in name else name


def header_value(value: Any, name: str) -> str:
    """One value of a header."""
    if value.__class__ is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str | int | float):
        raise PDKException(
            f'invalid header value for "{name}": got {lua_type(value)}, expected string, number or boolean'
        )
    return str(value)


def header_values(headers: Any) -> dict[str, str | list[str]]:
    """A table of headers, in the order of their names. Raises PDKException."""
    if not isinstance(headers, Mapping):
        raise PDKException("headers must be a table")
    made: dict[str, str | list[str]] = {}
    for name in sorted(headers, key=str):
        if not isinstance(name, str):
            raise PDKException(f'invalid header name "{name}": got {lua_type(name)}, expected string')
        value = headers[name]
        several = isinstance(value, list | tuple)
        made[name] = [header_value(one, name) for one in value] if several else header_value(value, name)
    return made


class HeaderTable(dict[str, str | list[str]]):
    """Headers by lower-case name; several values of a name are a list. Asked in any case, with `_` for `-`."""

    __slots__ = ()

    def __missing__(self, name: str) -> str | list[str]:
        folded = name.lower().replace("_", "-")
        if folded == name:
            raise KeyError(name)
        return self[folded]

    def get(self, name: str, default: Any = None) -> Any:
        """The value or values of a name."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or (
            isinstance(name, str) and dict.__contains__(self, name.lower().replace("_", "-"))
        )


def header_table(lines: Iterable[tuple[str, str]], limit: int) -> HeaderTable:
    """The first `limit` header lines as a table."""
    table = HeaderTable()
    for place, (name, value) in enumerate(lines):
        if place >= limit:
            break
        _add(table, name.lower(), value)
    return table


def arguments_of(text: str, limit: int = 1000) -> dict[str, Any]:
    """The arguments of a query or form: True for one without a value, a list for several of a name."""
    table: dict[str, Any] = {}
    for place, piece in enumerate(piece for piece in _PIECES.split(text) if piece):
        if place >= limit:
            break
        name, equals, value = piece.partition("=")
        name = unquote_plus(name)
        if name or equals:
            _add(table, name, unquote_plus(value) if equals else True)
    return table


def form_of(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form as a table."""
    table: dict[str, Any] = {}
    for name, value in fields:
        _add(table, name, value)
    return table


def query_text(arguments: Any) -> str:
    """Arguments as Kong writes them: in the order of their names, those that are true without a value."""
    if not isinstance(arguments, Mapping):
        raise PDKException("args must be a table")
    pieces = []
    for name in sorted(arguments, key=str):
        if not isinstance(name, str):
            raise PDKException("arg keys must be strings")
        value = arguments[name]
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is True:
                pieces.append(quote(name, safe=""))
            elif one is not False and isinstance(one, str | int | float):
                pieces.append(f"{quote(name, safe='')}={quote(str(one), safe='')}")
            elif one is not False:
                raise PDKException(f"arg values must be strings, numbers or booleans, not {lua_type(one)}")
    return "&".join(pieces)


def _add(table: Any, name: str, value: Any) -> None:
    before = dict.get(table, name)
    if before is None:
        table[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        table[name] = [before, value]
