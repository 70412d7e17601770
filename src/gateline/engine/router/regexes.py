r"""Regexes that users write: RE2 alone, so that none can take more than linear time.

Patterns and subjects are UTF-8. A path regex is anchored at its start only, `.` does not match a line feed, `\d`, `\w`
and `\s` are ASCII, `(?<name>...)` and `(?P<name>...)` both name a group. Look-around and back references do not exist.
The memory of one regex (its program, and the states that requests make it build) is bounded by `MEMORY` bytes, or
`LARGE_MEMORY` where the program alone needs more; that of one `RegexSet` by `LARGE_MEMORY` too.

The extension type under `re2` is called directly: the wrapper's match object costs as much again as the match.
"""

from collections.abc import Generator, Iterable
from typing import Any, final

import re2

__all__ = ["LARGE_MEMORY", "MEMORY", "SET_SIZE", "Regex", "RegexError", "RegexSet", "check_regex", "literal_prefix"]

MEMORY = 1 << 20
LARGE_MEMORY = 8 << 20  # RE2's own bound: what it takes elsewhere it takes here
SET_SIZE = 500
"""Patterns in one set: compiling takes about 4 µs a pattern in one go, and a set is asked in about 1 µs."""

_re2 = re2._re2  # noqa: SLF001 (see above)
_ANCHOR_START = _re2.RE2.Anchor.ANCHOR_START
_UNANCHORED = _re2.RE2.Anchor.UNANCHORED
_NO_SPAN = (-1, -1)


class RegexError(ValueError):
    """RE2 cannot take the pattern; the text is its reason."""


def _options(memory: int, *, ignore_case: bool = False, latin1: bool = False) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    options.case_sensitive = not ignore_case
    if latin1:
        options.encoding = re2.Options.Encoding.LATIN1
    return options


# Tried one after the other.
_PATH = tuple(_options(memory) for memory in (MEMORY, LARGE_MEMORY))
_ANY_CASE = tuple(_options(memory, ignore_case=True) for memory in (MEMORY, LARGE_MEMORY))
# A header's value may be any bytes, and `.` must not stop at one that is not UTF-8.
_HEADER = tuple(_options(memory, ignore_case=True, latin1=True) for memory in (MEMORY, LARGE_MEMORY))


def _compile(pattern: str, choices: tuple[Any, ...]) -> Any:
    try:
        encoded = pattern.encode()
    except UnicodeEncodeError:
        raise RegexError("not valid Unicode text") from None
    for options in choices:
        compiled = _re2.RE2(encoded, options)
        if compiled.ok():
            return compiled
    reason = compiled.error()
    raise RegexError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason))


def check_regex(pattern: str) -> str | None:
    """Why RE2 cannot take the pattern (without the `~` that marks a path as regex), None when it can."""
    try:
        _compile(pattern, _PATH)
    except RegexError as error:
        return str(error)
    return None


@final
class Regex:
    """A compiled regex. `groups` counts its capturing groups, `names` maps group names to numbers."""

    __slots__ = ("__weakref__", "_compiled", "groups", "names", "pattern")

    def __init__(self, pattern: str, *, header: bool = False, ignore_case: bool = False) -> None:
        """Raise `RegexError`. `header` and `ignore_case` make it blind to case, `header` takes any bytes as subject."""
        self.pattern = pattern
        self._compiled = _compile(pattern, _HEADER if header else _ANY_CASE if ignore_case else _PATH)
        self.groups: int = self._compiled.NumberOfCapturingGroups()
        self.names: dict[str, int] = {}
        if self.groups:
            self.names = {name.decode(): index for name, index in self._compiled.NamedCapturingGroups()}

    def match(self, text: bytes) -> list[tuple[int, int]] | None:
        """The spans of the whole match, anchored at the start, and of each group ((-1, -1): it took no part)."""
        spans: list[tuple[int, int]] = self._compiled.Match(_ANCHOR_START, text, 0, len(text))
        return None if spans[0] == _NO_SPAN else spans

    def search(self, text: bytes) -> list[tuple[int, int]] | None:
        """The same, found anywhere in the text."""
        spans: list[tuple[int, int]] = self._compiled.Match(_UNANCHORED, text, 0, len(text))
        return None if spans[0] == _NO_SPAN else spans


@final
class RegexSet:
    """Path regexes asked at once: which of them match a text at its start."""

    __slots__ = ("_patterns", "_set")

    def __init__(self, patterns: Iterable[str]) -> None:
        """The patterns (each makes a `Regex`), numbered in their order; to be compiled before they are asked."""
        self._set = re2.Set.MatchSet(_PATH[-1])
        self._patterns = patterns

    def compile(self) -> Generator[None, None, bool]:
        """Compile them in two steps; False where their states do not fit into `LARGE_MEMORY`."""
        try:
            for pattern in self._patterns:
                self._set.Add(pattern)
            yield
            self._set.Compile()
        except re2.error:
            return False
        finally:
            self._patterns = ()
        return True

    def match(self, text: bytes) -> list[int]:
        """The numbers of the regexes that match at the start of the text, in any order."""
        return self._set.Match(text) or []


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!';:@&=,/#")
_ESCAPABLE = frozenset("-._~!*'();:@&=+$,/?#[]")


def literal_prefix(pattern: str) -> bytes:
    """Bytes with which every path begins that the pattern matches at its start; never more, sometimes less.

    Only characters with one spelling in a normalised path are given, so it holds for the path as for its decoded text.
    """
    literal: list[str] = []
    position, end = (1 if pattern.startswith("^") else 0), len(pattern)
    while position < end:
        character = pattern[position]
        width = 1
        if character == "\\":
            character = pattern[position + 1 : position + 2]
            width = 2
            if character not in _ESCAPABLE:
                break
        elif character == "." or character not in _PLAIN:
            break
        if pattern[position + width : position + width + 1] in ("*", "?", "{"):
            break
        literal.append(character)
        position += width
        if pattern[position : position + 1] == "+":
            break
    if "|" in pattern[position:] and _has_top_level_alternative(pattern, position):
        return b""
    return "".join(literal).encode()


def _has_top_level_alternative(pattern: str, position: int) -> bool:
    """Whether the rest of the pattern has a `|` outside of groups; True too where that is hard to say."""
    depth = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            if pattern[position + 1 : position + 2] == "Q":
                return True
            position += 1
        elif character == "[":
            position = _end_of_class(pattern, position)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "|" and depth <= 0:
            return True
        position += 1
    return False


def _end_of_class(pattern: str, position: int) -> int:
    """Where the `]` stands that closes the character class opened at `position`."""
    position += 1
    if pattern.startswith("^", position):
        position += 1
    if pattern.startswith("]", position):
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        if pattern[position] == "\\":
            position += 1
        elif pattern.startswith("[:", position):
            closing = pattern.find(":]", position + 2)
            position = position if closing < 0 else closing + 1
        position += 1
    return position
