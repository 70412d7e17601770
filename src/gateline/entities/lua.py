"""Data as Kong writes it in its messages: a Lua table on one line, `{services={{host="required field missing"}}}`."""

import re
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = frozenset(
    ("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil")
) | frozenset(("not", "or", "repeat", "return", "then", "true", "until", "while"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\\n", "\r": "\\r", "\0": "\\000"}
_ESCAPED = re.compile('["\\\\\n\r\0]')


def table(value: Any, null: str = "nil") -> str:
    """Dictionaries, lists (None leaves a hole), texts, numbers, booleans. `null` is a None in a dictionary."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(name)}={table(value[name], null)}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "{" + ",".join(_elements(value)) + "}"
    if isinstance(value, str):
        return '"' + _ESCAPED.sub(lambda match: _ESCAPES[match[0]], value) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return null if value is None else str(value)


def _key(name: str) -> str:
    if _IDENTIFIER.fullmatch(name) and name not in _KEYWORDS:
        return name
    return f"[{table(name)}]"


def _elements(value: list[Any]) -> list[str]:
    """Elements up to the first hole stand for themselves, those after it carry their index (from 1)."""
    written: list[str] = []
    holes = False
    for index, element in enumerate(value, start=1):
        if element is None:
            holes = True
        else:
            written.append(f"[{index}]={table(element)}" if holes else table(element))
    return written
