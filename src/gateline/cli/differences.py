"""A difference between two configurations, as people read it: `+`, `~` and `-`, in colours on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

_MARKS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
_LONGEST = 200
"""Letters of a value; what is longer is cut."""

Line = tuple[str, str]
"""A line, and its style for a terminal."""


def show(difference: Mapping[str, Any]) -> None:
    """Print the difference that the Admin API told."""
    lines = list(_lines(difference))
    if not sys.stdout.isatty():
        sys.stdout.write("".join(f"{text}\n" for text, _ in lines))
        sys.stdout.flush()
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)  # it heeds NO_COLOR and TERM by itself
    for text, style in lines:
        console.print(text, style=style or None)


def counts(difference: Mapping[str, Any], *, done: bool) -> str:
    """`1 created, 2 changed, 3 deleted`, or what is to be."""
    summary = difference["summary"]
    words = ("created", "changed", "deleted") if done else ("to create", "to change", "to delete")
    return ", ".join(f"{summary[name]} {word}" for name, word in zip(_MARKS, words, strict=True))


def _lines(difference: Mapping[str, Any]) -> Iterable[Line]:
    for entity in difference["difference"]:
        mark, colour = _MARKS[entity["operation"]]
        yield f"{mark} {entity['kind']} {entity['name'] or entity['id']}", f"bold {colour}"
        if entity["operation"] == "delete":
            continue
        for change in entity["fields"]:
            if entity["operation"] == "create":
                yield f"    {change['field']}: {_value(change['after'])}", colour
            else:
                yield f"    {change['field']}: {_value(change['before'])} → {_value(change['after'])}", colour
    if difference["difference"]:
        yield "", ""


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} letters)"
