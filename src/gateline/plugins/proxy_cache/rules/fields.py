"""Header fields as the rules read them: pairs of bytes, lists split where the grammar splits them.

Nothing here raises: what a peer sends wrongly is left out. Work is linear in the length of what was received, which
the gateway bounds.
"""

from collections.abc import Sequence

__all__ = [
    "TOKEN",
    "Headers",
    "closing_quote",
    "has",
    "is_token",
    "line_of",
    "lines_of",
    "members_of",
    "seconds_of",
]

Headers = Sequence[tuple[bytes, bytes]]
"""Header lines in order: names in any case, values without the white space around them."""

TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""The characters of a token (RFC 9110, section 5.6.2)."""

LONGEST = 2**31
"""Seconds that stand for every longer time (RFC 9111, section 1.2.2)."""

_QUOTE, _COMMA, _BACKSLASH = b'",\\'


def lines_of(headers: Headers, name: bytes) -> list[bytes]:
    """The values of a field, a value for each line. The name is in lower case."""
    return [value for field, value in headers if field.lower() == name]


def line_of(headers: Headers, name: bytes) -> bytes | None:
    """The value of a field's first line, None when there is none."""
    return next((value for field, value in headers if field.lower() == name), None)


def has(headers: Headers, name: bytes) -> bool:
    """Whether there is a line of this name."""
    return line_of(headers, name) is not None


def members_of(value: bytes) -> list[bytes]:
    """The members of a list, without the white space around them; empty ones are left out (RFC 9110, section 5.6.1).

    A comma in a quoted string splits nothing. A quote that nothing closes is an ordinary character, so that it hides
    no member that comes after it.
    """
    if b'"' not in value:
        return [member for part in value.split(b",") if (member := part.strip(b" \t"))]
    members = []
    begin = place = 0
    closed = True  # where one quote is never closed, every later one is an escaped one of it, or is never closed either
    while place < len(value):
        byte = value[place]
        if byte == _QUOTE and closed:
            closing = closing_quote(value, place)
            closed = closing > place
            place = closing
        elif byte == _COMMA:
            members.append(value[begin:place])
            begin = place + 1
        place += 1
    members.append(value[begin:])
    return [member for part in members if (member := part.strip(b" \t"))]


def closing_quote(value: bytes, opening: int) -> int:
    """Where the quoted string ends; where it begins, when it ends nowhere."""
    place = opening + 1
    while place < len(value):
        byte = value[place]
        if byte == _QUOTE:
            return place
        place += 2 if byte == _BACKSLASH else 1
    return opening


def is_token(text: bytes) -> bool:
    """Whether the text is a token (RFC 9110, section 5.6.2)."""
    return bool(text) and TOKEN.issuperset(text)


def seconds_of(text: bytes) -> int | None:
    """A number of seconds, at most `LONGEST`; None where it is none (RFC 9111, section 1.2.2)."""
    if not text.isdigit():
        return None
    digits = text.lstrip(b"0")
    return LONGEST if len(digits) > 10 else min(int(digits or b"0"), LONGEST)
