"""Arguments, `a=1&b=2`: the query rules of request-transformer, and the same on a form's body."""

from collections.abc import Sequence
from urllib.parse import quote

from gateline.pdk.templates import Environment, percent_decoded, to_bytes_text
from gateline.plugins.transformation.rules import Pairs

__all__ = ["ArgumentRules", "Arguments", "encoded"]


def encoded(text: str) -> str:
    """A text of bytes, percent-encoded."""
    return quote(text.encode("latin-1"), safe="")


class Arguments:
    """Arguments in order, each as it was written until a rule changes it."""

    __slots__ = ("_pieces", "changed")

    def __init__(self, text: str) -> None:
        self._pieces = [(percent_decoded(piece.partition("=")[0]), piece) for piece in text.split("&") if piece]
        self.changed = False

    def has(self, name: str) -> bool:
        """Whether there is an argument of this name."""
        return any(found == name for found, _ in self._pieces)

    def remove(self, name: str) -> None:
        """Take all of a name away."""
        if self.has(name):
            self._pieces = [piece for piece in self._pieces if piece[0] != name]
            self.changed = True

    def rename(self, name: str, new: str) -> None:
        """Give all of a name another one; those that have it go."""
        if name == new or not self.has(name):
            return
        self.remove(new)
        self._pieces = [
            (new, encoded(new) + piece[len(piece.partition("=")[0]) :]) if found == name else (found, piece)
            for found, piece in self._pieces
        ]
        self.changed = True

    def append(self, name: str, value: str) -> None:
        """A further argument."""
        self._pieces.append((name, f"{encoded(name)}={encoded(value)}"))
        self.changed = True

    def replace(self, name: str, value: str) -> None:
        """One value in place of all that there are, if there are some."""
        place = next((place for place, (found, _) in enumerate(self._pieces) if found == name), None)
        if place is None:
            return
        first = self._pieces[:place]
        rest = [piece for piece in self._pieces[place:] if piece[0] != name]
        self._pieces = [*first, (name, f"{encoded(name)}={encoded(value)}"), *rest]
        self.changed = True

    def keep(self, names: frozenset[str]) -> None:
        """Take away all but these."""
        kept = [piece for piece in self._pieces if piece[0] in names]
        self.changed = self.changed or len(kept) < len(self._pieces)
        self._pieces = kept

    def join(self, other: "Arguments") -> None:
        """The arguments of another after these."""
        self._pieces += other._pieces  # noqa: SLF001 - of the same class
        self.changed = self.changed or bool(other._pieces)  # noqa: SLF001

    def written(self) -> str:
        """The arguments in their order."""
        return "&".join(piece for _, piece in self._pieces)

    def in_order(self) -> str:
        """The arguments by name, as Kong writes a query that it changed."""
        return "&".join(piece for _, piece in sorted(self._pieces, key=lambda piece: piece[0]))


class ArgumentRules:
    """Rules for arguments."""

    def __init__(
        self, remove: Sequence[str], rename: Sequence[str], replace: Sequence[str], add: Sequence[str], append: Sequence[str]
    ) -> None:
        self._remove = tuple(to_bytes_text(name) for name in remove)
        self._lists = tuple(Pairs(entries) for entries in (rename, replace, add, append))
        self.names = frozenset[str]().union(*(pairs.names for pairs in self._lists))
        """The environment's names that their templates read."""
        self.any = bool(self._remove or any(self._lists))

    def values(self, env: Environment) -> tuple[Sequence[tuple[str, str]], ...]:
        """What the templates come to, for each list. Raises TemplateFault."""
        return tuple(pairs.rendered(env) for pairs in self._lists)

    def apply(self, arguments: Arguments, values: tuple[Sequence[tuple[str, str]], ...]) -> None:
        """Change the arguments."""
        rename, replace, add, append = values
        for name in self._remove:
            arguments.remove(name)
        for name, new in rename:
            arguments.rename(to_bytes_text(name), new)
        for name, value in replace:
            arguments.replace(to_bytes_text(name), value)
        for name, value in add:
            if not arguments.has(to_bytes_text(name)):
                arguments.append(to_bytes_text(name), value)
        for name, value in append:
            arguments.append(to_bytes_text(name), value)
