"""Ids of entities that a file leaves out: derived, so that they are the same at every load and on every node.

An entity with an endpoint key (a name) gets the UUIDv5 that Kong derives from kind and key, so ids stay the same when a
file moves from Kong to Gateline. One that is unique by several fields (a plugin by name and scope) gets a UUIDv5 of
these, and one without any key a UUIDv5 of what it says, where Kong makes up a new one at each load.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid5

from gateline.entities import Entity, Reference, entity_class, foreign_fields, unique_fields
from gateline.entities.wire import plain

_ROOT = UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")
"""The namespace from which Kong derives one for each kind."""

_NOT_SAID = frozenset(("id", "created_at", "updated_at", "expires_at"))


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


def base_key(entity: type[Entity], values: Mapping[str, Any]) -> tuple[str, bool]:
    """What an entity's id is derived from, and whether that names it; values as its model holds them.

    Its endpoint key (with its parents' ids, when the key is unique within a parent only), else the fields that it is
    unique by, else all that it says.
    """
    key = values[entity.endpoint_key] if entity.endpoint_key else None
    if key is not None:
        scopes = _scopes(entity.kind)
        return (":".join([key, *(_text(values[name]) for name in scopes)]) if scopes else key), True
    if entity.unique_together:
        return ":".join(_text(values[name]) for name in entity.unique_together[0]), True
    return content_key(values), False


def content_key(values: Mapping[str, Any]) -> str:
    """Everything that an entity says, as one text."""
    said = {name: plain(value) for name, value in values.items() if value is not None and name not in _NOT_SAID}
    return json.dumps([said], sort_keys=True, separators=(",", ":"))


def _text(value: Any) -> str:
    if isinstance(value, Reference):
        return value.id
    return "" if value is None else str(value)


@lru_cache
def _scopes(kind: str) -> tuple[str, ...]:
    """Foreign fields that belong to the key of a kind whose endpoint key is only unique within a parent."""
    model = entity_class(kind)
    if model is None or model.endpoint_key is None or model.endpoint_key in unique_fields(kind):
        return ()
    return tuple(foreign.field for foreign in foreign_fields(kind) if foreign.to.on_delete == "cascade")
