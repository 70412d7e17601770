"""Pairs of names and values, as headers, queries and forms have them, by name."""

from collections.abc import Iterable
from typing import Any

__all__ = ["grouped"]


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Values by name: a text, or a list where a name came more than once."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        known = values.get(name)
        if known is None:
            values[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            values[name] = [known, value]
    return values
