"""Lua's string functions, as far as they are harmless: no pattern but a literal one, no result without a bound."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from gateline.pdk.templates.errors import LIMIT, TemplateFault
from gateline.pdk.templates.patterns import compiled
from gateline.pdk.templates.values import bounded, number, rendered, text, type_name, written

__all__ = ["PATTERN_FUNCTIONS", "STRING_FUNCTIONS", "pattern_function"]

_DIRECTIVE = re.compile(r"%([-+ #0]*)([0-9]{0,2})(?:\.([0-9]{0,2}))?([a-zA-Z%])")
_REPLACEMENT = re.compile(r"%(.)|%\Z", re.DOTALL)


def _string(value: Any) -> str:
    return text(value, "call a string function on")


def _whole(value: Any) -> int:
    read = number(value, "use as a position")
    return int(read) if abs(read) < 2**53 else (2**53 if read > 0 else -(2**53))


def _sub(value: Any, first: Any = 1.0, last: Any = -1.0) -> str:
    subject, begin, end = _string(value), _whole(first), _whole(last)
    begin = max(len(subject) + begin + 1, 1) if begin < 0 else max(begin, 1)
    end = len(subject) + end + 1 if end < 0 else end
    return subject[begin - 1 : max(end, 0)]


def _upper(value: Any) -> str:
    return _string(value).encode("latin-1").upper().decode("latin-1")


def _lower(value: Any) -> str:
    return _string(value).encode("latin-1").lower().decode("latin-1")


def _rep(value: Any, times: Any) -> str:
    subject, count = _string(value), max(_whole(times), 0)
    if len(subject) * count > LIMIT:
        raise TemplateFault(f"a text is longer than {LIMIT} bytes")
    return subject * count


def _byte(value: Any, place: Any = 1.0) -> float | None:
    one = _sub(value, place, place)
    return float(ord(one)) if one else None


def _char(*codes: Any) -> str:
    read = [_whole(code) for code in codes]
    if any(not 0 <= code <= 255 for code in read):
        raise TemplateFault("invalid value for string.char: not a byte")
    return "".join(map(chr, read))


def _format(form: Any, *values: Any) -> str:
    left = iter(values)

    def one(match: re.Match[str]) -> str:
        flags, width, precision, letter = match.groups()
        if letter == "%":
            return "%"
        value = next(left, None)
        exact = "" if precision is None else f".{precision or 0}"
        if letter == "s":
            return f"%{flags}{width}{exact}s" % rendered(value)
        if letter in "diuxXo":
            kind = "d" if letter in "iu" else letter
            return f"%{flags}{width}{exact}{kind}" % _whole(value)
        if letter in "eEfgG":
            return f"%{flags}{width}{exact}{letter}" % number(value, "format")
        raise TemplateFault(f"invalid option '%{letter}' to 'format'")

    pieces: list[str] = []
    size = place = 0
    source = _string(form)
    for match in _DIRECTIVE.finditer(source):
        pieces += (source[place : match.start()], one(match))
        place = match.end()
        size += len(pieces[-1]) + len(pieces[-2])
        if size > LIMIT:
            raise TemplateFault(f"a text is longer than {LIMIT} bytes")
    return bounded("".join(pieces) + source[place:])


STRING_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "byte": _byte,
    "char": _char,
    "format": _format,
    "len": lambda value: float(len(_string(value))),
    "lower": _lower,
    "rep": _rep,
    "reverse": lambda value: _string(value)[::-1],
    "sub": _sub,
    "upper": _upper,
}
"""Functions that take values; those of `PATTERN_FUNCTIONS` take a literal pattern besides."""

PATTERN_FUNCTIONS = ("find", "gsub", "match")


def pattern_function(name: str, pattern: str, *, plain: bool) -> Callable[..., Any]:
    """`find`, `match` or `gsub` with its pattern compiled: takes what is left of its arguments.

    Raises BadPatternError. `plain` is for `find`, and means the pattern is the text to be found.
    """
    if name == "find" and plain:
        return lambda subject, init=1.0, *_: _found(_string(subject), pattern, init)
    regex = compiled(pattern)
    if name == "find":
        return lambda subject, init=1.0, *_: _searched(regex, subject, init, first=True)
    if name == "match":
        return lambda subject, init=1.0, *_: _searched(regex, subject, init, first=False)
    once = pattern.startswith("^")
    return lambda subject, by, most=None, *_: _replaced(regex, _string(subject), by, 1.0 if once else most)


def _start(subject: str, init: Any) -> int:
    begin = _whole(init)
    return max(len(subject) + begin, 0) if begin < 0 else max(begin - 1, 0)


def _found(subject: str, part: str, init: Any) -> float | None:
    begin = _start(subject, init)
    place = subject.find(part, begin) if begin <= len(subject) else -1
    return None if place < 0 else float(place + 1)


def _searched(regex: Any, value: Any, init: Any, *, first: bool) -> float | str | None:
    subject = _string(value)
    begin = _start(subject, init)
    if begin > len(subject):
        return None
    match = regex.search(subject[begin:])
    if match is None:
        return None
    if first:
        return float(match.start() + begin + 1)
    return str(match.group(1 if regex.groups else 0))


def _replaced(regex: Any, subject: str, by: Any, most: Any) -> str:
    if not isinstance(by, (str, int, float)) or isinstance(by, bool):
        raise TemplateFault(f"gsub replaces by a string, not by a {type_name(by)}")
    made = _filled(by) if isinstance(by, str) else None
    limit = len(subject) + 1 if most is None else _whole(most)
    pieces: list[str] = []
    size = place = 0
    for count, match in enumerate(regex.finditer(subject)):
        if count >= limit:
            break
        pieces += (subject[place : match.start()], made(match) if made else written(float(by)))
        place = match.end()
        size += len(pieces[-1]) + len(pieces[-2])
        if size > LIMIT:
            raise TemplateFault(f"a text is longer than {LIMIT} bytes")
    return bounded("".join(pieces) + subject[place:])


def _filled(by: str) -> Callable[[Any], str]:
    """The replacement of a match: `%0` to `%9` stand for the whole match and its captures."""
    parts = list(_parts(by))
    if len(parts) == 1 and isinstance(parts[0], str):
        fixed = parts[0]
        return lambda _: fixed

    def fill(match: Any) -> str:
        groups = match.re.groups
        out = []
        size = 0
        for part in parts:
            if isinstance(part, str):
                out.append(part)
            elif part > max(groups, 1):
                raise TemplateFault(f"invalid capture index %{part} in gsub")
            else:
                out.append(match.group(part if groups else 0) or "")
            size += len(out[-1])
            if size > LIMIT:
                raise TemplateFault(f"a text is longer than {LIMIT} bytes")
        return "".join(out)

    return fill


def _parts(by: str) -> Iterator[str | int]:
    place = 0
    for match in _REPLACEMENT.finditer(by):
        if match.start() > place:
            yield by[place : match.start()]
        yield int(match[1]) if match[1] and match[1].isdigit() else (match[1] or "%")
        place = match.end()
    if place < len(by) or not by:
        yield by[place:]
