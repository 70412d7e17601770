"""Declarative files on their way to a node's Admin API.

A node checks what it gets, so files are only parsed here, which is quick. They are loaded as a node would load them
when that is needed: for values from the environment, and to say in which file and line a mistake is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateline.entities import Snapshot


def parsed(path: Path) -> bytes | None:
    """The configuration of a file or directory as one JSON document, not checked; None when it has to be loaded."""
    from gateline.declarative.document import DEFAULT_LIMITS, ParseError, read
    from gateline.declarative.reading import files_of
    from gateline.declarative.references import may_refer

    merged: dict[str, Any] = {}
    for file in files_of(path):
        try:
            document = read(file.read_bytes(), DEFAULT_LIMITS)
        except (OSError, ParseError):
            return None
        if not isinstance(document.value, dict) or may_refer(document.text):
            return None
        for name, value in document.value.items():
            before = merged.setdefault(name, value)
            if before is value:
                continue
            if isinstance(before, list) and isinstance(value, list):
                merged[name] = [*before, *value]
            elif before != value:
                return None
    try:
        return json.dumps(merged, allow_nan=False).encode()
    except ValueError:
        return None


def loaded(path: Path, flavor: str) -> Snapshot:
    """The configuration of a file or directory. Raises `DeclarativeError` with all that is wrong with it."""
    from gateline import declarative

    return declarative.load_path(path, environ=os.environ, router_flavor=flavor)


def as_json(path: Path, flavor: Callable[[], str]) -> bytes:
    """The configuration of a file or directory as one JSON document; `flavor` is asked for when it has to be loaded.

    Raises `DeclarativeError`.
    """
    return parsed(path) or written(loaded(path, flavor()))


def written(snapshot: Snapshot) -> bytes:
    """A configuration as a JSON document."""
    from gateline.entities import kinds

    document: dict[str, Any] = {"_format_version": "3.0", "_transform": False}
    for kind in kinds():
        rows = [entity.shown() for entity in snapshot.kind(kind).values()]
        if rows:
            document[kind] = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return json.dumps(document).encode()
