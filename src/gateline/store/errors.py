"""What a store says when it cannot do something: Kong's sentences about entities, and ours about the store itself."""

from collections.abc import Mapping
from typing import Any

from gateline.entities import EntityError, lua
from gateline.entities.errors import (
    FOREIGN_KEY_VIOLATION,
    INVALID_OFFSET,
    NOT_FOUND,
    PRIMARY_KEY_VIOLATION,
    REFERENCED_BY_OTHERS,
    SCHEMA_VIOLATION,
    UNIQUE_VIOLATION,
)


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, as "temporarily unavailable" is in HTTP
    """The store cannot be used now; `reason` is a sentence for whoever runs it. Later calls may succeed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotMigrated(StoreUnavailable):
    """The database can be reached, but its tables are missing or of another release."""


def unique(values: Mapping[str, Any], *, hidden: frozenset[str] = frozenset()) -> EntityError:
    """Another entity has these values (references as `{"id": ...}`). Null fields of `hidden` are not told."""
    told = {name: value for name, value in values.items() if value is not None or name not in hidden}
    return EntityError(UNIQUE_VIOLATION, f"UNIQUE violation detected on '{_lua(told)}'", told)


def primary_key(identifier: str) -> EntityError:
    """Another entity has this id."""
    key = {"id": identifier}
    return EntityError(PRIMARY_KEY_VIOLATION, f"primary key violation on key '{_lua(key)}'", key)


def dangling(field: str, identifier: str, parent: str) -> EntityError:
    """A reference to an entity that does not exist."""
    key = {"id": identifier}
    sentence = f"the foreign key '{_lua(key)}' does not reference an existing '{parent}' entity."
    return EntityError(FOREIGN_KEY_VIOLATION, sentence, {field: key})


def referenced(parent: str, child: str) -> EntityError:
    """An entity cannot be deleted because of another that points to it."""
    sentence = f"an existing '{child}' entity references this '{parent}' entity"
    return EntityError(FOREIGN_KEY_VIOLATION, sentence, {"@referenced_by": child})


def listed(parent: str, identifier: str, child: str, by: str) -> EntityError:
    """An entity cannot be deleted because the entity `by`, of kind `child`, lists it. `parent` is a word for it."""
    return EntityError(REFERENCED_BY_OTHERS, f"{parent} {identifier} is still referenced by {child} (id = {by})")


def not_found(identifier: str) -> EntityError:
    """There is no entity with this id."""
    key = {"id": identifier}
    return EntityError(NOT_FOUND, f"could not find the entity with primary key '{_lua(key)}'", key)


def invalid_offset(offset: str) -> EntityError:
    """What was given as the position of a page is none."""
    return EntityError(INVALID_OFFSET, f"'{offset}' is not a valid offset: bad value")


def unstorable(sentence: str) -> EntityError:
    """A value that the database cannot hold, such as one that is too long for an index."""
    return EntityError(SCHEMA_VIOLATION, f"schema violation ({sentence})", {"@entity": [sentence]})


def _lua(key: Mapping[str, Any]) -> str:
    return lua.table(dict(key), null="null")
