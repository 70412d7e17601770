"""Sockets by their descriptors: the compiled ones and their twin in plain Python; and what an answer begins with."""

import os
import select
import socket
from collections.abc import Iterator

import pytest

from gateline.control.health._pysockets import Sockets as Plain
from gateline.control.health.bare_sockets import Sockets, bare_sockets
from gateline.control.health.probes import status_of

WAYS: list[type] = [Plain]
if not os.environ.get("GATELINE_PURE_PYTHON"):
    try:
        from gateline.control.health._sockets import Sockets as Compiled
    except ImportError:
        pass
    else:
        WAYS.append(Compiled)

LIMIT = 30.0  # seconds


@pytest.fixture(params=WAYS, ids=lambda way: str(way.__module__).rpartition(".")[2])
def sockets(request: pytest.FixtureRequest) -> Sockets:
    made: Sockets = request.param()
    return made


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as listening:
        listening.settimeout(LIMIT)
        yield listening


def comes(descriptor: int) -> None:
    """Wait until there is something to be received."""
    assert select.select([descriptor], [], [], LIMIT)[0], "nothing came"


@pytest.mark.parametrize("speaks", [True, False])
def test_what_is_sent_arrives_and_what_is_answered_comes(sockets: Sockets, server: socket.socket, speaks: bool) -> None:
    address, port = server.getsockname()[:2]
    descriptor = sockets.dial(sockets.destination(address, port), speaks)
    assert not os.get_inheritable(descriptor)
    assert sockets.receive(descriptor) is None, "it does not wait"
    select.select([], [descriptor], [], LIMIT)
    assert sockets.send(descriptor, b"question") == 8
    peer, _ = server.accept()
    with peer:
        peer.settimeout(LIMIT)
        assert peer.recv(100) == b"question"
        peer.sendall(b"answer")
        comes(descriptor)
        assert sockets.receive(descriptor) == b"answer"
        assert sockets.receive(descriptor) is None
        peer.shutdown(socket.SHUT_WR)
        comes(descriptor)
        assert sockets.receive(descriptor) == b"", "it has ended"
        sockets.hang_up(descriptor)
        with pytest.raises(ConnectionResetError):
            peer.recv(100)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_connection_that_breaks_ends_and_takes_nothing(sockets: Sockets, server: socket.socket) -> None:
    address, port = server.getsockname()[:2]
    descriptor = sockets.dial(sockets.destination(address, port), True)
    select.select([], [descriptor], [], LIMIT)
    sockets.send(descriptor, b"x")
    peer, _ = server.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    comes(descriptor)
    assert sockets.receive(descriptor) == b""
    assert sockets.send(descriptor, b"x") < 0
    sockets.hang_up(descriptor)


def test_more_than_has_room_is_sent_in_parts(sockets: Sockets, server: socket.socket) -> None:
    descriptor = sockets.dial(sockets.destination(*server.getsockname()[:2]), True)
    select.select([], [descriptor], [], LIMIT)
    sizes = [sockets.send(descriptor, b"x" * 1_000_000) for _ in range(100)]
    assert sizes[0] > 0
    assert sizes[-1] == 0, "later it may be"
    sockets.hang_up(descriptor)


def test_where_nobody_can_be_is_told_at_once(sockets: Sockets) -> None:
    assert sockets.dial(sockets.destination("255.255.255.255", 80), True) < 0
    with pytest.raises(OSError, match="Name or service not known"):
        sockets.destination("a.test", 80)


def test_the_twin_is_taken_where_there_is_nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(bare_sockets(), WAYS[-1])
    monkeypatch.setenv("GATELINE_PURE_PYTHON", "1")
    assert isinstance(bare_sockets(), Plain)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.0 599\r\nServer: x", 599),
        (b"HTTP/1.1 000 Oh\r\n", 0),
        (b"HTTP/1.1 20x OK\r\n", 0),
        (b"HTTP/1.1 2 0 OK\r\n", 0),
        (b"HTTP/1.1_200 OK\r\n", 0),
        (b"HTTP/2.0 200 OK\r\n", 0),
        (b"HTTP/1.1\r\n", 0),
        (b"SSH-2.0", 0),
        (b"\r\n", 0),
        (b"", -1),
        (b"HTTP/", -1),
        (b"HTTP/1.1 20", -1),
        (b"HTTP/1.1 200 OK", -1),
    ],
)
def test_the_status_of_an_answer_that_begins_so(data: bytes, status: int) -> None:
    assert status_of(data) == status
