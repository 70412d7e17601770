"""Parts of a stored answer: Range and If-Range (RFC 9110, section 14.2 and 13.1.5; RFC 9111, section 3.3).

One range of bytes is answered from what is stored. To more than one, and to what cannot be read, the whole answer is
given, as a recipient may. Partial answers are not stored.
"""

from dataclasses import dataclass
from typing import Literal

from gateline.plugins.proxy_cache.rules.dates import parse_date
from gateline.plugins.proxy_cache.rules.fields import Headers, lines_of
from gateline.plugins.proxy_cache.rules.serving import headers_of
from gateline.plugins.proxy_cache.rules.stored import Stored
from gateline.plugins.proxy_cache.rules.validators import entity_tag, same_strongly

__all__ = ["Part", "part_headers", "requested_part", "unsatisfiable_headers"]

_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `first` to `last` of a body, both included, of `length` in all."""

    first: int
    last: int
    length: int

    @property
    def content_range(self) -> bytes:
        """The value of Content-Range."""
        return b"bytes %d-%d/%d" % (self.first, self.last, self.length)


def requested_part(
    method: str, stored: Stored, headers: Headers, length: int, now: float
) -> Part | Literal["unsatisfiable"] | None:
    """The part of a stored answer, of so many bytes, that a request asks for.

    `unsatisfiable` where there is none such, which 416 answers; None where the whole answer is to be given. Look first
    whether 304 answers the request (`is_not_modified`).
    """
    lines = lines_of(headers, b"range")
    if method != "GET" or stored.status != 200 or len(lines) != 1:
        return None
    conditions = lines_of(headers, b"if-range")
    if conditions and not (len(conditions) == 1 and _is_same(stored, conditions[0], now)):
        return None
    return _part(lines[0], length)


def part_headers(stored: Stored, part: Part, now: float) -> list[tuple[bytes, bytes]]:
    """The header lines of the 206 that gives a part; Content-Length is left to the writer of the answer."""
    kept = [(name, value) for name, value in headers_of(stored, now) if name.lower() not in _OF_WHOLE]
    return [*kept, (b"Content-Range", part.content_range)]


def unsatisfiable_headers(length: int) -> list[tuple[bytes, bytes]]:
    """The header lines of a 416 (RFC 9110, section 15.5.17)."""
    return [(b"Content-Range", b"bytes */%d" % length)]


_OF_WHOLE = frozenset((b"content-length", b"content-range", b"content-md5", b"content-digest"))


def _part(line: bytes, length: int) -> Part | Literal["unsatisfiable"] | None:
    unit, equals, span = line.partition(b"=")
    if unit.strip(b" \t").lower() != b"bytes" or not equals or b"," in span:
        return None
    first, dash, last = span.strip(b" \t").partition(b"-")
    if not dash or not (first or last) or not all(map(_is_position, filter(None, (first, last)))):
        return None
    if not first:
        count = min(int(last), length)
        return Part(length - count, length - 1, length) if count else "unsatisfiable"
    begin, end = int(first), int(last) if last else length - 1
    if last and end < begin:
        return None
    return Part(begin, min(end, length - 1), length) if begin < length else "unsatisfiable"


def _is_position(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _DIGITS


def _is_same(stored: Stored, condition: bytes, now: float) -> bool:
    """Whether If-Range names the stored answer: by its strong entity tag, or by a date that is a strong validator."""
    if entity_tag(condition):
        return same_strongly(condition, stored.etag)
    moment = parse_date(condition, now)
    return moment is not None and moment == stored.last_modified and moment < stored.date
