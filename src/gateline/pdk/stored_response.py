"""An answer that was kept, which a plugin may give instead of the service."""

from collections.abc import AsyncIterator

__all__ = ["StoredResponse"]


class StoredResponse:
    """An answer of a service that was kept: it goes to the client, through all that plugins do with answers, as if the
    service had given it just now. Where no plugin does anything with answers it is written as it stands here.

    `block` holds its header lines in wire form, each ended by CRLF, without those that frame a message; see
    `ServiceResponseView.kept_lines`. `body` is the body, or where there is `more` its beginning; `more` gives the rest
    piece by piece, as fast as the client takes it, and is let go when nobody wants it any more. `length` is the whole
    body's length in bytes, which may be told without a body (HEAD); -1: that of `body`.
    """

    __slots__ = ("block", "body", "length", "more", "status")

    def __init__(
        self,
        status: int,
        block: bytes,
        body: bytes = b"",
        *,
        length: int = -1,
        more: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status = status
        self.block = block
        self.body = body
        self.length = length
        self.more = more

    def __repr__(self) -> str:
        return f"StoredResponse({self.status}, {self.block!r}, {len(self.body)} bytes)"
