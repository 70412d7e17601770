"""Rules on named fields: the arguments of a query, the fields of a form."""

from collections.abc import Sequence
from typing import Protocol

from gateline.pdk.templates import Environment, to_bytes_text
from gateline.plugins.transformation.rules import Pairs

__all__ = ["FieldRules", "Fields", "Rendered"]

Rendered = tuple[Sequence[tuple[str, str]], ...]
"""What the templates of the lists rename, replace, add and append came to: (name, new name or value) each."""


class Fields(Protocol):
    """Named fields that hold texts; names and values are texts of bytes."""

    def has(self, name: str) -> bool:
        """Whether there is a field of this name."""

    def remove(self, name: str) -> None:
        """Take all of a name away."""

    def rename(self, name: str, new: str) -> None:
        """Give all of a name another one; those that have it go."""

    def replace(self, name: str, value: str) -> None:
        """One value in place of all that there are, if there are some."""

    def append(self, name: str, value: str) -> None:
        """A further field."""


class FieldRules:
    """Rules on fields, and what they need to know of a request."""

    def __init__(self, *, remove: Sequence[str], others: Sequence[Sequence[str]]) -> None:
        """`others` are the lists of rename, replace, add and append. Raises PluginError."""
        self.remove = tuple(remove)
        self.lists = tuple(map(Pairs, others))
        self.names = frozenset[str]().union(*(pairs.names for pairs in self.lists))
        """The environment's names that their templates read."""
        self._removed = tuple(map(to_bytes_text, remove))

    def __bool__(self) -> bool:
        return bool(self.remove or any(self.lists))

    def rendered(self, env: Environment) -> Rendered:
        """What the templates come to. Raises TemplateFault."""
        return tuple([pairs.rendered(env) for pairs in self.lists])

    def apply(self, fields: Fields, rendered: Rendered) -> None:
        """Change the fields."""
        rename, replace, add, append = rendered
        for name in self._removed:
            fields.remove(name)
        for name, new in rename:
            fields.rename(to_bytes_text(name), new)
        for name, value in replace:
            fields.replace(to_bytes_text(name), value)
        for name, value in add:
            if not fields.has(to_bytes_text(name)):
                fields.append(to_bytes_text(name), value)
        for name, value in append:
            fields.append(to_bytes_text(name), value)
