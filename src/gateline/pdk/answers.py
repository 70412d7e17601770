"""What a plugin may answer instead of the service."""

from collections.abc import Mapping
from typing import Any, final

from gateline.pdk.stored_response import StoredResponse

__all__ = ["Answer", "ErrorResponse", "HeaderForm", "HeaderValues", "Response", "StoredResponse"]

HeaderValues = Mapping[str, str | int | list[str] | tuple[str, ...]]
"""Header names and their values; a list makes a line for each of its values."""


@final
class HeaderForm(tuple[tuple[str, str | None], ...]):
    """Names and values of lines of which some values (None) come with each request: what is to be known of the others
    is worked out once.

    Make one in a plugin's constructor, for `ResponseView.set_values`.
    """

    prepared: Any = None
    """What the engine keeps of them."""


@final
class Response:
    """An answer as it stands (`kong.response.exit`).

    `body` is text, bytes, or data that becomes JSON with `Content-Type: application/json; charset=utf-8`; text and
    bytes have no Content-Type of their own. `message` is short for the JSON body `{"message": ...}`.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        status: int,
        body: Any = None,
        headers: HeaderValues | None = None,
        *,
        message: str | None = None,
    ) -> None:
        self.status = status
        self.body = {"message": message} if message is not None else body
        self.headers = headers

    def __repr__(self) -> str:
        return f"Response({self.status}, {self.body!r}, {self.headers!r})"


@final
class ErrorResponse:
    """An error in the format that the client asks for, with the request's id (`kong.response.error`).

    Without a message it has the usual one of its status.
    """

    __slots__ = ("headers", "message", "status")

    def __init__(self, status: int, message: str | None = None, headers: HeaderValues | None = None) -> None:
        self.status = status
        self.message = message
        self.headers = headers

    def __repr__(self) -> str:
        return f"ErrorResponse({self.status}, {self.message!r}, {self.headers!r})"


Answer = Response | ErrorResponse | StoredResponse
