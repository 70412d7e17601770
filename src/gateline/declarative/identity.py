"""Ids of entities that a file leaves out: derived, so that they are the same at every load and on every node.

An entity with an endpoint key (a name) gets the UUIDv5 that Kong derives from kind and key, so ids stay the same when a
file moves from Kong to Gateline. One without gets a UUIDv5 of what it says, where Kong makes up a new one at each load.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid5

_ROOT = UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")
"""The namespace from which Kong derives one for each kind."""


@lru_cache
def _namespace(kind: str) -> bytes:
    return uuid5(_ROOT, kind).bytes


def derived_id(kind: str, key: str) -> str:
    """The id of the entity of a kind that a key names."""
    digest = sha1(_namespace(kind) + key.encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16], "big")
    number = (number & ~(0xF000 << 64) & ~(0xC000 << 48)) | (5 << 76) | (0x8000 << 48)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def content_key(row: Mapping[str, Any], parent: str | None) -> str:
    """A key for an entity without one: what it says and whose child it is."""
    return json.dumps([parent, row], sort_keys=True, separators=(",", ":"), default=str)
