"""Older format versions: below 3.0 a path that looked like a regex was one; since then a regex begins with `~`."""

import re
from typing import Any

_PLAIN = re.compile(r"[a-zA-Z0-9._~/%-]*")


def migrated_paths(paths: Any) -> Any:
    """The paths of a route as version 3.0 writes them; anything that is no list of texts is left for validation."""
    if not isinstance(paths, list):
        return paths
    return [f"~{path}" if isinstance(path, str) and not _PLAIN.fullmatch(path) else path for path in paths]
