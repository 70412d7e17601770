"""A client that sends exactly the bytes that it is told to and reads with a deadline."""

import contextlib
import socket
import ssl
import struct
import time
from types import TracebackType
from typing import Self

from harness.messages import MalformedError, Response, parse_response

__all__ = ["DEADLINE", "RawClient"]

DEADLINE = 10.0
"""Seconds after which a test gives up waiting for what should have come."""


class RawClient:
    """One connection. Use it in a `with` statement."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, server_name: str | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), DEADLINE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain, server_hostname=server_name) if tls is not None else plain
        self.received = b""
        self.ended = False
        """The gateway has closed the connection (or reset it: `reset`)."""
        self.reset = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """The client's own address and port."""
        host, port = self.socket.getsockname()[:2]
        return host, port

    def send(self, *parts: bytes, delay: float = 0.0) -> None:
        """Send the parts, each in a segment of its own, with `delay` seconds between two; a closed door is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number, part in enumerate(parts):
                if number and delay:
                    time.sleep(delay)
                self.socket.sendall(part)

    def try_send(self, data: bytes, timeout: float) -> int:
        """Send as much of `data` as the gateway takes; gives up after `timeout` seconds without progress."""
        sent = 0
        self.socket.settimeout(timeout)
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent : sent + 65536])
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def get(self, path: str = "/", *headers: str, host: str = "gateway.test", method: str = "GET") -> Response:
        """Send a request without a body and read its answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))
        return self.response(method)

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def abort(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read(self, deadline: float) -> bool:
        """Wait for more bytes until the monotonic time `deadline`; False when none came because of it."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return False
        except (ConnectionResetError, BrokenPipeError):
            self.ended = self.reset = True
            return True
        except ssl.SSLError:
            self.ended = True
            return True
        self.received += data
        self.ended = not data
        return True

    def until(self, mark: bytes, timeout: float = DEADLINE) -> bytes:
        """Take everything up to and including `mark`."""
        deadline = time.monotonic() + timeout
        while mark not in self.received:
            assert not self.ended, f"the connection ended before {mark!r}: {self.received[-500:]!r}"
            assert self.read(deadline), f"no {mark!r} within {timeout:g} s: {self.received[-500:]!r}"
        end = self.received.index(mark) + len(mark)
        taken, self.received = self.received[:end], self.received[end:]
        return taken

    def response(self, method: str = "GET", timeout: float = DEADLINE) -> Response:
        """Take one whole answer; raises MalformedError when there is none."""
        deadline = time.monotonic() + timeout
        while (response := parse_response(self.received, method=method, closed=self.ended)) is None:
            if not self.read(deadline):
                raise MalformedError(f"no whole answer within {timeout:g} s: {self.received[-500:]!r}")
        self.received = self.received[response.size :]
        return response

    def everything(self, timeout: float = DEADLINE) -> bytes:
        """Take all that comes until the gateway closes."""
        deadline = time.monotonic() + timeout
        while not self.ended:
            assert self.read(deadline), f"the connection is still open: {self.received[-500:]!r}"
        taken, self.received = self.received, b""
        return taken

    def is_closed(self, timeout: float = DEADLINE) -> bool:
        """Whether the gateway closes the connection, without another byte."""
        deadline = time.monotonic() + timeout
        while not self.ended and not self.received:
            if not self.read(deadline):
                return False
        return self.ended and not self.received

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so many seconds (bytes or the end)."""
        return not self.received and not self.read(time.monotonic() + seconds)
