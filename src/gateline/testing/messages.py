"""Requests and answers as tests look at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateline.engine.wire import codec
from gateline.engine.wire.codec import ChunkedDecoder, Limits

__all__ = ["Answer", "Message", "Sent", "ServiceAnswer", "body_of"]

LIMITS = Limits(line=1 << 20, head=1 << 22, count=10000)


@dataclass(frozen=True, slots=True)
class Message:
    """What requests and answers have in common."""

    lines: list[tuple[str, str]]
    """The headers in order."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.lines if key.lower() == name.lower()), None)

    def header_values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, slots=True)
class Sent(Message):
    """What the service was sent."""

    method: str
    target: str
    """Path and query."""


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """What the client got."""

    status: int
    sent: Sent | None
    """What the service was sent; None when it was not asked."""
    log: dict[str, Any] = field(repr=False)
    """The exchange's log record."""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What the service answers; `chunks` is its body in pieces, sent chunked, in place of `body`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: tuple[bytes, ...] | None = None

    def pieces(self, method: str) -> list[bytes]:
        """The answer in wire form, in the pieces in which it is sent."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        start = f"HTTP/1.1 {self.status} -\r\n{lines}"
        if self.chunks is None:
            length = "" if self.status in (204, 304) else f"Content-Length: {len(self.body)}\r\n"
            return [f"{start}{length}\r\n".encode("latin-1") + (b"" if method == "HEAD" else self.body)]
        head = f"{start}Transfer-Encoding: chunked\r\n\r\n".encode("latin-1")
        return [head, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in self.chunks if chunk), b"0\r\n\r\n"]


def body_of(data: bytes, head: "codec.RequestHead | codec.ResponseHead", *, response: bool = False) -> bytes | None:
    """The body behind a head; None while it is not complete."""
    if head.length == codec.CHUNKED:
        decoder = ChunkedDecoder(LIMITS, response)
        body = decoder.feed(data, head.size)
        return body if decoder.done else None
    length = max(head.length, 0)
    return data[head.size : head.size + length] if len(data) >= head.size + length else None


def lines_of(head: "codec.RequestHead | codec.ResponseHead") -> list[tuple[str, str]]:
    """The headers of a head as text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.items()]
