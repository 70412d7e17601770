"""The Admin API's refusals: what is wrong with a request or the node (`ApiError`), and those of the catalogue of
`entities.errors` that only a request can be guilty of (`EntityError`).

A handler raises one; `routing` makes the answer of it.
"""

from collections.abc import Mapping
from typing import Any

from gateline.entities import EntityError, ErrorKind, lua
from gateline.entities.errors import (
    INVALID_OFFSET,
    INVALID_OPTIONS,
    INVALID_PRIMARY_KEY,
    INVALID_SIZE,
    INVALID_UNIQUE,
    INVALID_UUID,
    NOT_FOUND,
    OPERATION_UNSUPPORTED,
)


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


def not_found() -> ApiError:
    """No such path, or no such entity."""
    return refusal(404, "Not found")


def method_not_allowed(allowed: str | None = None) -> ApiError:
    """A path that does not have the verb."""
    return refusal(405, "Method not allowed", {"Allow": allowed} if allowed else None)


def unauthorized() -> ApiError:
    """A request without the token that the node asks for."""
    return refusal(401, "Unauthorized", {"WWW-Authenticate": "Bearer"})


def precondition_failed() -> ApiError:
    """The entity is not in the state that `If-Match` or `If-None-Match` asks for."""
    return refusal(412, "the entity is not as the request expects it: it was changed, made or deleted meanwhile")


def unavailable(reason: str) -> ApiError:
    """The store cannot be used now."""
    return refusal(503, f"the store is not available: {reason}", {"Retry-After": "1"})


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


def unsupported(verb: str, kind: str, field: str | None = None) -> EntityError:
    """A write to a store that only reads; `verb` in Kong's words, `field` the one by which the entity was addressed."""
    by = f" by '{field}'" if field else ""
    return EntityError(OPERATION_UNSUPPORTED, f"cannot {verb} '{kind}' entities{by} when not using a database")


def missing_entity(field: str, value: str) -> EntityError:
    """What a PATCH is for does not exist."""
    key = {field: value}
    by = "primary key " if field == "id" else ""
    return EntityError(NOT_FOUND, f"could not find the entity with {by}'{lua.table(key)}'", key)


def invalid_primary_key() -> EntityError:
    """A path names by its id what has no other name, and the id is none."""
    wrong = {"id": INVALID_UUID}
    return EntityError(INVALID_PRIMARY_KEY, f"invalid primary key: '{lua.table(wrong)}'", wrong)


def invalid_unique(field: str, sentence: str) -> EntityError:
    """A path names an entity by a text that none can have."""
    kind = ErrorKind(INVALID_UNIQUE.code, INVALID_UNIQUE.name.replace("{field}", field), INVALID_UNIQUE.status)
    return EntityError(kind, sentence)


def invalid_size(sentence: str) -> EntityError:
    """The size of a page that was asked for."""
    return EntityError(INVALID_SIZE, sentence)


def invalid_offset(offset: str, problem: str) -> EntityError:
    """The position that was asked for."""
    return EntityError(INVALID_OFFSET, f"'{offset}' is not a valid offset: {problem}")


def invalid_option(option: str, sentence: str) -> ApiError:
    """An argument of a list."""
    kind = INVALID_OPTIONS
    message = f"invalid option ({option}: {sentence})"
    body = {"code": kind.code, "name": kind.name, "message": message, "options": {option: sentence}}
    return ApiError(kind.status, body)
