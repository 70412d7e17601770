"""The one catalogue of errors about entities: code, name, HTTP status and sentences, as in Kong's Admin API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One row of the catalogue. `status` is the HTTP status that the Admin API answers with."""

    code: int
    name: str
    status: int


INVALID_PRIMARY_KEY = ErrorKind(1, "invalid primary key", 400)
SCHEMA_VIOLATION = ErrorKind(2, "schema violation", 400)
PRIMARY_KEY_VIOLATION = ErrorKind(3, "primary key violation", 400)
FOREIGN_KEY_VIOLATION = ErrorKind(4, "foreign key violation", 400)
UNIQUE_VIOLATION = ErrorKind(5, "unique constraint violation", 409)
NOT_FOUND = ErrorKind(6, "not found", 404)
INVALID_OFFSET = ErrorKind(7, "invalid offset", 400)
DATABASE_ERROR = ErrorKind(8, "database error", 500)
INVALID_SIZE = ErrorKind(9, "invalid size", 400)
INVALID_UNIQUE = ErrorKind(10, "invalid unique {field}", 400)
INVALID_OPTIONS = ErrorKind(11, "invalid options", 400)
OPERATION_UNSUPPORTED = ErrorKind(12, "operation unsupported", 405)
FOREIGN_KEYS_UNRESOLVED = ErrorKind(13, "foreign keys unresolved", 400)
DECLARATIVE_CONFIG = ErrorKind(14, "invalid declarative configuration", 400)
TRANSFORMATION_ERROR = ErrorKind(15, "transformation error", 400)
INVALID_FOREIGN_KEY = ErrorKind(16, "invalid foreign key", 400)
INVALID_WORKSPACE = ErrorKind(17, "invalid workspace", 400)
INVALID_GLOBAL_QUERY = ErrorKind(18, "invalid global query", 400)
REFERENCED_BY_OTHERS = ErrorKind(19, "referenced by others", 400)
INVALID_SEARCH_QUERY = ErrorKind(20, "invalid search query", 400)
INVALID_DELTAS = ErrorKind(21, "invalid sync deltas", 400)

CATALOGUE: Mapping[int, ErrorKind] = {
    kind.code: kind
    for kind in (
        INVALID_PRIMARY_KEY,
        SCHEMA_VIOLATION,
        PRIMARY_KEY_VIOLATION,
        FOREIGN_KEY_VIOLATION,
        UNIQUE_VIOLATION,
        NOT_FOUND,
        INVALID_OFFSET,
        DATABASE_ERROR,
        INVALID_SIZE,
        INVALID_UNIQUE,
        INVALID_OPTIONS,
        OPERATION_UNSUPPORTED,
        FOREIGN_KEYS_UNRESOLVED,
        DECLARATIVE_CONFIG,
        TRANSFORMATION_ERROR,
        INVALID_FOREIGN_KEY,
        INVALID_WORKSPACE,
        INVALID_GLOBAL_QUERY,
        REFERENCED_BY_OTHERS,
        INVALID_SEARCH_QUERY,
        INVALID_DELTAS,
    )
}


class EntityError(Exception):
    """What was asked for cannot be done; nothing was changed. `body()` is the Admin API's answer."""

    def __init__(self, kind: ErrorKind, message: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.fields: Mapping[str, Any] | None = fields

    def body(self) -> dict[str, Any]:
        """Code, name, message and, where there are some, fields."""
        body: dict[str, Any] = {"code": self.kind.code, "name": self.kind.name, "message": self.message}
        if self.fields is not None:
            body["fields"] = dict(self.fields)
        return body


EXPECTED = {
    "string": "expected a string",
    "integer": "expected an integer",
    "number": "expected a number",
    "boolean": "expected a boolean",
    "array": "expected an array",
    "set": "expected a set",
    "map": "expected a map",
    "record": "expected a record",
}
"""What is said of a value of the wrong type, by the field's type word."""

REQUIRED = "required field missing"
UNKNOWN = "unknown field"
MISSING_PRIMARY_KEY = "missing primary key"
MUST_BE_NULL = "value must be null"
NUL = "must not have a NUL character"
IMMUTABLE = "immutable field cannot be updated"
INVALID_UUID = "expected a valid UUID"
INVALID_TIMESTAMP = "expected a valid timestamp"


def quoted(names: tuple[str, ...]) -> str:
    """`'a', 'b'`, as the sentences about several fields list them."""
    return ", ".join(f"'{name}'" for name in names)
