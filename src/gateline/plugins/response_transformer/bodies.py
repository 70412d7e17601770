"""The JSON rules of response-transformer, list by list."""

from collections.abc import Callable, Sequence

from gateline.plugins.transformation.entries import split
from gateline.plugins.transformation.json_documents import Document
from gateline.plugins.transformation.json_paths import Path, parsed
from gateline.plugins.transformation.json_values import cast, type_at

__all__ = ["JsonStep", "JsonSteps"]

JsonStep = Callable[[Document], None]
"""One list of rules, applied to a document."""


class JsonSteps:
    """Makes the steps; `dots_in_keys` says how names are read."""

    def __init__(self, *, dots_in_keys: bool) -> None:
        self._dots_in_keys = dots_in_keys

    def _path(self, name: str) -> Path:
        return parsed(name, dots_in_keys=self._dots_in_keys)

    def removing(self, names: Sequence[str]) -> JsonStep | None:
        """Take values away."""
        paths = [self._path(name) for name in names]

        def apply(document: Document) -> None:
            for path in paths:
                document.remove(path)

        return apply if paths else None

    def renaming(self, entries: Sequence[str]) -> JsonStep | None:
        """Give values another name."""
        rules = [(self._path(old), self._path(new)) for old, new in map(split, entries) if old and new]

        def apply(document: Document) -> None:
            for old, new in rules:
                document.rename(old, new)

        return apply if rules else None

    def replacing(self, entries: Sequence[str], types: Sequence[str]) -> JsonStep | None:
        """Change values that are there."""
        return self._valued(Document.replace, entries, types)

    def adding(self, entries: Sequence[str], types: Sequence[str]) -> JsonStep | None:
        """Set values where none are."""
        return self._valued(Document.add, entries, types)

    def appending(self, entries: Sequence[str], types: Sequence[str]) -> JsonStep | None:
        """Make lists of values."""
        return self._valued(Document.append, entries, types)

    def _valued(
        self, change: Callable[[Document, Path, object], None], entries: Sequence[str], types: Sequence[str]
    ) -> JsonStep | None:
        pairs = [(place, *split(entry)) for place, entry in enumerate(entries)]
        rules = [(self._path(name), cast(value, type_at(types, place))) for place, name, value in pairs if name]

        def apply(document: Document) -> None:
            for path, value in rules:
                change(document, path, value)

        return apply if rules else None
