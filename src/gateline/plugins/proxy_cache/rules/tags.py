"""Tags under which answers are purged: Cache-Tag, whose members commas part, and Surrogate-Key, with spaces."""

from collections.abc import Iterable

from gateline.plugins.proxy_cache.rules.fields import Headers, lines_of

__all__ = ["LONGEST_TAG", "MOST_TAGS", "tags_of"]

LONGEST_TAG = 1024
"""Bytes of the longest tag; a longer one is left out."""

MOST_TAGS = 1000
"""Tags of one answer at most; those that come later are left out."""

_VISIBLE = frozenset(range(0x21, 0x7F))


def tags_of(headers: Headers) -> tuple[bytes, ...]:
    """The tags of an answer, each once, in order. What is not visible ASCII is no tag; case counts."""
    tags: dict[bytes, None] = {}
    for tag in _listed(headers):
        if 0 < len(tag) <= LONGEST_TAG and _VISIBLE.issuperset(tag):
            tags[tag] = None
            if len(tags) == MOST_TAGS:
                break
    return tuple(tags)


def _listed(headers: Headers) -> Iterable[bytes]:
    for line in lines_of(headers, b"cache-tag"):
        yield from (tag.strip(b" \t") for tag in line.split(b","))
    for line in lines_of(headers, b"surrogate-key"):
        yield from line.split()
