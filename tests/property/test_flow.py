"""However slowly clients and services give and take, in whatever order: every request has its own answer, whole, nobody
holds up somebody else for ever, and what the gateway keeps for one who does not take it stays small. Where services
hang up and clients leave, nobody waits for them, and nobody gets what is not his."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.wire import http1
from gateline.engine.wire.codec import Limits
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.testing.wires import Wire
from harness.messages import parse_request, parse_response
from unit.engine.configurations import route, service
from unit.engine.upstream.stage import MadePools, Stage

HIGH, LOW = 100, 20
"""Bytes that a wire keeps before it says that it is full, and at which it says that it is not any more."""
LARGEST = 400
"""Bytes of a body, and of what is given at once."""
KEPT = HIGH + LARGEST + 600
"""Bytes that may wait for one end: a wire nearly full, a head and a piece."""


@pytest.fixture(scope="module", autouse=True)
def little_ahead() -> Iterator[None]:
    """What a client sends ahead is read only up to a request or two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http1, "AHEAD_LIMIT", 300)
        yield


class _End(Protocol):
    """A connection as its wire sees it."""

    def data_received(self, data: bytes) -> Any: ...
    def eof_received(self) -> bool: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


class _SlowWire(Wire):
    """A wire whose far end gives and takes when it is told to."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)})
        self.protocol: _End = cast(_End, None)
        self.taken = b""
        self.coming = b""
        self.ending = False
        """The far end says nothing after what is coming."""
        self.reading = True
        self.lost = False
        self._full = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self.written += data
        assert len(self.written) <= KEPT, "it piles up"
        if len(self.written) > HIGH and not self._full:
            self._full = True
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        if not self._closing:
            super().close()
            self._end_when_taken()

    def abort(self) -> None:
        super().abort()
        self.written.clear()
        self._end_when_taken()

    def _end_when_taken(self) -> None:
        if not self.written:
            asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)

    def take(self, size: int) -> bool:
        """The far end takes so many bytes, if there are any."""
        taken = bytes(self.written[:size])
        del self.written[:size]
        self.taken += taken
        if self._closing:
            self._end_when_taken()
        elif self._full and len(self.written) <= LOW:
            self._full = False
            self.protocol.resume_writing()
        return bool(taken)

    def give(self, size: int) -> bool:
        """The far end sends so many bytes, if they are wanted."""
        if self._closing or not self.reading or not (self.coming or self.ending):
            return False
        data, self.coming = self.coming[:size], self.coming[size:]
        if data:
            self.protocol.data_received(data)
        elif not self.protocol.eof_received():
            self.close()
        return True

    def hang_up(self) -> None:
        """The far end says nothing more than what has come."""
        self.coming = b""
        self.ending = True

    def leave(self) -> None:
        """The far end is gone at once."""
        self.coming = b""
        self._closing = True
        self.written.clear()
        self._lose()


@dataclass(frozen=True)
class _Ask:
    """A request: its method, the sizes of its body and its answer's, and how each is framed."""

    method: str
    body: int
    answer: int
    chunked: bool
    framing: str

    def bytes_of(self, number: int) -> bytes:
        """What the client sends."""
        start = f"{self.method} /0/{number}/{self.answer}/{self.framing} HTTP/1.1\r\nHost: a\r\n"
        content = b"q" * self.body
        if not self.chunked:
            return start.encode() + b"Content-Length: %d\r\n\r\n%b" % (self.body, content)
        half = content[: self.body // 2], content[self.body // 2 :]
        return start.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + _chunks(*half)

    def answer_of(self, number: int) -> bytes:
        """The answer's body."""
        return b"%d:%d:%b" % (number, self.body, b"a" * self.answer)


def _chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


class _World:
    """Clients with what they ask, and a service."""

    def __init__(self, clients: list[list[_Ask]]) -> None:
        self._wires: list[_SlowWire] = []
        self._pools = MadePools(self._make)
        self._stage = Stage(service(host="127.0.0.1"), route(), pools=self._pools)
        self._crowd = Crowd(ClientLimits())
        self.clients = [self._client(asks) for asks in clients]
        self._asks = clients

    def _client(self, asks: list[_Ask]) -> _SlowWire:
        wire = _SlowWire()
        limits = Limits(line=1000, head=1000, count=20)
        connection = ClientConnection(Door(self._stage.proxy, self._crowd, limits, port=8000, tls=False))
        wire.protocol = connection
        connection.connection_made(wire)
        wire.coming = b"".join(ask.bytes_of(number) for number, ask in enumerate(asks))
        return wire

    def _make(self, connection: UpstreamConnection) -> None:
        wire = _SlowWire()
        wire.protocol = connection
        self._wires.append(wire)
        connection.connection_made(wire)

    def trouble(self, end: int, *, at_once: bool) -> None:
        """One end leaves."""
        wires = [*self.clients, *self._wires]
        wire = wires[end % len(wires)]
        if at_once or wire in self.clients:
            wire.leave()
        else:
            wire.hang_up()

    def step(self, end: int, size: int, *, give: bool) -> bool:
        """One end gives or takes something; whether there was something to do."""
        wires = [*self.clients, *self._wires]
        wire = wires[end % len(wires)]
        done = wire.give(size) if give else wire.take(size)
        if end % len(wires) >= len(self.clients):
            self._serve(wire)
        for connection in self._idle():
            assert connection.reading, "a kept connection is not read"
        return done

    def _serve(self, wire: _SlowWire) -> None:
        request = parse_request(wire.taken) if wire.taken else None
        if request is None or wire.ending or wire.lost:
            return
        wire.taken = wire.taken[request.size :]
        number, size, framing = request.target.split("/")[1:]
        content = b"%b:%d:%b" % (number.encode(), len(request.body), b"a" * int(size))
        if framing == "counted":
            wire.coming += b"HTTP/1.1 200 -\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
        elif framing == "chunked":
            half = len(content) // 2
            wire.coming += b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n"
            wire.coming += _chunks(content[:half], content[half:])
        else:
            wire.coming += b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n" + content
            wire.ending = True

    def _idle(self) -> Iterator[_SlowWire]:
        kept = {id(one) for pool in self._pools._by_target.values() for one in pool._places.sole.idle}  # type: ignore[union-attr]
        return (wire for wire in self._wires if id(wire.protocol) in kept and not wire.is_closing())

    async def go_on(self, slow: set[int]) -> None:
        """Give and take until there is nothing more to do; the clients of these numbers take nothing."""
        quiet = 0
        while quiet < 3:  # a connection is made in some turns of the loop, with nothing to see
            busy = False
            for end in range(len(self.clients) + len(self._wires)):
                for give in (True, False):
                    busy = ((give or end not in slow) and self.step(end, LARGEST, give=give)) or busy
                    for _ in range(3):
                        await asyncio.sleep(0)
            quiet = 0 if busy else quiet + 1

    async def grow_old(self) -> None:
        """Nobody gives or takes anything any more, for a long time."""
        now = monotonic()
        for _ in range(10):
            now += 1000
            self._crowd.check_deadlines(now)
            self._pools.check_deadlines(now)
            for _ in range(5):
                await asyncio.sleep(0)

    def check_that_all_is_over(self) -> None:
        """No connection is left."""
        assert all(wire.lost for wire in (*self.clients, *self._wires))
        assert not self._crowd.connections
        assert not self._pools.connections

    def check(self, slow: set[int]) -> None:
        """Every client has all its answers, but for those of these numbers."""
        for index, wire in enumerate(self.clients):
            if index in slow:
                continue
            data = wire.taken
            for number, ask in enumerate(self._asks[index]):
                response = parse_response(data, method=ask.method, closed=False)
                assert response is not None, f"no answer to request {number}"
                assert (response.status, response.body) == (200, ask.answer_of(number))
                data = data[response.size :]
            assert not data
            assert not wire.coming
            assert not wire.is_closing()

    def check_after_trouble(self) -> None:
        """Whoever is still there has a right answer, an error or an end; nothing is under way, nothing is left over."""
        for wire, asks in zip(self.clients, self._asks, strict=True):
            answers, data = 0, wire.taken
            while data and (response := parse_response(data, method=asks[answers].method, closed=False)) is not None:
                right = response.status == 200 and response.body == asks[answers].answer_of(answers)
                assert right or response.status == 502
                answers, data = answers + 1, data[response.size :]
            assert wire.is_closing() or (answers == len(asks) and not data)
            assert wire.is_closing() == wire.lost
            assert wire.lost or cast(ClientConnection, wire.protocol).idle()
        idle = list(self._idle())
        for wire in self._wires:
            assert wire.lost or wire in idle


SIZES = st.integers(0, LARGEST)
METHODS = st.sampled_from(["GET", "POST"])
ASKS = st.builds(_Ask, METHODS, SIZES, SIZES, st.booleans(), st.sampled_from(["counted", "chunked", "closed"]))
CLIENTS = st.lists(st.lists(ASKS, min_size=1, max_size=6), min_size=1, max_size=3)
ENDS = st.integers(0, 5)
TURNS = st.integers(0, 3)
STEPS = st.tuples(ENDS, st.integers(1, LARGEST), st.booleans(), TURNS)
TROUBLES = st.tuples(ENDS, st.just(0), st.booleans(), TURNS)


async def _run(world: _World, steps: list[tuple[int, int, bool, int]]) -> None:
    for end, size, flag, turns in steps:
        if size:
            world.step(end, size, give=flag)
        else:
            world.trouble(end, at_once=flag)
        for _ in range(turns):
            await asyncio.sleep(0)


@settings(max_examples=200)
@given(CLIENTS, st.lists(STEPS, max_size=60), st.sets(st.integers(0, 2)))
def test_every_request_has_its_answer(
    clients: list[list[_Ask]], steps: list[tuple[int, int, bool, int]], slow: set[int]
) -> None:
    async def pass_through() -> None:
        world = _World(clients)
        await _run(world, steps)
        for late in (slow & set(range(len(clients))), set[int]()):
            await world.go_on(late)
            world.check(late)

    asyncio.run(pass_through())


@settings(max_examples=200)
@given(CLIENTS, st.lists(STEPS | STEPS | STEPS | TROUBLES, max_size=60))
def test_nobody_waits_for_who_is_gone(clients: list[list[_Ask]], steps: list[tuple[int, int, bool, int]]) -> None:
    async def pass_through() -> None:
        world = _World(clients)
        await _run(world, steps)
        await world.go_on(set())
        world.check_after_trouble()

    asyncio.run(pass_through())


@settings(max_examples=200)
@given(CLIENTS, st.lists(STEPS, max_size=60))
def test_nobody_waits_for_ever(clients: list[list[_Ask]], steps: list[tuple[int, int, bool, int]]) -> None:
    async def pass_through() -> None:
        world = _World(clients)
        await _run(world, steps)
        await world.grow_old()
        world.check_that_all_is_over()

    asyncio.run(pass_through())
