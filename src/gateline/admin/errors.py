"""The catalogue of the Admin API's refusals: Kong's numbered errors with their names and statuses, and the plain ones.

A handler raises an `ApiError`; `routing` turns it into the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class _Kind:
    code: int
    name: str
    status: int


class Code(Enum):
    """Kong's error codes (the list in `kong.db.errors`)."""

    INVALID_PRIMARY_KEY = _Kind(1, "invalid primary key", 400)
    SCHEMA_VIOLATION = _Kind(2, "schema violation", 400)
    PRIMARY_KEY_VIOLATION = _Kind(3, "primary key violation", 400)
    FOREIGN_KEY_VIOLATION = _Kind(4, "foreign key violation", 400)
    UNIQUE_VIOLATION = _Kind(5, "unique constraint violation", 409)
    NOT_FOUND = _Kind(6, "not found", 404)
    INVALID_OFFSET = _Kind(7, "invalid offset", 400)
    DATABASE_ERROR = _Kind(8, "database error", 500)
    INVALID_SIZE = _Kind(9, "invalid size", 400)
    INVALID_UNIQUE = _Kind(10, "invalid unique", 400)
    INVALID_OPTIONS = _Kind(11, "invalid options", 400)
    OPERATION_UNSUPPORTED = _Kind(12, "operation unsupported", 405)
    FOREIGN_KEYS_UNRESOLVED = _Kind(13, "foreign keys unresolved", 400)
    DECLARATIVE_CONFIG = _Kind(14, "invalid declarative configuration", 400)
    TRANSFORMATION_ERROR = _Kind(15, "transformation error", 400)
    INVALID_FOREIGN_KEY = _Kind(16, "invalid foreign key", 400)
    INVALID_WORKSPACE = _Kind(17, "invalid workspace", 400)
    INVALID_GLOBAL_QUERY = _Kind(18, "invalid global query", 400)
    REFERENCED_BY_OTHERS = _Kind(19, "referenced by others", 400)
    INVALID_SEARCH_QUERY = _Kind(20, "invalid search query", 400)
    INVALID_SYNC_DELTAS = _Kind(21, "invalid sync deltas", 400)


class ApiError(Exception):
    """A refusal: status, JSON body (None for no body at all) and further headers."""

    def __init__(self, status: int, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> ApiError:
    """A refusal that has only a message."""
    return ApiError(status, {"message": message}, headers)


def coded(code: Code, message: str, **details: Any) -> ApiError:
    """A refusal of Kong's catalogue; `details` are `fields` and the like."""
    kind = code.value
    return ApiError(kind.status, {"code": kind.code, "name": kind.name, "message": message, **details})


def not_found() -> ApiError:
    """No such path, or no such entity."""
    return refusal(404, "Not found")


def bad_json() -> ApiError:
    """A JSON body that is none, or no object."""
    return refusal(400, "Cannot parse JSON body")


def too_large() -> ApiError:
    """A body beyond the setting `nginx_admin_client_max_body_size`."""
    return refusal(413, "Payload too large")


def unsupported_media_type() -> ApiError:
    """A body of a type that the path does not take: Kong answers it without a body."""
    return ApiError(415, None)


def busy() -> ApiError:
    """Another configuration is being loaded."""
    return refusal(429, "Currently loading previous configuration", {"Retry-After": "1"})


def exiting() -> ApiError:
    """The node is about to end."""
    return refusal(503, "Kong currently exiting")


def timed_out() -> ApiError:
    """A worker did not take the configuration in time."""
    return refusal(504, "Timed out while loading configuration")


def not_in_force(reason: str) -> ApiError:
    """A worker cannot put the configuration in force; the one before is in force again."""
    return refusal(500, f"the configuration cannot be put in force: {reason}")
