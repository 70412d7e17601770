"""What an entry of the hostile corpus is: bytes to send, and what has to come of them."""

from dataclasses import dataclass, field

__all__ = ["FORGED", "HOST", "Entry", "get", "post"]

HOST = b"Host: gateway.test\r\n"
FORGED = b"GET /forged HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
"""A second request, hidden behind the first; no upstream may ever see it."""


@dataclass(frozen=True)
class Entry:
    """One conversation. By default it is refused with 400 and a close, and no upstream hears of it."""

    name: str
    send: tuple[bytes, ...] | bytes
    """What is sent; the parts of a tuple go out one after the other, `delay` seconds apart."""
    answers: tuple[int, ...] = (400,)
    """Statuses of the answers, in their order; nothing else may come."""
    closes: bool = True
    """The gateway closes the connection; else it goes on to serve a proper request."""
    upstream: int = 0
    """Whole requests that upstreams get."""
    cut: bool = False
    """One more request may have begun at an upstream; it must have been broken off without becoming whole."""
    delay: float = 0.0
    half_close: bool = False
    """The client says after the last byte that nothing more will come."""
    reject: bool = False
    """The upstream answers 400 and closes, instead of 200."""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[bytes, ...]:
        """What is sent, in parts."""
        return (self.send,) if isinstance(self.send, bytes) else self.send


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """A POST with these header lines beside a proper Host."""
    return b"POST /hostile HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def get(*lines: bytes, target: bytes = b"/hostile", after: bytes = b"") -> bytes:
    """A GET with these header lines beside a proper Host, and what follows it."""
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + after
