"""Whether the code of plugins has changed on disk: processes that have loaded it need successors.

Nothing of a plugin is imported here.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateline.settings import Settings

__all__ = ["Stamp", "files_stamp", "stamp"]

Stamp = frozenset[tuple[str, str | int, str | int]]
"""What differs when code does: files with their time and size, packages with what they name and their version."""

_OWN = ("bundled", "off")


def stamp(settings: Settings) -> Stamp:
    """The code that plugins of these settings have now."""
    packages = _packages() if any(name not in _OWN for name in settings.plugins) else ()
    return files_stamp(settings.plugin_folders) | frozenset(packages)


def files_stamp(places: Iterable[Path], ending: str = ".py") -> Stamp:
    """The files of that ending which are in these directories or below, and those that are named themselves."""
    found: set[tuple[str, str | int, str | int]] = set()
    for place in places:
        for path in _files(place, ending):
            try:
                status = os.stat(path)
            except OSError:  # gone between two looks
                continue
            found.add((path, status.st_mtime_ns, status.st_size))
    return frozenset(found)


def _files(place: Path, ending: str) -> Iterator[str]:
    if place.is_file():
        yield str(place)
    for directory, inside, names in os.walk(place):
        inside[:] = [name for name in inside if not name.startswith((".", "__pycache__"))]
        yield from (os.path.join(directory, name) for name in names if name.endswith(ending))


def _packages() -> Iterator[tuple[str, str, str]]:
    from importlib.metadata import entry_points

    for point in entry_points(group="gateline.plugins"):
        yield point.name, point.value, point.dist.version if point.dist else ""
