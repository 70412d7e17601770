"""Lua's patterns, as Kong's schemas use them, translated to regexes that run in linear time.

Lua's language (Reference Manual 5.1, section 5.4.1) is smaller than that of regexes in almost all: a repetition follows
a single character or class. What RE2 cannot say (balanced `%b`, frontier `%f`, back references) is refused by name.
Both sides match bytes.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["LuaPatternError", "compiled", "translated"]

_CLASSES = {
    "a": "A-Za-z",
    "c": r"\x00-\x1f\x7f",
    "d": "0-9",
    "g": r"\x21-\x7e",
    "l": "a-z",
    "p": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "s": r"\x09-\x0d\x20",
    "u": "A-Z",
    "w": "A-Za-z0-9",
    "x": "A-Fa-f0-9",
    "z": r"\x00",
}
_INVERTED = {
    "a": r"\x00-\x40\x5b-\x60\x7b-\xff",
    "c": r"\x20-\x7e\x80-\xff",
    "d": r"\x00-\x2f\x3a-\xff",
    "g": r"\x00-\x20\x7f-\xff",
    "l": r"\x00-\x60\x7b-\xff",
    "p": r"\x00-\x20\x30-\x39\x41-\x5a\x61-\x7a\x7f-\xff",
    "s": r"\x00-\x08\x0e-\x1f\x21-\xff",
    "u": r"\x00-\x40\x5b-\xff",
    "w": r"\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xff",
    "x": r"\x00-\x2f\x3a-\x40\x47-\x60\x67-\xff",
    "z": r"\x01-\xff",
}
_ANY = r"\x00-\xff"
_REPEATS = {"*": "*", "+": "+", "?": "?", "-": "*?"}


class LuaPatternError(ValueError):
    """A pattern that is none, or that cannot run in linear time; the message says why."""


def compiled(pattern: str) -> Callable[[str], bool]:
    """A function that says whether a text has a match. Raises LuaPatternError."""
    import re2  # loaded with the first pattern: most processes never see one

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    try:
        search: Any = re2.compile(translated(pattern).encode("latin-1"), options=options).search
    except re2.error as error:
        raise LuaPatternError(f"the pattern '{pattern}' is not taken: {error}") from error
    return lambda value: search(value.encode()) is not None


def translated(pattern: str) -> str:
    """The regex that matches what a Lua pattern matches. Raises LuaPatternError."""
    return _Translation(pattern).run()


class _Translation:
    """One pattern on its way; `at` is the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.text = pattern.encode().decode("latin-1")  # a character a byte
        self.at = 0
        self.out = ["(?s)"]
        self.open = 0

    def run(self) -> str:
        text = self.text
        if text.startswith("^"):
            self.out.append(r"\A")
            self.at = 1
        while self.at < len(text):
            character = text[self.at]
            if character == "$" and self.at == len(text) - 1:
                self.out.append(r"\z")
                self.at += 1
            elif character == "(":
                self.open += 1
                self.out.append("(?:")
                self.at += 1
            elif character == ")":
                self.open -= 1
                if self.open < 0:
                    raise self._wrong("a ')' closes nothing")
                self.out.append(")")
                self.at += 1
            else:
                self.out += (self._single(), self._repeat())
        if self.open:
            raise self._wrong("a '(' is not closed")
        return "".join(self.out)

    def _repeat(self) -> str:
        repeat = _REPEATS.get(self.text[self.at : self.at + 1], "")
        self.at += bool(repeat)
        return repeat

    def _single(self) -> str:
        """One character or class."""
        character = self.text[self.at]
        self.at += 1
        if character == "[":
            return self._set()
        if character == ".":
            return "."
        return _literal(character) if character != "%" else f"[{self._escape(inside=False)}]"

    def _escape(self, *, inside: bool) -> str:
        """What follows a `%`, as the inside of a class."""
        if self.at >= len(self.text):
            raise self._wrong("it ends with '%'")
        character = self.text[self.at]
        self.at += 1
        if character.lower() in _CLASSES:
            return (_INVERTED if character.isupper() else _CLASSES)[character.lower()]
        if not inside and (character in "bf" or character.isdigit()):
            raise self._wrong(f"'%{character}' cannot run in linear time")
        return _literal(character)

    def _set(self) -> str:
        text = self.text
        inverted = text.startswith("^", self.at)
        self.at += inverted
        first = self.at
        parts: list[str] = []
        while True:
            if self.at >= len(text):
                raise self._wrong("a '[' is not closed")
            character = text[self.at]
            if character == "]" and self.at > first:
                self.at += 1
                if not parts:
                    return f"[{'' if inverted else '^'}{_ANY}]"
                return f"[{'^' if inverted else ''}{''.join(parts)}]"
            self.at += 1
            if character == "%":
                parts.append(self._escape(inside=True))
            elif text.startswith("-", self.at) and text[self.at + 1 : self.at + 2] not in ("", "]"):
                last = text[self.at + 1]
                self.at += 2
                if last >= character:  # else nothing is in the range
                    parts.append(f"{_literal(character)}-{_literal(last)}")
            else:
                parts.append(_literal(character))

    def _wrong(self, why: str) -> LuaPatternError:
        return LuaPatternError(f"the Lua pattern '{self.pattern}' cannot be used: {why}")


def _literal(character: str) -> str:
    return character if character.isascii() and character.isalnum() else f"\\x{ord(character):02x}"
