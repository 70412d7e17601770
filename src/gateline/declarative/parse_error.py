"""What a document may not be: the error that says so, and the limits."""

from dataclasses import dataclass


class ParseError(Exception):
    """The text is not a document that can be used. Line and column count from 1; None when not known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        where = "" if line is None else f"{line}:{column or 1}: "
        super().__init__(f"{where}{message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may hold."""

    size: int = 64 * 1024 * 1024
    """Bytes of text."""
    depth: int = 64
    """Levels of nesting."""
    expanded: int = 1_000_000
    """Values that aliases may add."""


DEFAULT_LIMITS = Limits()
