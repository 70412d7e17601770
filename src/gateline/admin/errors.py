"""The Admin API's refusals beside those about entities (`entities.errors`): what is wrong with a request or the node.

A handler raises one; `routing` makes the answer of it.
"""

from collections.abc import Mapping
from typing import Any


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
