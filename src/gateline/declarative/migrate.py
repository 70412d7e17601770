"""Older format versions: below 3.0 any path of a route that looked like a regex was one; since then a `~` says so."""

import re
from typing import Any

_PLAIN = re.compile(r"[a-zA-Z0-9._~/%-]*")


def migrated(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """An entity of an older version as version 3.0 writes it; what is of a wrong type is left for validation."""
    paths = data.get("paths")
    if kind != "routes" or not isinstance(paths, list):
        return data
    return {**data, "paths": [_migrated_path(path) for path in paths]}


def _migrated_path(path: Any) -> Any:
    return f"~{path}" if isinstance(path, str) and not _PLAIN.fullmatch(path) else path
