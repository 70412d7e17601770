"""The shelves of a node, by name: in shared memory, or on disk in the prefix. Each is opened once in a process."""

import logging
import shutil
import tempfile
from pathlib import Path

from gateline.sharedstate.environment import SharedStateError
from gateline.sharedstate.shelf import SharedShelf

__all__ = ["Shelves"]

_log = logging.getLogger(__name__)

_LAYOUT = 1
"""Grows when what is on disk cannot be read by a later version."""


class Shelves:
    """`memory`: the directory of the node's shared memory; without one, shelves are this process's own. `disk`: where
    durable ones are."""

    def __init__(self, memory: Path | None, disk: Path | None = None) -> None:
        self._memory = memory
        self._disk = disk
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._open: dict[tuple[str, bool], SharedShelf] = {}

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> SharedShelf:
        """The shelf of a name. The limit (bytes) of who asks first holds in a process. Raises SharedStateError."""
        known = self._open.get((name, durable))
        if known is None:
            known = self._open[name, durable] = self._opened(name, limit, durable)
        return known

    def _opened(self, name: str, limit: int, durable: bool) -> SharedShelf:
        if durable and self._disk is not None:
            path = self._disk / f"{name}-{_LAYOUT}"
            try:
                return SharedShelf(path, limit=limit, durable=True)
            except SharedStateError as error:
                _log.warning("%s; what was kept there is thrown away", error)
                shutil.rmtree(path, ignore_errors=True)
                return SharedShelf(path, limit=limit, durable=True)
        return SharedShelf(self._root() / f"shelf-{name}", limit=limit, durable=durable)

    def _root(self) -> Path:
        if self._memory is not None:
            return self._memory
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="gateline-shelves-")
        return Path(self._own.name)

    def close(self) -> None:
        """Let go of all."""
        for shelf in self._open.values():
            shelf.close()
        self._open.clear()
        if self._own is not None:
            self._own.cleanup()
            self._own = None
