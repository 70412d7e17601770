"""An upstream that records every byte and does what a script says, connection by connection."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.client import DEADLINE
from harness.messages import Headers, MalformedError, Request, parse_request, parse_requests

__all__ = ["GoneError", "RawUpstream", "Script", "Visit", "answer"]


class GoneError(Exception):
    """The gateway has closed the connection."""


def answer(body: bytes = b"ok", *headers: str, status: int = 200) -> bytes:
    """A plain answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status} Answer", "Server: test-upstream", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Visit:
    """One connection of the gateway, as the script sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._unread = b""
        self.received = b""
        self.ended = threading.Event()
        """The gateway closed or reset it (known only while somebody reads)."""
        self.finished = threading.Event()
        """The script has ended, and with it the connection."""

    def read(self, timeout: float = DEADLINE) -> bytes:
        """Wait for more bytes; raises GoneError at the end, TimeoutError when nothing comes."""
        self._socket.settimeout(timeout)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            data = b""
        if not data:
            self.ended.set()
            raise GoneError
        self.received += data
        self._unread += data
        return data

    def head(self) -> bytes:
        """Wait for a request's head, and take it."""
        while b"\r\n\r\n" not in self._unread:
            self.read()
        head, mark, self._unread = self._unread.partition(b"\r\n\r\n")
        return head + mark

    def take(self, size: int) -> bytes:
        """Wait for so many bytes, and take them."""
        while len(self._unread) < size:
            self.read()
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken

    def request(self) -> Request:
        """Wait for a whole request, and take it."""
        while (request := parse_request(self._unread) if self._unread else None) is None:
            self.read()
        self._unread = self._unread[request.size :]
        return request

    def send(self, *parts: bytes, delay: float = 0.0) -> None:
        """Send the parts, with `delay` seconds between two; raises GoneError when the gateway has gone away."""
        self._socket.settimeout(DEADLINE)
        try:
            for number, part in enumerate(parts):
                if number and delay:
                    time.sleep(delay)
                self._socket.sendall(part)
        except TimeoutError:
            raise
        except OSError:
            self.ended.set()
            raise GoneError from None

    def try_send(self, data: bytes, timeout: float) -> int:
        """Send as much of `data` as the gateway takes within `timeout` seconds; returns how much that was."""
        sent = 0
        self._socket.settimeout(timeout)
        try:
            while sent < len(data):
                sent += self._socket.send(data[sent : sent + 65536])
        except TimeoutError:
            pass
        except OSError:
            self.ended.set()
            raise GoneError from None
        return sent

    def answer(self, body: bytes = b"ok", *headers: str, status: int = 200) -> None:
        """Send a plain answer."""
        self.send(answer(body, *headers, status=status))

    def wait_for_end(self, timeout: float = DEADLINE) -> None:
        """Read until the gateway closes; raises TimeoutError when it does not."""
        deadline = time.monotonic() + timeout
        with contextlib.suppress(GoneError):
            while True:
                self.read(max(deadline - time.monotonic(), 0.001))

    def wait_for(self, mark: bytes, timeout: float = DEADLINE) -> None:
        """For the test's own thread: wait until the script has read `mark`."""
        deadline = time.monotonic() + timeout
        while mark not in self.received:
            assert time.monotonic() < deadline, f"no {mark!r} in {self.received!r}"
            time.sleep(0.005)

    def reset(self) -> None:
        """End the connection with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    @property
    def file(self) -> socket.socket:
        """The socket, for what has no method here."""
        return self._socket


Script = Callable[[Visit], None]


def _answer_everything(visit: Visit) -> None:
    while True:
        request = visit.request()
        visit.send(answer(b"" if request.method == "HEAD" else b"ok"))


class RawUpstream:
    """Listens on a free port, or `at` an address and port; each connection runs `script` in a thread of its own.

    Use it in a `with` statement. A script may end by returning, by `GoneError`, or by `TimeoutError` (when nothing
    comes for long): all close the connection. Any other exception is kept and raised at the end of the test.
    """

    def __init__(
        self,
        script: Script = _answer_everything,
        *,
        tls: ssl.SSLContext | None = None,
        at: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.script = script
        self.visits: list[Visit] = []
        self.errors: list[Exception] = []
        self._tls = tls
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(at, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.errors:
            raise self.errors[0]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[bytes]:
        """Every byte of every connection, in the order in which these were opened."""
        return [visit.received for visit in self.visits]

    def requests(self) -> list[Request]:
        """Every whole request, connection by connection. Raises MalformedError for anything that is none."""
        return [request for data in self.received for request in parse_requests(data)[0]]

    def wait_for_requests(self, count: int, timeout: float = DEADLINE) -> list[Request]:
        """The requests, once there are so many."""
        deadline = time.monotonic() + timeout
        while len(requests := self.requests()) < count:
            assert time.monotonic() < deadline, f"{len(requests)} requests came, not {count}: {self.received}"
            time.sleep(0.005)
        return requests

    def wait_for_visits(self, count: int, timeout: float = DEADLINE) -> list[Visit]:
        """The connections, once there are so many."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self.visits) < count:
                assert self._changed.wait(deadline - time.monotonic()), f"only {len(self.visits)} connections came"
            return list(self.visits)

    @property
    def request(self) -> Request:
        """The one request that came."""
        requests = self.requests()
        assert len(requests) == 1, f"{len(requests)} requests came: {self.received}"
        return requests[0]

    def forget(self) -> None:
        """Forget what was received (connections stay open)."""
        for visit in self.visits:
            visit.received = b""

    def close(self) -> None:
        """Close everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(DEADLINE)
        for visit in self.visits:
            with contextlib.suppress(OSError):
                visit.file.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE)
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        visit = Visit(connection)
        with self._changed:
            self.visits.append(visit)
            self._changed.notify_all()
        try:
            self.script(visit)
        except (GoneError, TimeoutError):
            pass
        except (MalformedError, OSError, AssertionError, ValueError) as error:
            self.errors.append(error)
        finally:
            visit.finished.set()
            visit.close()


def headers_of(head: bytes) -> Headers:
    """The headers of a request's head, loosely read."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return Headers((name, value.strip()) for name, _, value in (line.partition(":") for line in lines if line))
