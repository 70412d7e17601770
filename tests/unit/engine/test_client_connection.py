"""A client connection without a socket: what it does with bytes that arrive at awkward moments."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.errors import ErrorTemplates
from gateline.engine.headers import ResponseHeaders, TrustedProxies
from gateline.engine.proxy import Proxy
from gateline.engine.router import Router
from gateline.engine.runtime import Runtime
from gateline.engine.wire.codec import Limits
from gateline.engine.wire.http1 import NEVER, ClientConnection


class _Transport:
    """Keeps what is written to it; `unsent`: so many bytes of it have not gone out."""

    def __init__(self) -> None:
        self.unsent = 0
        self.written = b""
        self.closing = False
        self.paused = False
        self.ended = False

    def write(self, data: bytes) -> None:
        assert not self.ended, "written after the end"
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 5) if name.endswith("name") else None


def _connection(crowd: Crowd | None = None, **limits: Any) -> tuple[ClientConnection, _Transport]:
    runtime = Runtime(1, "", Router())
    proxy = Proxy(runtime, headers=ResponseHeaders(set()), errors=ErrorTemplates(), trusted=TrustedProxies(()))
    connection = ClientConnection(Door(proxy, crowd or Crowd(ClientLimits(**limits)), Limits(), port=8000, tls=False))
    transport = _Transport()
    connection.connection_made(cast(asyncio.Transport, transport))
    return connection, transport


def _get(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *lines, "", "")).encode()


def _in_a_loop(test: Callable[[], Any]) -> None:
    async def main() -> None:
        for _ in test() or ():
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(main())


def test_request_that_arrives_before_its_predecessors_turn_waits() -> None:
    def test() -> Any:
        connection, transport = _connection()
        connection.data_received(_get("/1") + _get("/2", "Content-Length: 3"))  # /2 waits for its turn ...
        connection.data_received(b"abc" + _get("/3", "Connection: close"))  # ... and this comes before it
        yield
        yield
        assert transport.written.count(b"HTTP/1.1 404 ") == 3
        assert b"HTTP/1.1 400 " not in transport.written
        assert transport.closing

    _in_a_loop(test)


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
def test_every_state_in_which_a_client_is_waited_for_has_a_deadline(last: bytes) -> None:
    def test() -> Any:
        connection, transport = _connection()
        assert connection.deadline < NEVER, "a new connection"
        connection.data_received(b"GET /1 HT")
        assert connection.deadline < NEVER, "half a head"
        connection.data_received(b"TP/1.1\r\nHost: a\r\n" + last + b"\r\n")
        assert connection.deadline < NEVER, "idle, or closing"
        yield
        connection.pause_writing()
        connection.resume_writing()
        assert connection.deadline < NEVER
        connection.timed_out(0.0)
        connection.timed_out(0.0)
        assert transport.closing

    _in_a_loop(test)


def test_connection_that_closes_is_given_time_to_flush_but_not_for_ever() -> None:
    def test() -> Any:
        connection, transport = _connection(send_timeout=5.0)
        connection.data_received(_get("/1", "Connection: close"))
        assert transport.closing
        assert connection.deadline < NEVER
        yield

    _in_a_loop(test)


def test_refused_client_is_listened_to_for_a_moment() -> None:
    def test() -> Any:
        connection, transport = _connection()
        connection.data_received(b"garbage\r\n\r\n")
        assert transport.written.startswith(b"HTTP/1.1 400 ")
        assert (transport.ended, transport.closing) == (True, False)
        connection.data_received(b"x" * 1000)
        connection.data_received(_get("/2"))
        assert transport.written.count(b"HTTP/1.1 ") == 1
        connection.data_received(b"x" * 5_000_000)
        assert transport.closing, "it is listened to without end"
        yield

    _in_a_loop(test)


def test_refused_client_is_dropped_when_its_moment_has_passed() -> None:
    def test() -> Any:
        connection, transport = _connection()
        connection.data_received(b"garbage\r\n\r\n")
        connection.timed_out(0.0)
        assert transport.closing
        yield

    _in_a_loop(test)


def test_any_split_of_a_request_is_the_same_request() -> None:
    data = _get("/1", "X: y", "Connection: close")

    def test() -> Any:
        for at in range(1, len(data)):
            connection, transport = _connection()
            connection.data_received(data[:at])
            assert transport.written == b""
            connection.data_received(data[at:])
            assert transport.written.startswith(b"HTTP/1.1 404 "), at
        yield

    _in_a_loop(test)


def test_draining_connection_is_closed_after_its_answer() -> None:
    def test() -> Any:
        crowd = Crowd(ClientLimits())
        connection, transport = _connection(crowd)
        crowd.drain()
        connection.data_received(_get("/1"))
        assert b"Connection: close\r\n" in transport.written
        assert transport.closing
        yield

    _in_a_loop(test)


class _SlowClient:
    """A client that takes nothing of its answer until it is told to."""

    def __init__(self, crowd: Crowd | None = None, **limits: Any) -> None:
        self.connection, self.transport = _connection(crowd, **limits)
        self._write = self.transport.write
        self.transport.write = self._fill  # type: ignore[method-assign]

    def _fill(self, data: bytes) -> None:
        self._write(data)
        if not self.transport.unsent:
            self.transport.unsent = 1000
            self.connection.pause_writing()

    def take(self, *, left: int = 0) -> None:
        """Take what there is, but for what is `left`."""
        self.transport.unsent = left
        if not left:
            self.connection.resume_writing()

    @property
    def answers(self) -> int:
        """How many answers were written for it."""
        return self.transport.written.count(b"HTTP/1.1 404 ")


def test_requests_wait_until_the_client_has_taken_the_answer_before() -> None:
    def test() -> Any:
        client = _SlowClient()
        client.connection.data_received(_get("/1") + _get("/2"))
        yield
        client.connection.data_received(_get("/3"))
        yield
        assert client.answers == 1
        for number in (2, 3):
            client.take()
            yield
            assert client.answers == number
        client.take()
        assert client.connection.deadline < NEVER

    _in_a_loop(test)


def test_client_that_only_asks_is_not_read_without_end_and_dropped_after_its_time() -> None:
    def test() -> Any:
        client = _SlowClient()
        client.connection.data_received(_get("/1"))
        deadline = client.connection.deadline
        for _ in range(3):
            client.connection.data_received(_get("/" + "x" * 30_000))
        assert client.transport.paused
        assert client.connection.deadline == deadline, "asking on is no reason to wait longer"
        client.connection.timed_out(0.0)
        client.connection.timed_out(0.0)
        assert client.transport.closing
        yield

    _in_a_loop(test)


def test_requests_that_were_not_read_any_more_are_read_when_the_answer_is_taken() -> None:
    def test() -> Any:
        client = _SlowClient()
        client.connection.data_received(_get("/1"))
        for _ in range(20):
            client.connection.data_received(_get("/1", "X: " + "x" * 5000))
        assert client.transport.paused
        while client.transport.unsent:
            client.take()
            yield
        assert client.answers == 21
        assert not client.transport.paused

    _in_a_loop(test)


@pytest.mark.parametrize("line", ["X: y", "Connection: close"])
def test_client_that_takes_its_answer_slowly_is_waited_for(line: str) -> None:
    def test() -> Any:
        client = _SlowClient(send_timeout=5.0)
        client.connection.data_received(_get("/1", line))
        aborted = []
        client.transport.abort = lambda: aborted.append(True)  # type: ignore[method-assign]
        for left in (900, 500, 1):
            client.take(left=left)
            client.connection.timed_out(100.0)
            assert client.connection.deadline == 105.0
        for _ in range(2):
            client.connection.timed_out(200.0)
        assert aborted, "it took nothing more"
        yield

    _in_a_loop(test)


def test_draining_leaves_a_client_the_time_to_take_its_answer() -> None:
    def test() -> Any:
        crowd = Crowd(ClientLimits(send_timeout=50.0))
        client = _SlowClient(crowd)
        client.connection.data_received(_get("/1"))
        deadline = client.connection.deadline
        crowd.drain()
        assert client.connection.deadline == deadline
        client.take()
        assert client.connection.deadline < deadline
        client.connection.timed_out(0.0)
        assert client.transport.closing
        yield

    _in_a_loop(test)


def test_request_that_waited_is_answered_while_the_worker_drains() -> None:
    def test() -> Any:
        crowd = Crowd(ClientLimits())
        client = _SlowClient(crowd)
        client.connection.data_received(_get("/1") + _get("/2"))
        crowd.drain()
        client.take()
        yield
        assert client.answers == 2
        assert client.transport.written.count(b"Connection: close\r\n") == 1
        assert client.transport.closing

    _in_a_loop(test)


def test_crowd_forgets_a_connection_that_is_lost() -> None:
    def test() -> Any:
        crowd = Crowd(ClientLimits())
        connection, _ = _connection(crowd)
        assert len(crowd.connections) == 1
        connection.connection_lost(None)
        assert crowd.connections == set()
        assert connection.deadline == NEVER
        yield

    _in_a_loop(test)
