"""The values of expressions and what can be done with them, by Lua's rules.

nil is None, a boolean `bool`, a number `float` (`int` where a plugin shared one), a string `str` of bytes (`texts`).
The values of a header that came twice are a `list`, indexed from 1; everything else that is indexed is a `Table`. What
plugins share is brought into this form when it is read; what has none is opaque.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateline.pdk.templates.errors import LIMIT, TemplateFault
from gateline.pdk.templates.texts import to_bytes_text

__all__ = [
    "Function",
    "Shared",
    "Table",
    "adopted",
    "bounded",
    "equal",
    "index",
    "length",
    "less",
    "number",
    "read_number",
    "rendered",
    "text",
    "truth",
    "type_name",
    "written",
]

_NUMBER = re.compile(r"\s*([+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|0[xX][0-9A-Fa-f]+))\s*")


class Table:
    """Something that is indexed."""

    __slots__ = ()

    def get(self, key: Any) -> Any:
        """The value of a key, None when there is none."""
        raise NotImplementedError


class Function:
    """A function that expressions may call."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name = name
        self.call = call


class Shared(Table):
    """A mapping or a sequence of a plugin's; what is in it is adopted when it is read."""

    __slots__ = ("_mapping", "_sequence")

    def __init__(self, of: Mapping[Any, Any] | Sequence[Any]) -> None:
        self._mapping = of if isinstance(of, Mapping) else None
        self._sequence = () if isinstance(of, Mapping) else of

    def get(self, key: Any) -> Any:
        """The value of a key; of a sequence, that at a place from 1."""
        if self._mapping is None:
            return adopted(_at(self._sequence, key))
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        return adopted(self._mapping.get(key)) if isinstance(key, (str, int, float)) else None

    @property
    def items(self) -> Sequence[Any]:
        """The elements of a sequence."""
        return self._sequence


def truth(value: Any) -> bool:
    """Whether a value counts as true: everything but nil and false does."""
    return value is not None and value is not False


def type_name(value: Any) -> str:
    """Lua's name of a value's type."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Function):
        return "function"
    return "table" if isinstance(value, (list, Table)) else "userdata"


def adopted(value: Any) -> Any:
    """A value that a plugin shared, as expressions know it."""
    if isinstance(value, str):
        return to_bytes_text(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("latin-1")
    return Shared(value) if isinstance(value, (Mapping, list, tuple)) else value


def index(value: Any, key: Any, what: str) -> Any:
    """`value[key]`; `what` names the value in the fault that indexing nothing is."""
    if isinstance(value, Table):
        return value.get(key)
    if isinstance(value, list):
        return _at(value, key)
    raise TemplateFault(f"attempt to index {what} (a {type_name(value)} value)")


def _at(values: Sequence[Any], key: Any) -> Any:
    if isinstance(key, (int, float)) and 1 <= key <= len(values) and key == int(key):
        return values[int(key) - 1]
    return None


def written(value: float) -> str:
    """A number as Lua writes it (`%.14g`)."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else "inf"
    if math.isfinite(value):
        return f"{value:.14g}"
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def text(value: Any, doing: str) -> str:
    """A value where a string is needed: a number is written, anything else is a fault."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return written(value)
    raise TemplateFault(f"attempt to {doing} a {type_name(value)} value")


def number(value: Any, doing: str = "perform arithmetic on") -> float:
    """A value where a number is needed: a string that holds one is read, anything else is a fault."""
    if isinstance(value, str):
        read = read_number(value)
        if read is None:
            raise TemplateFault(f"attempt to {doing} a string value")
        return read
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    raise TemplateFault(f"attempt to {doing} a {type_name(value)} value")


def read_number(value: str) -> float | None:
    """The number that a string holds, decimal or `0x` hexadecimal; None when it holds none."""
    match = _NUMBER.fullmatch(value)
    if match is None:
        return None
    digits = match[1]
    if "x" in digits or "X" in digits:
        try:
            return float(int(digits, 16))
        except OverflowError:
            return math.inf
    return float(digits)


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; those of different types never are."""
    return type_name(one) == type_name(other) and bool(one == other)


def less(one: Any, other: Any, *, or_equal: bool) -> bool:
    """`<` and `<=`, on two numbers or two strings."""
    kinds = (type_name(one), type_name(other))
    if kinds in (("number", "number"), ("string", "string")):
        return bool(one <= other if or_equal else one < other)
    if kinds[0] == kinds[1]:
        raise TemplateFault(f"attempt to compare two {kinds[0]} values")
    raise TemplateFault(f"attempt to compare {kinds[0]} with {kinds[1]}")


def length(value: Any) -> float:
    """`#value`, of a string or a list."""
    if isinstance(value, Shared):
        return float(len(value.items))
    if isinstance(value, (str, list)):
        return float(len(value))
    raise TemplateFault(f"attempt to get length of a {type_name(value)} value")


def bounded(made: str) -> str:
    """A text that was made, unless it is too long."""
    if len(made) > LIMIT:
        raise TemplateFault(f"a text is longer than {LIMIT} bytes")
    return made


def rendered(value: Any) -> str:
    """A value as it stands in the text: nothing for nil and false, the values of a list with commas between."""
    if isinstance(value, str):
        return value
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    if isinstance(value, (int, float)):
        return written(value)
    if isinstance(value, list):
        return bounded(", ".join(map(rendered, value)))
    if isinstance(value, Shared) and value.items:
        return bounded(
            ", ".join(rendered(adopted(item)) for item in value.items if not isinstance(item, (list, tuple)))
        )
    raise TemplateFault(f"a {type_name(value)} cannot be written")
