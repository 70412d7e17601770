"""Lists: the size of a page, where it begins, which tags its entities must have, and what an answer says about the
next.

An offset is opaque to clients: what the store continues a page with, in base64.
"""

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from gateline.admin.errors import invalid_offset, invalid_option, invalid_size
from gateline.entities import Entity, EntityError
from gateline.entities.errors import INVALID_OFFSET
from gateline.store import TagFilter, Where
from gateline.store.interface import Reading

SIZE = 100
LARGEST = 1000
MOST_TAGS = 5

_TAG = r"[ -+\-.0-~\u0080-\U0010ffff]+"
_EVERY = re.compile(rf"{_TAG}(,{_TAG})*,?")
_ANY = re.compile(rf"{_TAG}(/{_TAG})*/?")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """Which page is asked for."""

    size: int
    after: str | None
    offset: str | None
    """`after` as the client gave it, for messages."""

    @classmethod
    def of(cls, request: Request) -> "Position":
        """The page that a request asks for. Raises EntityError."""
        size = _size(request.query_params.get("size"))  # clients repeat it when they follow a link that keeps it
        offset = request.query_params.get("offset")
        return cls(size, _after(offset) if offset is not None else None, offset)

    def refused(self, error: EntityError) -> EntityError:
        """A refusal of the store, said about what the client gave."""
        if error.kind is INVALID_OFFSET and self.offset is not None:
            return invalid_offset(self.offset, "bad value")
        return error


def _size(given: str | None) -> int:
    if given is None:
        return SIZE
    if not _NUMBER.fullmatch(given):
        raise invalid_size("size must be a number")
    number = float(given)
    if not number.is_integer() or not 1 <= number <= LARGEST:
        raise invalid_size(f"size must be an integer between 1 and {LARGEST}")
    return int(number)


def _after(offset: str) -> str:
    try:
        after = base64.b64decode(offset.encode(), validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise invalid_offset(offset, "bad base64 encoding") from None
    if not after:
        raise invalid_offset(offset, "bad base64 encoding")
    return after


def tag_filter(request: Request) -> TagFilter | None:
    """Which tags are asked for: `a,b` all of them, `a/b` one of them. Raises ApiError."""
    given = request.query_params.get("tags")
    if given is None:
        return None
    if not given:
        raise invalid_option("tags", "cannot be null")
    for pattern, separator, every in ((_EVERY, ",", True), (_ANY, "/", False)):
        if pattern.fullmatch(given):
            tags = tuple(tag for tag in given.split(separator) if tag)
            if len(tags) > MOST_TAGS:
                raise invalid_option("tags", f"cannot query more than {MOST_TAGS} tags")
            return TagFilter(tags, every=every)
    raise invalid_option("tags", "invalid filter syntax")


def page_body(
    path: str, rows: Iterable[Any], after: str | None, request: Request, keep: Iterable[str] = ("tags", "size")
) -> dict[str, Any]:
    """The answer to a list: its rows, and the link to the next page, which keeps some arguments."""
    body: dict[str, Any] = {"data": list(rows), "next": None}
    if after is not None:
        offset = base64.b64encode(after.encode()).decode()
        kept = {name: request.query_params[name] for name in keep if name in request.query_params}
        body["next"] = f"{path}?{query({'offset': offset, **kept})}"
        body["offset"] = offset
    return body


def query(arguments: Mapping[str, str]) -> str:
    """Arguments as they stand in a URL."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in arguments.items())


async def every(reading: Reading, kind: str, where: Where) -> AsyncIterator[Entity]:
    """All entities that fulfil conditions, read page by page."""
    after: str | None = None
    while True:
        page = await reading.page(kind, size=LARGEST, after=after, where=where)
        for entity in page.entities:
            yield entity
        after = page.after
        if after is None:
            return
