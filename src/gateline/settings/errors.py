"""What goes wrong with settings: one bad value (`BadValue`), and all that is wrong with a load (`SettingsError`)."""

from __future__ import annotations

from collections.abc import Sequence


class BadValue(ValueError):  # noqa: N818 - it is a verdict on a value, named as the parsers use it
    """A value that its setting cannot take; the text says what was expected ("a whole number from 1 to 65535")."""

    @property
    def expected(self) -> str:
        """What would have been right."""
        return str(self.args[0])


class SettingsError(Exception):
    """The settings cannot be used. `messages` has one sentence for each thing that is wrong, in the order found."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages: list[str] = list(messages)

    def __reduce__(self) -> tuple[type[SettingsError], tuple[list[str]]]:
        return SettingsError, (self.messages,)
