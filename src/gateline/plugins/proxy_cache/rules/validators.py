"""Validators: entity tags and Last-Modified (RFC 9110, section 8.8), and conditions on them (RFC 9111, section 4.3)."""

from gateline.plugins.proxy_cache.rules.dates import format_date, parse_date
from gateline.plugins.proxy_cache.rules.fields import Headers, has, line_of, lines_of
from gateline.plugins.proxy_cache.rules.stored import Stored

__all__ = [
    "CONDITIONS",
    "conditions_for",
    "entity_tag",
    "entity_tags",
    "for_service_only",
    "is_not_modified",
    "same_strongly",
    "same_weakly",
]

CONDITIONS = frozenset((b"if-none-match", b"if-modified-since", b"if-range", b"range"))
"""Fields of a request that are taken out when a stored answer is validated for it: `conditions_for` replaces them."""

_ETAG_BYTES = frozenset((0x21, *range(0x23, 0x7F), *range(0x80, 0x100)))
_MOST_TAGS = 256


def entity_tag(text: bytes) -> bytes:
    """The text where it is an entity tag (RFC 9110, section 8.8.3), empty otherwise."""
    opaque = text[2:] if text[:2] == b"W/" else text
    well_formed = len(opaque) >= 2 and opaque[:1] == opaque[-1:] == b'"' and _ETAG_BYTES.issuperset(opaque[1:-1])
    return text if well_formed else b""


def entity_tags(line: bytes) -> list[bytes]:
    """The entity tags of a list, up to what is none. A tag may have commas, and a backslash in it escapes nothing."""
    tags: list[bytes] = []
    place = 0
    while place < len(line) and len(tags) < _MOST_TAGS:
        if line[place] in b" \t,":
            place += 1
            continue
        opening = place + 2 if line.startswith(b"W/", place) else place
        closing = line.find(b'"', opening + 1)
        tag = entity_tag(line[place : closing + 1]) if closing >= 0 else b""
        if not tag:
            break
        tags.append(tag)
        place = closing + 1
    return tags


def same_strongly(one: bytes, other: bytes) -> bool:
    """Strong comparison (RFC 9110, section 8.8.3.2)."""
    return one == other and one[:1] == b'"'


def same_weakly(one: bytes, other: bytes) -> bool:
    """Weak comparison."""
    return one.removeprefix(b"W/") == other.removeprefix(b"W/") != b""


def for_service_only(headers: Headers) -> bool:
    """Whether a request has a condition that only the service can judge (RFC 9111, section 4.3.2)."""
    return has(headers, b"if-match") or has(headers, b"if-unmodified-since")


def conditions_for(stored: Stored) -> list[tuple[bytes, bytes]]:
    """The fields that ask the service whether a stored answer is still good (RFC 9111, section 4.3.1).

    They take the place of the client's own (`CONDITIONS`), which `is_not_modified` answers when it is known what holds.
    Empty where nothing can be asked.
    """
    fields = []
    if stored.etag:
        fields.append((b"If-None-Match", stored.etag))
    if stored.last_modified is not None:
        line = line_of(stored.headers, b"last-modified")
        fields.append((b"If-Modified-Since", line or format_date(stored.last_modified)))
    return fields


def is_not_modified(stored: Stored, headers: Headers, now: float) -> bool:
    """Whether a client that sends these headers has what is stored, so that 304 answers it (RFC 9111, section 4.3.2).

    If-Modified-Since has no say beside If-None-Match. Where the answer does not tell when it was modified, its Date
    does.
    """
    if not 200 <= stored.status < 300:
        return False
    lines = lines_of(headers, b"if-none-match")
    if lines:
        if lines == [b"*"]:
            return True
        return any(same_weakly(tag, stored.etag) for line in lines for tag in entity_tags(line))
    since = lines_of(headers, b"if-modified-since")
    if len(since) != 1:
        return False
    moment = parse_date(since[0], now)
    changed = stored.date if stored.last_modified is None else stored.last_modified
    return moment is not None and changed <= moment
