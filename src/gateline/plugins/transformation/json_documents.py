"""JSON documents, and the rules that remove, rename, replace, add and append values in them.

Only what a rule names is decoded: with keys of the top as names, everything else stays as it was written, number by
number. A document that is no object (nor, with paths, an array) is left alone.
"""

from collections.abc import Iterable, Set
from typing import Any

import msgspec

from gateline.plugins.transformation.json_paths import Path, places
from gateline.plugins.transformation.json_values import NOTHING, appended

__all__ = ["Document"]

_ENCODER = msgspec.json.Encoder()
_SHALLOW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DEEP = msgspec.json.Decoder()


class Document:
    """A document that is being changed. `changed` says whether it was."""

    __slots__ = ("_root", "changed")

    def __init__(self, root: Any) -> None:
        self._root = root
        self.changed = False

    @classmethod
    def read(cls, body: bytes, *, dots_in_keys: bool = True) -> "Document | None":
        """The document of a body; None where it is no JSON, or nothing in which a rule could find something."""
        try:
            root = (_SHALLOW if dots_in_keys else _DEEP).decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return cls(root) if isinstance(root, (dict, list)) else None

    def write(self) -> bytes:
        """The document as bytes."""
        return _ENCODER.encode(self._root)

    def remove(self, path: Path) -> None:
        """Take away what is there."""
        for container, key in list(places(self._root, path)):
            if isinstance(container, list) or key in container:
                del container[key]
                self.changed = True

    def rename(self, path: Path, new: Path) -> None:
        """Move what is there; what had the new name goes."""
        if path[:-1] == new[:-1]:
            for container, key in list(places(self._root, path)):
                if isinstance(container, dict) and key in container and key != new[-1]:
                    container[new[-1]] = container.pop(key)
                    self.changed = True
            return
        for container, key in list(places(self._root, path)):
            if isinstance(container, dict) and key in container:
                self._put(new, container.pop(key))

    def _put(self, path: Path, value: Any) -> None:
        for container, key in places(self._root, path, make=True):
            container[key] = value
        self.changed = True

    def replace(self, path: Path, value: Any) -> None:
        """Change what is there."""
        for container, key in self._known(path, value):
            container[key] = value
            self.changed = True

    def _known(self, path: Path, value: Any) -> Iterable[tuple[Any, Any]]:
        if value is NOTHING:
            return
        for container, key in places(self._root, path):
            if isinstance(container, list) or key in container:
                yield container, key

    def add(self, path: Path, value: Any) -> None:
        """Put a value where none is."""
        if value is NOTHING:
            return
        for container, key in places(self._root, path, make=True):
            if isinstance(container, dict) and key not in container:
                container[key] = value
                self.changed = True

    def append(self, path: Path, value: Any) -> None:
        """Make a list of what is there and a value."""
        if value is NOTHING:
            return
        for container, key in places(self._root, path, make=True):
            there = isinstance(container, list) or key in container
            container[key] = appended(_decoded(container[key]), value) if there else [value]
            self.changed = True

    def keep(self, names: Set[str]) -> None:
        """Take away every key of the top that is not among the names."""
        if isinstance(self._root, dict) and not names >= self._root.keys():
            self._root = {name: value for name, value in self._root.items() if name in names}
            self.changed = True


def _decoded(value: Any) -> Any:
    return _DEEP.decode(value) if isinstance(value, msgspec.Raw) else value
