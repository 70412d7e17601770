"""Refuses requests whose body is longer than allowed.

A request that states its length is refused before its body is read: 413, or 417 where the client waits with its body
(`Expect: 100-continue`). A chunked body is counted as it streams, nothing of it is kept; the service never gets more of
it than allowed.
"""

from typing import Annotated

from gateline.pdk import ErrorResponse, Exchange, Plugin, PluginConfig
from gateline.pdk.exchange import RequestView
from gateline.pdk.fields import Field, OneOf

__all__ = ["Config", "RequestSizeLimiting"]

_UNITS = {"megabytes": 2**20, "kilobytes": 2**10, "bytes": 1}
_MESSAGE = "Request size limit exceeded"
_TOO_LARGE = ErrorResponse(413, _MESSAGE)
_NOT_EXPECTED = ErrorResponse(417, _MESSAGE)
_NO_LENGTH = ErrorResponse(411, "A valid Content-Length header is required")


class Config(PluginConfig):
    """The limit."""

    allowed_payload_size: Annotated[int, Field(description="The longest body that is allowed, in `size_unit`.")] = 128
    size_unit: Annotated[
        str, OneOf(tuple(_UNITS)), Field(description="A megabyte is 1,048,576 bytes, a kilobyte 1,024.")
    ] = "megabytes"
    require_content_length: Annotated[
        bool, Field(description="Refuse requests that neither state a length nor come in chunks, with 411.")
    ] = False


class RequestSizeLimiting(Plugin[Config], name="request-size-limiting", hooks=("access",)):
    """Limits the body of requests."""

    def __init__(self, config: Config) -> None:
        limit = config.allowed_payload_size * _UNITS[config.size_unit]
        self.access = SizeLimit(limit, length_needed=config.require_content_length).access


class SizeLimit:
    """The hook. `limit` in bytes."""

    __slots__ = ("_length_needed", "_limit")

    def __init__(self, limit: int, *, length_needed: bool) -> None:
        self._limit = limit
        self._length_needed = length_needed

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Refuse by the stated length, or have what comes counted."""
        request = exchange.request
        length = request.content_length
        if length is not None:
            return _refusal(request) if length > self._limit else None
        if request.chunked:
            request.limit_body(max(self._limit, 0), _refusal(request))
            return None
        return _NO_LENGTH if self._length_needed else None


def _refusal(request: RequestView) -> ErrorResponse:
    expected = request.header("Expect")
    return _NOT_EXPECTED if expected is not None and expected.strip().lower() == "100-continue" else _TOO_LARGE
