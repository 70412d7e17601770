"""Serves the Admin API and the status API on sockets that outlive this process: they can stop taking requests and start
again without a client being refused, as connections wait meanwhile in the sockets.
"""

import asyncio
import contextlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from gateline.engine import tasks
from gateline.engine.context import BoundListener

GRACE = 2
"""Seconds that requests get to finish when the servers stop."""

IDLE = 75
"""Seconds that a client connection may wait for its next request."""


@dataclass(frozen=True, slots=True)
class Service:
    """An application, its listeners, and certificate and key for those with TLS."""

    application: ASGIApp
    listeners: tuple[BoundListener, ...]
    certificate: str | None
    key: str | None


class Servers:
    """The HTTP servers of a control process."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = tuple(services)
        self._running: list[tuple[_Server, asyncio.Task[None]]] = []

    async def start(self) -> None:
        """Take requests; nothing happens when they are taken already. Raises OSError."""
        if self._running:
            return
        for service in self._services:
            for tls in (False, True):
                sockets = [one.socket.dup() for one in service.listeners if one.listen.ssl is tls]
                if sockets:
                    server = _Server(_config(service, tls=tls))
                    self._running.append((server, tasks.start(server.serve(sockets), name="admin server")))
        for server, task in self._running:
            await _up(server, task)

    async def stop(self) -> None:
        """Finish what runs, at most GRACE seconds, and take nothing more."""
        running, self._running = self._running, []
        for server, _ in running:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in running))


class _Server(uvicorn.Server):
    """uvicorn without its hands on signals, and with an event for when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the control process."""
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.up.set()


async def _up(server: _Server, task: asyncio.Task[None]) -> None:
    """Wait until a server serves; raise what ended it before."""
    up = tasks.start(server.up.wait(), name="admin server start")
    await asyncio.wait([task, up], return_when=asyncio.FIRST_COMPLETED)
    if not up.done():
        up.cancel()
        await task


def _config(service: Service, *, tls: bool) -> uvicorn.Config:
    return uvicorn.Config(
        service.application,
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=max(one.listen.backlog for one in service.listeners),
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=service.certificate if tls else None,
        ssl_keyfile=service.key if tls else None,
    )
