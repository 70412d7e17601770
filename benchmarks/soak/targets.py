"""Targets that misbehave on demand, in the loop of the check.

Each answers as the upstream of the benchmarks does, until it is told otherwise.
"""

import asyncio
from typing import Literal, cast

from benchmarks.processes import Address
from benchmarks.upstream import BODY

__all__ = ["PROBE", "Mode", "Target"]

Mode = Literal["well", "dead", "hang", "reset", "error", "slow"]

PROBE = "/probe"
"""The path that health checks ask for; such requests do not count as served."""
FAST = 0.002  # seconds until an answer
SLOW = 0.2
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Target:
    """One target on an address of the loopback; `served` counts its requests, `accepted` its connections."""

    def __init__(self, host: str) -> None:
        self.address = Address(host, 0)
        self.mode: Mode = "well"
        self.served = 0
        self.accepted = 0
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the port of before where there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), self.address.host, self.address.port, backlog=1024, reuse_address=True
        )
        self.address = Address(self.address.host, self._server.sockets[0].getsockname()[1])

    async def behave(self, mode: Mode) -> None:
        """From now on; what waits for an answer gets one when the target is well again."""
        was_dead = self.mode == "dead"
        self.mode = mode
        if mode == "dead":
            self.close()
        elif was_dead:
            await self.open()
        for connection in list(self.connections) if mode == "well" else ():
            connection.answer()

    def close(self) -> None:
        """Be gone: no new connection, and the old ones are cut."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, target: Target) -> None:
        self._target = target
        self._transport: asyncio.Transport
        self._partial = b""
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._target.accepted += 1
        self._target.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        self._target.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._partial += data
        if b"\r\n\r\n" not in self._partial:
            return
        probe = self._partial.startswith(b"GET %b " % PROBE.encode())
        self._partial = b""
        self._target.served += not probe
        self._waiting = True
        mode = self._target.mode
        if mode == "reset":
            self.abort()
        elif mode != "hang":
            asyncio.get_running_loop().call_later(SLOW if mode == "slow" and not probe else FAST, self.answer)

    def answer(self) -> None:
        """Answer what waits."""
        if self._waiting and not self._transport.is_closing():
            self._waiting = False
            self._transport.write(_ERROR if self._target.mode == "error" else _ANSWER)

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
