"""The global functions that expressions may call."""

from collections.abc import Mapping
from typing import Any

from gateline.pdk.templates.errors import TemplateFault
from gateline.pdk.templates.strings import PATTERN_FUNCTIONS, STRING_FUNCTIONS
from gateline.pdk.templates.values import Function, Table, read_number, rendered, type_name

__all__ = ["GLOBALS", "string_function"]


def _to_string(value: Any) -> str:
    if value is None:
        return "nil"
    return "false" if value is False else rendered(value)


def _to_number(value: Any, base: Any = 10.0) -> float | int | None:
    if isinstance(value, str):
        if base in (10, None):
            return read_number(value)
        digits = value.strip()
        if base not in range(2, 37) or len(digits) > 64:
            return None
        try:
            return float(int(digits, int(base)))
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _needs_a_literal(name: str) -> Function:
    def refuse(*_: Any) -> None:
        raise TemplateFault(f"'{name}' can only be called by its name")

    return Function(name, refuse)


_STRING: Mapping[str, Function] = {
    **{name: Function(name, call) for name, call in STRING_FUNCTIONS.items()},
    **{name: _needs_a_literal(name) for name in PATTERN_FUNCTIONS},
}


class _Library(Table):
    __slots__ = ()

    def get(self, key: Any) -> Any:
        return _STRING.get(key) if isinstance(key, str) else None


def string_function(name: str) -> Function | None:
    """A function of the table `string`."""
    return _STRING.get(name)


GLOBALS: Mapping[str, Any] = {
    "tonumber": Function("tonumber", _to_number),
    "tostring": Function("tostring", _to_string),
    "type": Function("type", type_name),
    "string": _Library(),
}
"""Name → value. Any other name that is not the environment's is nil, as in a sandbox."""
