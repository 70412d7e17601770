"""Checkers of plain types: each returns a value from JSON or YAML in its type, or refuses it in Kong's words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateline.entities.errors import EXPECTED, NUL, REQUIRED
from gateline.entities.references import is_reference

_LARGEST = 2**53 - 1
"""Of whole numbers: the largest that every reader of JSON keeps exactly (RFC 8259, section 6)."""

Checker = Callable[[Any], Any]


class Refused(Exception):  # noqa: N818 - not an error of the program: the answer "no" of a checker
    """A checker's answer to a wrong value: a sentence, or a list or dictionary of them. `filled` is a record with the
    defaults of what was left out."""

    def __init__(self, error: Any, filled: dict[str, Any] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.filled = filled


class Substituted(str):
    """A text that came out of a reference or a variable: fields of other types read it as what they need.

    A field that takes references keeps `reference`, the text that was written, when it is one as a whole.
    """

    __slots__ = ("reference",)

    reference: str | None

    def __new__(cls, text: str, reference: str | None = None) -> "Substituted":
        """The text, and what was written in its place."""
        self = super().__new__(cls, text)
        self.reference = reference
        return self


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Stands where a reference or a variable could not be resolved; whatever the field, `message` is what is wrong."""

    message: str
    found: str
    """What was written."""


def wrong_type(value: Any, word: str) -> Refused:
    """What is said of a value that is not of a field's type."""
    if value is None:
        return Refused(REQUIRED)
    return Refused(value.message if isinstance(value, Unresolved) else EXPECTED[word])


def string(value: Any) -> str:
    """A text that UTF-8 can write."""
    if value.__class__ is str:
        if value.isascii() and "\0" not in value:
            return value
    elif not isinstance(value, str):
        raise wrong_type(value, "string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"invalid utf-8 character sequence detected at position {error.start + 1}") from None
    if "\0" in value:
        raise Refused(NUL)
    return str(value)


def integer(value: Any) -> int:
    """A whole number; 80.0 is one."""
    if value.__class__ is int:
        return _storable(value)
    if value.__class__ is float and value.is_integer():
        return _storable(int(value))
    if isinstance(value, Substituted) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    raise wrong_type(value, "integer")


def _storable(value: int) -> int:
    if -_LARGEST <= value <= _LARGEST:
        return value
    raise Refused(f"value should be between {-_LARGEST} and {_LARGEST}")


def number(value: Any) -> float:
    """A number, neither infinite nor "not a number"."""
    if value.__class__ is int:
        return _storable(value)
    if value.__class__ is float and math.isfinite(value):
        return value
    if isinstance(value, Substituted):
        try:
            read = float(value)
        except ValueError:
            raise wrong_type(value, "number") from None
        if math.isfinite(read):
            return read
    raise wrong_type(value, "number")


def boolean(value: Any) -> bool:
    """True or false; no number and no text."""
    if value is True or value is False:
        return value
    if isinstance(value, Substituted) and value in ("true", "false"):
        return value == "true"
    raise wrong_type(value, "boolean")


def sequence(element: Checker, word: str) -> Checker:
    """A list ("array"), or one without repeats ("set"); comes out as a tuple. Errors come by position."""
    distinct = word == "set"

    def check(value: Any) -> tuple[Any, ...]:
        if value.__class__ is not list and value.__class__ is not tuple:
            raise wrong_type(value, word)
        try:
            checked = [element(item) for item in value]
        except Refused:
            raise Refused(_errors_by_position(element, value)) from None
        if distinct and len(checked) > 1:
            return tuple(dict.fromkeys(checked))
        return tuple(checked)

    return check


def _errors_by_position(element: Checker, value: Sequence[Any]) -> list[Any]:
    errors: list[Any] = []
    for position, item in enumerate(value):
        try:
            element(item)
        except Refused as refused:
            errors.extend([None] * (position - len(errors)))
            errors.append(refused.error)
    return errors


def mapping(key: Checker, element: Checker) -> Checker:
    """A dictionary; as in Kong, only one error is told, and not at which key."""

    def check(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise wrong_type(value, "map")
        return {key(name): element(item) for name, item in value.items()}

    return check


def or_reference(check: Checker) -> Checker:
    """A checker that lets references to secrets pass: what they stand for is known only when it is used."""

    def either(value: Any) -> Any:
        written = value
        if isinstance(value, Substituted):
            written = value.reference or str(value)
        elif isinstance(value, Unresolved):
            written = value.found
        return written if is_reference(written) else check(value)

    return either


def constrained(check: Checker, refusals: tuple[Callable[[Any], str | None], ...]) -> Checker:
    """A checker that asks further questions once the type is right; the first refusal is the answer."""
    if not refusals:
        return check
    if len(refusals) == 1:
        refuse = refusals[0]

        def one(value: Any) -> Any:
            value = check(value)
            if error := refuse(value):
                raise Refused(error)
            return value

        return one

    def several(value: Any) -> Any:
        value = check(value)
        for refuse in refusals:
            if error := refuse(value):
                raise Refused(error)
        return value

    return several
