"""A directory: where it is, the connections to it that are kept, and how long one may wait for it.

Not more than `CONNECTIONS` are open at a time, and not more than `WAITING` requests wait for one of them, each for no
longer than the timeout. So a directory that is slow or gone costs the requests that need it their time, and nobody else
anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ssl import SSLContext
from typing import TypeVar

from gateline.plugins.ldap_auth.connection import Connection, DirectoryError, StaleError, connect

__all__ = ["Address", "Directory"]

T = TypeVar("T")

CONNECTIONS = 16
WAITING = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where a directory is, and how TLS is spoken to it, if at all: from the beginning, or after StartTLS."""

    host: str
    port: int
    tls: SSLContext | None = None
    start_tls: SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Directory:
    """See the module. `timeout` in seconds; `keepalive` in seconds, 0 for ever."""

    def __init__(self, address: Address, *, timeout: float, keepalive: float) -> None:
        self.address = address
        self.timeout = timeout
        self._keepalive = keepalive
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._waiting = 0
        self._idle: dict[Connection, asyncio.TimerHandle | None] = {}
        self._closed = False

    async def ask(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """What an operation gives that has a connection for itself. Raises DirectoryError.

        It may be begun again with another connection, where one that was kept turns out to be closed.
        """
        if self._waiting >= WAITING:
            raise DirectoryError(f"too many requests wait for {self.address}")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.timeout), self._turns:
                return await self._asked(operation)
        except TimeoutError:
            raise DirectoryError(f"{self.address} took longer than {self.timeout:g} s") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close what is kept; what is in use is closed after its use."""
        self._closed = True
        for connection in tuple(self._idle):
            self._taken(connection)
            connection.close()

    async def _asked(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        while self._idle:
            connection = next(reversed(self._idle))
            self._taken(connection)
            try:
                return await self._used(connection, operation)
            except StaleError:
                continue
        address = self.address
        connection = await connect(address.host, address.port, tls=address.tls, start_tls=address.start_tls)
        return await self._used(connection, operation)

    async def _used(self, connection: Connection, operation: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            outcome = await operation(connection)
        except BaseException:  # cancelled, too: an answer may be on its way that is nobody's any more
            connection.close()
            raise
        if self._closed or not connection.usable:
            connection.close()
        else:
            self._kept(connection)
        return outcome

    def _kept(self, connection: Connection) -> None:
        connection.on_lost = self._taken
        after = asyncio.get_running_loop().call_later
        self._idle[connection] = after(self._keepalive, connection.close) if self._keepalive else None

    def _taken(self, connection: Connection) -> None:
        timer = self._idle.pop(connection, None)
        if timer is not None:
            timer.cancel()
        connection.on_lost = None
