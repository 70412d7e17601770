r"""Regexes that users write into a configuration: RE2, so that none can take more than linear time.

Patterns and texts are compared as bytes, as headers are received: `.` is any byte but a line feed, and `\d`, `\w` and
`\s` are ASCII. Look-around and back references do not exist.
"""

from collections.abc import Iterable
from typing import Any, final

import re2

__all__ = ["Regex", "RegexError"]

_re2 = re2._re2  # noqa: SLF001 - the wrapper's match object costs as much again as the match
_UNANCHORED = _re2.RE2.Anchor.UNANCHORED
_ANCHOR_BOTH = _re2.RE2.Anchor.ANCHOR_BOTH
_NO_SPAN = (-1, -1)


class RegexError(ValueError):
    """RE2 cannot take the pattern; the text is its reason."""


@final
class Regex:
    """A compiled regex, or several of which one must fit."""

    __slots__ = ("_compiled", "pattern")

    def __init__(self, *patterns: str, ignore_case: bool = False) -> None:
        """Raises RegexError."""
        self.pattern = _alternatives(patterns)
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        options.case_sensitive = not ignore_case
        options.encoding = re2.Options.Encoding.LATIN1
        self._compiled: Any = _re2.RE2(self.pattern.encode(), options)
        if not self._compiled.ok():
            reason = self._compiled.error()
            raise RegexError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason))

    def found_in(self, text: str) -> bool:
        """Whether it fits anywhere in the text."""
        return self._fits(_UNANCHORED, text)

    def fits(self, text: str) -> bool:
        """Whether it fits the text as a whole."""
        return self._fits(_ANCHOR_BOTH, text)

    def _fits(self, anchor: Any, text: str) -> bool:
        subject = text.encode("latin-1") if text.isascii() else _bytes_of(text)
        spans = self._compiled.Match(anchor, subject, 0, len(subject))
        return bool(spans[0] != _NO_SPAN)


def _alternatives(patterns: Iterable[str]) -> str:
    several = tuple(patterns)
    return several[0] if len(several) == 1 else "|".join(f"(?:{pattern})" for pattern in several)


def _bytes_of(text: str) -> bytes:
    """The bytes of a text as it came (Latin-1), or those of one that was written."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
