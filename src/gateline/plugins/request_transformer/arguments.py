"""Arguments, `a=1&b=2`, of a query or of a form. Names and values are texts of bytes."""

from urllib.parse import quote

from gateline.pdk.templates import percent_decoded

__all__ = ["Arguments"]


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
            (new, _encoded(new) + piece[len(piece.partition("=")[0]) :]) if found == name else (found, piece)
            for found, piece in self._pieces
        ]
        self.changed = True

    def append(self, name: str, value: str) -> None:
        """A further argument."""
        self._pieces.append((name, f"{_encoded(name)}={_encoded(value)}"))
        self.changed = True

    def replace(self, name: str, value: str) -> None:
        """One value in place of all that there are, if there are some."""
        place = next((place for place, (found, _) in enumerate(self._pieces) if found == name), None)
        if place is None:
            return
        first = self._pieces[:place]
        rest = [piece for piece in self._pieces[place:] if piece[0] != name]
        self._pieces = [*first, (name, f"{_encoded(name)}={_encoded(value)}"), *rest]
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


def _encoded(text: str) -> str:
    """A text of bytes, percent-encoded."""
    return quote(text.encode("latin-1"), safe="")
