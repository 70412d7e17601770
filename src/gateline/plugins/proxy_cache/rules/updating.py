"""What an answer tells of one that is stored: 304 (RFC 9111, section 4.3.4), HEAD (4.3.5), errors (4.3.3)."""

from typing import Literal

from gateline.plugins.proxy_cache.rules.directives import RequestDirectives
from gateline.plugins.proxy_cache.rules.fields import Headers, line_of, lines_of, members_of
from gateline.plugins.proxy_cache.rules.freshness import Policy
from gateline.plugins.proxy_cache.rules.stored import Stored
from gateline.plugins.proxy_cache.rules.storing import NOT_KEPT, Answer, Refusal, store

__all__ = ["NOT_UPDATED", "after_head", "freshen"]

NOT_UPDATED = NOT_KEPT | {b"content-encoding", b"content-length", b"content-md5", b"content-range", b"etag", b"vary"}
"""Fields that stay as they are stored: they tell of the stored body, or say by what it was chosen.

Besides those that section 3.2 excepts, the RFC lets a cache keep what its stored body depends on. An entity tag stays
because it is the one that the service was asked about; servers that compress answers say another one in their 304s,
which by section 4.3.4 would change nothing.
"""


def freshen(stored: Stored, not_modified: Answer, policy: Policy) -> Stored | Refusal:
    """What is stored once the service has said 304 about it; why it is not kept on, where the 304 forbids it.

    Fields of the 304 replace those that are stored; ages and lifetimes count from now.
    """
    headers = _updated(stored.headers, not_modified.headers)
    answer = Answer(
        stored.status, headers, requested=not_modified.requested, received=not_modified.received, length=stored.length
    )
    # Whether it may be shared was settled when it was stored; what has changed since is in the new headers.
    return store("GET", (), RequestDirectives(), answer, policy)


def after_head(stored: Stored, answer: Answer) -> Literal["freshen", "invalidate", "keep"]:
    """What the answer to a HEAD does to what is stored for GET.

    It freshens (as a 304 does, by `freshen`) where its validators and its length are those stored. Where one differs
    the stored answer is out of date; an answer other than 200 says nothing.
    """
    if answer.status != 200 or stored.status != 200:
        return "keep"
    for name, kept in ((b"etag", stored.etag), (b"last-modified", line_of(stored.headers, b"last-modified"))):
        line = line_of(answer.headers, name)
        if line is not None and line != kept:
            return "invalidate"
    length = line_of(answer.headers, b"content-length")
    if length is not None and stored.length >= 0 and length.isdigit() and int(length[:20]) != stored.length:
        return "invalidate"
    return "freshen"


def _updated(stored: Headers, newer: Headers) -> list[tuple[bytes, bytes]]:
    connection = {member.lower() for line in lines_of(newer, b"connection") for member in members_of(line)}
    update = [
        (name, value) for name, value in newer if name.lower() not in NOT_UPDATED and name.lower() not in connection
    ]
    replaced = {name.lower() for name, _ in update}
    if not _has_date(newer):
        replaced.add(b"date")
    kept = [(name, value) for name, value in stored if name.lower() not in replaced]
    # Age is never stored; that of the 304 tells how old it is.
    return kept + update + [(name, value) for name, value in newer if name.lower() == b"age"]


def _has_date(headers: Headers) -> bool:
    return line_of(headers, b"date") is not None
