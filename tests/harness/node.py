"""A worker in a thread of the test: the engine as it runs in production, with the test in the place of the supervisor
and of the control process. It starts in a few milliseconds, so a test can have one with settings of its own."""

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

from gateline.engine.context import BoundListener, WorkerContext
from gateline.engine.feed import Ack, Begin, Commit, Hello, Put, control_messages, encode
from gateline.engine.worker import Worker
from gateline.entities import Route, Service
from gateline.settings import load_settings
from harness.client import DEADLINE

__all__ = ["Node", "NodeError", "configuration"]

T = TypeVar("T")
Configuration = Mapping[str, list[dict[str, Any]]]


class NodeError(Exception):
    """The worker refused a configuration."""


def configuration(*services: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of a configuration from services as in a declarative file, their routes nested."""
    rows: dict[str, list[dict[str, Any]]] = {"services": [], "routes": []}
    for fields in services:
        fields = dict(fields)
        routes = fields.pop("routes", [])
        service = Service.parse(fields)
        rows["services"].append(service.to_wire())
        rows["routes"] += [Route.parse({**route, "service": {"id": service.id}}).to_wire() for route in routes]
    return rows


class _Worker(Worker):
    """A worker outside the main thread, where signals cannot be had."""

    def _handle_signals(self) -> None:
        pass


class Node:
    """A worker with a plain listener (`port`) and, on demand, a TLS one (`tls_port`). Use it in a `with` statement."""

    def __init__(
        self, config: Configuration, settings: Mapping[str, str] | None = None, *, tls: tuple[str, str] | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gateline-node-")
        self._config = config
        self.prefix = Path(self._folder.name)
        environ = {
            "GATELINE_PREFIX": str(self.prefix),
            "GATELINE_PROXY_LISTEN": "127.0.0.1:0, 127.0.0.1:0 ssl" if tls else "127.0.0.1:0",
            "GATELINE_PROXY_ACCESS_LOG": "off",
        }
        if tls:
            environ |= {"GATELINE_SSL_CERT": tls[0], "GATELINE_SSL_CERT_KEY": tls[1]}
        environ |= {f"GATELINE_{name.upper()}": value for name, value in (settings or {}).items()}
        self.settings = load_settings(None, environ, {}, search=()).settings
        self._version = 0
        self._hellos = asyncio.Queue[asyncio.StreamWriter]()
        self._acks: asyncio.Queue[Ack] = asyncio.Queue()
        self._failure: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0
        self.tls_port = 0
        self.worker: Worker
        self.loop: asyncio.AbstractEventLoop
        self._feed: asyncio.StreamWriter

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(DEADLINE), "the node does not start"
        if self._failure is not None:
            self._thread.join(DEADLINE)
            self._folder.cleanup()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.worker._stop)
        self._thread.join(DEADLINE)
        self._folder.cleanup()
        if kind is None:
            assert not self._thread.is_alive(), "the node does not end"
            if self._failure is not None:
                raise self._failure

    def configure(self, config: Configuration) -> None:
        """Put another configuration in force; returns when it is. Raises NodeError when the worker refuses it."""
        self.wait(lambda: self._send(config))

    def wait(self, coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a coroutine gives that runs in the node's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine(), self.loop).result(DEADLINE)

    def ask(self, question: Callable[[], T]) -> T:
        """What a function gives that runs in the node's loop."""

        async def put() -> T:
            return question()

        return self.wait(put)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # raised again in the test's thread
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        feed = str(self.prefix / "feed.sock")
        server = await asyncio.start_unix_server(self._control, feed)
        listeners = []
        for listen in self.settings.proxy_listen:
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            listener.setblocking(False)
            port = listener.getsockname()[1]
            listeners.append(BoundListener(listener, listen.with_port(port)))
            if listen.ssl:
                self.tls_port = port
            else:
                self.port = port
        self.worker = _Worker(WorkerContext(0, self.settings, tuple(listeners), feed))
        life = self.loop.create_task(self.worker.serve())
        try:
            self._feed = await asyncio.wait_for(self._hellos.get(), DEADLINE)
            try:
                await self._send(self._config)
            except NodeError:
                self.worker._stop()
                await life
                raise
            self._started.set()
            await life
        finally:
            self._feed.close()
            server.close()
            for bound in listeners:
                with contextlib.suppress(OSError):
                    bound.socket.close()

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages = control_messages()
        try:
            while data := await reader.read(65536):
                for message in messages.feed(data):
                    if isinstance(message, Hello):
                        self._hellos.put_nowait(writer)
                    elif isinstance(message, Ack):
                        self._acks.put_nowait(message)
        except ConnectionResetError:
            pass
        finally:
            writer.close()

    async def _send(self, config: Configuration) -> None:
        self._version += 1
        self._feed.write(encode(Begin(self._version, True)))
        for kind, rows in config.items():
            self._feed.write(encode(Put(kind, rows)))
        self._feed.write(encode(Commit(self._version, f"hash-{self._version}")))
        ack = await asyncio.wait_for(self._acks.get(), DEADLINE)
        if ack.error is not None:
            raise NodeError(ack.error)
