"""Values of JSON documents that come from texts of a configuration."""

import math
import re
from collections.abc import Sequence
from typing import Any

__all__ = ["NOTHING", "appended", "cast", "is_json", "type_at"]

NOTHING: Any = object()
"""The text does not hold a value of the type that is asked for: the rule does nothing."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")


def type_at(types: Sequence[str], place: int) -> str:
    """The type of the entry at a place: `string` where none is said."""
    return types[place] if place < len(types) else "string"


def cast(text: str, kind: str) -> Any:
    """The value of a text as a type: string, number or boolean (everything but `true` is false)."""
    if kind == "boolean":
        return text == "true"
    return _number(text.strip()) if kind == "number" else text


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        number = float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text.replace("_", "x"))
    except ValueError:
        return NOTHING
    return number if math.isfinite(number) else NOTHING


def appended(old: Any, value: Any) -> list[Any]:
    """The list that a value makes with what was there."""
    return [*old, value] if isinstance(old, list) else [old, value]


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type, or one of several, is `application/json` or of the suffix `+json` (RFC 6839)."""
    if content_type is None:
        return False
    for one in content_type.lower().split(","):
        media = one.partition(";")[0].strip()
        if media == "application/json" or (media.startswith("application/") and media.endswith("+json")):
            return True
    return False
