"""Changes of headers that are the same for every request, and so are checked and written once."""

from typing import Any, Self

__all__ = ["ADD", "DEFAULT", "LIST", "REPLACE", "SET", "HeaderChanges"]

SET, ADD, DEFAULT, REPLACE, LIST = range(5)
"""What a change does."""


class HeaderChanges:
    """Changes of a message's headers, made in their order by `change_headers` of a view.

    Make one in a plugin's constructor. Each method notes a change, which does what the view's method of its name does,
    and returns the object.
    """

    __slots__ = ("noted", "prepared")

    def __init__(self) -> None:
        self.noted: list[tuple[int, str, str | None]] = []
        """(What it does, name, value) each; no value stands for no line."""
        self.prepared: Any = None
        """What the engine keeps of them."""

    def __bool__(self) -> bool:
        return bool(self.noted)

    def _note(self, action: int, name: str, value: str | None) -> Self:
        self.noted.append((action, name, value))
        self.prepared = None
        return self

    def set_header(self, name: str, value: str) -> Self:
        """One line of this name, in place of all that there are."""
        return self._note(SET, name, value)

    def add_header(self, name: str, value: str) -> Self:
        """A further line of this name."""
        return self._note(ADD, name, value)

    def set_default_header(self, name: str, value: str) -> Self:
        """A line of this name, if there is none."""
        return self._note(DEFAULT, name, value)

    def replace_header(self, name: str, value: str) -> Self:
        """One line in place of all that there are, under the name as it came; nothing where there is none."""
        return self._note(REPLACE, name, value)

    def remove_header(self, name: str) -> Self:
        """No line of this name."""
        return self._note(SET, name, None)

    def list_in_header(self, name: str, element: str) -> Self:
        """An element of a list with commas, such as `Vary`: a further line, unless it or `*` is there already."""
        return self._note(LIST, name, element)
