"""Lua's patterns as RE2 runs them: in linear time, whatever the pattern and the text.

A pattern of Lua is a simple regex: classes (`%a`, `%d`, ...), sets, the quantifiers `*`, `+`, `-` and `?` on single
characters, captures, `^` and `$` at the ends. What a regex cannot say is refused: `%b`, `%f`, back references and
position captures.
"""

import string
from typing import Any

__all__ = ["BadPatternError", "compiled"]

_CLASSES = {
    "a": "A-Za-z",
    "c": r"\x00-\x1f\x7f",
    "d": "0-9",
    "l": "a-z",
    "p": "!-/:-@\\[-`{-~",
    "s": r"\t-\r ",
    "u": "A-Z",
    "w": "0-9A-Za-z",
    "x": "0-9A-Fa-f",
    "z": r"\x00",
}
_QUANTIFIERS = {"*": "*", "+": "+", "?": "?", "-": "*?"}


class BadPatternError(ValueError):
    """A pattern that is malformed, or that a regex in linear time cannot express."""


def compiled(pattern: str) -> Any:
    """The RE2 regex of a Lua pattern. Raises BadPatternError."""
    import re2  # loaded with the first pattern: few templates have one

    return re2.compile(_Translation(pattern).regex())


class _Translation:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def regex(self) -> str:
        pattern = self._pattern
        out = ["(?s)"]
        depth = 0
        if pattern.startswith("^"):
            out.append(r"\A")
            self._at = 1
        while self._at < len(pattern):
            character = pattern[self._at]
            if character == "(":
                if pattern.startswith("()", self._at):
                    raise BadPatternError("position captures '()' are not supported")
                depth += 1
                out.append("(")
                self._at += 1
            elif character == ")":
                depth -= 1
                if depth < 0:
                    raise BadPatternError("malformed pattern: ')' without '('")
                out.append(")")
                self._at += 1
            elif character == "$" and self._at == len(pattern) - 1:
                out.append(r"\z")
                self._at += 1
            else:
                out.append(self._single())
                if self._at < len(pattern) and pattern[self._at] in _QUANTIFIERS:
                    out.append(_QUANTIFIERS[pattern[self._at]])
                    self._at += 1
        if depth:
            raise BadPatternError("malformed pattern: unfinished capture")
        return "".join(out)

    def _single(self) -> str:
        character = self._pattern[self._at]
        if character == "%":
            return self._escaped()
        if character == "[":
            return self._set()
        self._at += 1
        return "." if character == "." else _literal(character)

    def _escaped(self) -> str:
        letter = self._pattern[self._at + 1 : self._at + 2]
        self._at += 2
        if not letter:
            raise BadPatternError("malformed pattern: ends with '%'")
        if letter in "bf" or letter.isdigit():
            raise BadPatternError(f"'%{letter}' is not supported")
        if letter.lower() in _CLASSES:
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        return _literal(letter)

    def _set(self) -> str:
        pattern = self._pattern
        self._at += 1
        out = "["
        if pattern.startswith("^", self._at):
            out += "^"
            self._at += 1
        first = True
        while first or not pattern.startswith("]", self._at):
            if self._at >= len(pattern):
                raise BadPatternError("malformed pattern: missing ']'")
            out += self._in_set()
            first = False
        self._at += 1
        return out + "]"

    def _in_set(self) -> str:
        pattern, character = self._pattern, self._pattern[self._at]
        if character == "%":
            letter = pattern[self._at + 1 : self._at + 2]
            self._at += 2
            if not letter:
                raise BadPatternError("malformed pattern: ends with '%'")
            if letter in _CLASSES:
                return _CLASSES[letter]
            return _negated(letter) if letter.lower() in _CLASSES else _literal(letter)
        last = pattern[self._at + 2 : self._at + 3]
        if pattern[self._at + 1 : self._at + 2] == "-" and last not in ("", "]"):
            self._at += 3
            if last < character:
                raise BadPatternError(f"malformed pattern: the range '{character}-{last}' is empty")
            return f"{_literal(character)}-{_literal(last)}"
        self._at += 1
        return _literal(character)


def _negated(letter: str) -> str:
    """The complement of a class inside of a set, written out: a set cannot hold a set."""
    import re2

    inside = re2.compile(f"[{_CLASSES[letter.lower()]}]")
    return "".join(_literal(chr(code)) for code in range(256) if not inside.fullmatch(chr(code)))


def _literal(character: str) -> str:
    return character if character in string.ascii_letters or character.isdigit() else f"\\x{{{ord(character):x}}}"
