"""Who waits for whom while a body passes: a slow client for its answer, a slow service for its request."""

import asyncio
from dataclasses import dataclass

import pytest

from gateline.engine.errors import CATALOGUE
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.testing.messages import ServiceAnswer
from gateline.testing.wires import Wire
from unit.engine.configurations import route, service
from unit.engine.upstream.stage import Client, MadePools, Stage

HOST = "s0.test"
COUNTED = (b"HTTP/1.1 200 -\r\nContent-Length: 3\r\n\r\na", b"b", b"c")
CHUNKED = (b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", b"1\r\nb\r\n", b"1\r\nc\r\n0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class _InPieces(ServiceAnswer):
    """An answer that comes in just these pieces."""

    given: tuple[bytes, ...] = ()

    def pieces(self, method: str) -> list[bytes]:
        return list(self.given)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> set[Wire]:
    """The wires that are not read at the moment."""
    wires: set[Wire] = set()
    monkeypatch.setattr(Wire, "pause_reading", lambda wire: wires.add(wire))
    monkeypatch.setattr(Wire, "resume_reading", lambda wire: wires.discard(wire))
    return wires


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def _take_no_more_after(client: Client, writes: int) -> None:
    write, left = client.wire.write, [writes]

    def fill(data: bytes | bytearray | memoryview) -> None:
        write(data)
        left[0] -= 1
        if left[0] == 0:
            client.connection.pause_writing()

    client.wire.write = fill  # type: ignore[method-assign]


@pytest.mark.parametrize("pieces", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_service_is_read_no_faster_than_the_client_takes(pieces: tuple[bytes, ...], unread: set[Wire]) -> None:
    async def ask() -> None:
        stage = Stage(service(), route())
        stage.behaviours[HOST] = _InPieces(given=pieces[:1])
        client = stage.client()
        _take_no_more_after(client, 1)
        client.send("/0")
        await _turns()
        assert len(unread) == 1
        client.connection.resume_writing()
        assert not unread

    asyncio.run(ask())


@pytest.mark.parametrize("pieces", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_connection_is_read_again_for_the_next_when_a_client_has_yet_to_take_the_end(
    pieces: tuple[bytes, ...], unread: set[Wire]
) -> None:
    async def ask() -> None:
        stage = Stage(service(), route())
        stage.behaviours[HOST] = _InPieces(given=pieces)
        slow = stage.client()
        _take_no_more_after(slow, 3)
        slow.send("/0")
        await _turns()
        assert len(stage.over) == 1, "the service has said everything"
        assert not unread
        assert (await stage.request("/0")).status == 200
        assert not unread

    asyncio.run(ask())


def test_service_that_takes_a_request_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    unsent = [1000]
    monkeypatch.setattr(Wire, "get_write_buffer_size", lambda _: unsent[0])

    async def ask() -> None:
        stage = Stage(service(write_timeout=5000, retries=0), route())
        stage.behaviours[HOST] = "silence"
        client = stage.client()
        client.send("/0")
        await _turns()
        (connection,) = stage.pools.connections
        assert isinstance(connection, UpstreamConnection)
        connection.pause_writing()
        for left in (900, 1):
            unsent[0] = left
            connection.timed_out(100.0)
            assert connection.deadline == 105.0
        connection.timed_out(200.0)
        assert client.status == CATALOGUE.WRITE_TIMEOUT.status

    asyncio.run(ask())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_is_closed_before_anything_was_sent_is_a_try_that_failed(method: str) -> None:
    made: list[UpstreamConnection] = []

    def closed(connection: UpstreamConnection) -> None:
        made.append(connection)
        wire = Wire()
        connection.connection_made(wire)
        wire.close()
        connection.connection_lost(None)

    async def ask() -> None:
        pools = MadePools(closed)
        stage = Stage(service(host="127.0.0.1", retries=2), route(), pools=pools)
        client = stage.client()
        client.send("/0", method=method)
        await _turns()
        assert client.status == CATALOGUE.CONNECT.status
        assert len(made) == 3
        assert not pools.connections

    asyncio.run(ask())
