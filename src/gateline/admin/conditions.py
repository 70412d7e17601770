"""Concurrent writers: the entity tag that every answer with one entity carries, and the conditions on it that a write
may have (RFC 9110, section 13). They are looked at inside the write's transaction, so that nothing comes between.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request

from gateline.admin.errors import precondition_failed

_TAG = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')

Row = Mapping[str, Any]


def entity_tag(row: Row) -> str:
    """The entity tag of an entity as it is shown: a digest of all that is shown."""
    return f'"{hashlib.blake2b(msgspec.json.encode(row), digest_size=16).hexdigest()}"'


class Conditions:
    """What a write expects of the entity as it is. Without conditions, nothing."""

    def __init__(self, match: str | None = None, none_match: str | None = None) -> None:
        self._match = match
        self._none_match = none_match

    @classmethod
    def of(cls, request: Request) -> "Conditions":
        """The conditions of a request."""
        return cls(_joined(request, "if-match"), _joined(request, "if-none-match"))

    def __bool__(self) -> bool:
        return self._match is not None or self._none_match is not None

    def check(self, row: Row | None) -> None:
        """Raise ApiError 412 when the entity (None: there is none) is not as expected."""
        if self._match is not None and (row is None or not _named(self._match, row, weakly=False)):
            raise precondition_failed()
        if self._none_match is not None and row is not None and _named(self._none_match, row, weakly=True):
            raise precondition_failed()


def _joined(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ", ".join(values) if values else None


def _named(condition: str, row: Row, *, weakly: bool) -> bool:
    """Whether a list of entity tags names the row's; a weak tag never does where the comparison is strong."""
    if condition.strip() == "*":
        return True
    tag = entity_tag(row)
    return any(named == tag and (weakly or not weak) for weak, named in _TAG.findall(condition))
