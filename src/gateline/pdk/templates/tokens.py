"""Splitting an expression into tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gateline.pdk.templates.errors import TemplateError

__all__ = ["KEYWORDS", "Token", "tokens"]

Kind = Literal["name", "keyword", "number", "string", "sign", "end"]

KEYWORDS = frozenset(
    (
        *("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local"),
        *("nil", "not", "or", "repeat", "return", "then", "true", "until", "while"),
    )
)

_SPACE = re.compile(r"(?:\s+|--(?!\[\[)[^\n]*(?:\n|\Z))+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGN = re.compile(r"\.\.(?!\.)|==|~=|<=|>=|[-+*/%^#<>=()\[\],.:;]")
_ESCAPE = re.compile(r"\\(?:([0-9]{1,3})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_QUOTED = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: for a string its value, for everything else its text."""

    kind: Kind
    text: str
    at: int
    """Where it begins in the template, counted from 1."""


def tokens(source: str, start: int) -> Iterator[Token]:
    """The tokens of the expression that begins at an offset, for as long as they are asked for."""
    place = start
    while True:
        if space := _SPACE.match(source, place):
            place = space.end()
        if place >= len(source):
            yield Token("end", "", len(source) + 1)
            return
        token, place = _token(source, place)
        yield token


def _token(source: str, place: int) -> tuple[Token, int]:
    at = place + 1
    first = source[place]
    if name := _NAME.match(source, place):
        return Token("keyword" if name[0] in KEYWORDS else "name", name[0], at), name.end()
    if number := _NUMBER.match(source, place):
        if (after := source[number.end() : number.end() + 1]) and (after.isalnum() or after == "_"):
            raise TemplateError(f"malformed number near '{number[0]}{after}'", at)
        return Token("number", number[0], at), number.end()
    if first in "'\"":
        quoted = _QUOTED.match(source, place)
        if quoted is None:
            raise TemplateError("unfinished string", at)
        return Token("string", _unescaped(quoted[0][1:-1], at), at), quoted.end()
    if source.startswith("[[", place):
        end = source.find("]]", place + 2)
        if end < 0:
            raise TemplateError("unfinished long string", at)
        text = source[place + 2 : end]
        return Token("string", text.removeprefix("\n"), at), end + 2
    if sign := _SIGN.match(source, place):
        return Token("sign", sign[0], at), sign.end()
    raise TemplateError(f"unexpected '{first}'", at)


def _unescaped(text: str, at: int) -> str:
    if "\\" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        decimal, hexadecimal, letter = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        code = int(decimal) if decimal else int(hexadecimal, 16)
        if code > 255:
            raise TemplateError("escape sequence too large", at)
        return chr(code)

    return _ESCAPE.sub(value, text)
