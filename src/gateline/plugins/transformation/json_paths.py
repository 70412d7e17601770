"""Where in a JSON document a rule's name points to.

With dots in keys (the default) a name is a key of the document's object. Without, it is a path: `top.sub` goes into an
object, `list[*]` into every element of an array, `list[2]` into one of them, counted from 1.
"""

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["Path", "parsed", "places"]

Path = tuple[str | int | None, ...]
"""Steps: the key of an object, the index of an array (from 0), None for every element of one."""

_INDEX = r"\[(?:\*|[1-9][0-9]{0,8})\]"
_PATH = re.compile(rf"(?:[^.\[\]]+|{_INDEX})(?:\.[^.\[\]]+|{_INDEX})*")
_STEP = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")


def parsed(name: str, *, dots_in_keys: bool) -> Path:
    """The steps of a name. What is no path is one key."""
    if dots_in_keys or not _PATH.fullmatch(name):
        return (name,)
    return tuple(key or (None if index == "*" else int(index) - 1) for index, key in _STEP.findall(name))


def places(document: Any, path: Path, *, make: bool = False) -> Iterator[tuple[Any, Any]]:
    """(container, key or index) of each place that a path leads to; a last key need not be there.

    `make` makes objects that are missing on the way. Of an array, the last elements come first.
    """
    containers = [document]
    for step in path[:-1]:
        containers = [found for container in containers for found in _inside(container, step, make=make)]
    last = path[-1]
    for container in containers:
        if isinstance(container, list):
            if last is None:
                yield from ((container, index) for index in reversed(range(len(container))))
            elif isinstance(last, int) and last < len(container):
                yield container, last
        elif isinstance(container, dict) and isinstance(last, str):
            yield container, last


def _inside(container: Any, step: str | int | None, *, make: bool) -> list[Any]:
    if isinstance(container, list):
        if step is None:
            return container
        return container[step : step + 1] if isinstance(step, int) else []
    if not (isinstance(container, dict) and isinstance(step, str)):
        return []
    if make:
        return [container.setdefault(step, {})]
    return [container[step]] if step in container else []
