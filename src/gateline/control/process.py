"""The control process: owns the node's configuration, serves the Admin API and the status API, feeds the workers.

It tells the supervisor when the configuration is in force in every worker, and ends when the supervisor does.
"""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import uuid
from pathlib import Path

import uvloop

from gateline.admin.app import admin_app, status_app
from gateline.admin.edge import access_log
from gateline.admin.errors import ApiError, busy, exiting, not_in_force, timed_out
from gateline.admin.node import Figures, Readiness, Rows, Source, WorkerFigures
from gateline.control import channel, logs
from gateline.control.configuration import BusyError, Configuration
from gateline.control.context import ControlContext
from gateline.control.errors import ChangeRefusedError, ChangeTimeoutError
from gateline.control.feed import FeedServer
from gateline.control.servers import Servers, Service
from gateline.control.state import write_atomically
from gateline.declarative.errors import DeclarativeError
from gateline.engine import tasks
from gateline.engine.feed import FeedError, encode
from gateline.entities import Snapshot
from gateline.entities.snapshot import EMPTY_HASH
from gateline.settings import Settings

logger = logging.getLogger(__name__)


def run(context: ControlContext) -> int:
    """Be the control process until a signal, or the supervisor's end, ends it; the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ControlProcess(context).serve())


class ControlProcess:
    """The control process; the Admin API sees it as its `Node`."""

    def __init__(self, context: ControlContext) -> None:
        self._context = context
        self._end = asyncio.Event()
        self._failed = False
        self._draining = False
        self._paused = False
        self._one_order = asyncio.Lock()
        self._feed = FeedServer(context.feed)
        self._configuration = Configuration(context.settings, self._feed, context.configuration_file)
        self._identity = _identity(context.settings)
        self._channel = _Channel(self)
        settings = context.settings
        admin = admin_app(self)
        self._servers = Servers(
            [
                Service(admin, context.admin, *_pair(settings.admin_ssl_cert, settings.admin_ssl_cert_key)),
                Service(
                    status_app(self, admin),
                    context.status,
                    *_pair(settings.status_ssl_cert, settings.status_ssl_cert_key),
                ),
            ]
        )
        _open_access_log(settings)

    async def serve(self) -> int:
        """Its life; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGQUIT):
            loop.add_signal_handler(number, self._end.set)
        self._context.channel.setblocking(False)
        await loop.create_unix_connection(lambda: self._channel, sock=self._context.channel)
        await self._feed.start()
        start = tasks.start(self._start(), name="start")
        await self._end.wait()
        start.cancel()
        await self._servers.stop()
        self._feed.close()
        return int(self._failed)

    async def _start(self) -> None:
        try:
            await self._configuration.start(recover=self._context.recover)
            if self._context.replacement:
                await self._servers.start()
            await self._feed.complete(self._context.workers)
            await self._servers.start()
        except DeclarativeError as error:
            self._fail([str(problem) for problem in error.problems])
        except (ChangeRefusedError, ChangeTimeoutError) as error:
            self._fail([f"the configuration cannot be put in force: {error}"])
        except OSError as error:
            self._fail([f"the Admin API cannot be served: {error}"])
        else:
            self._channel.send(channel.Ready())

    def _fail(self, messages: list[str]) -> None:
        self._failed = True
        self._channel.send(channel.Failed(messages))

    # Orders of the supervisor.

    def told(self, message: channel.ToControl) -> None:
        """Do what the supervisor asks."""
        match message:
            case channel.Load():
                tasks.start(self._load_again(), name="reload")
            case channel.Pause():
                tasks.start(self._pause(), name="pause")
            case channel.Resume():
                tasks.start(self._resume(), name="resume")
            case channel.Drain():
                self._draining = True

    def orphaned(self) -> None:
        """The supervisor is gone."""
        self._end.set()

    async def _load_again(self) -> None:
        try:
            await self._configuration.reload()
        except DeclarativeError as error:
            problems = [str(problem) for problem in error.problems]
            self._channel.send(channel.Loaded(ok=False, messages=problems))
        except (ChangeRefusedError, ChangeTimeoutError) as error:
            reason = f"the configuration cannot be put in force: {error}"
            self._channel.send(channel.Loaded(ok=False, messages=[reason]))
        except BusyError:
            self._channel.send(channel.Loaded(ok=False, messages=["another configuration is being loaded; try again"]))
        else:
            self._channel.send(channel.Loaded(ok=True, messages=[]))

    async def _pause(self) -> None:
        async with self._one_order:
            self._paused = True
            await self._configuration.pause()
            await self._servers.stop()
            self._channel.send(channel.Paused())

    async def _resume(self) -> None:
        async with self._one_order:
            if self._paused:
                self._paused = False
                self._configuration.resume()
                await self._servers.start()

    # The node, as the Admin API asks for it.

    @property
    def settings(self) -> Settings:
        """The settings, with the real ports."""
        return self._context.settings

    @property
    def identity(self) -> str:
        """The node's UUID."""
        return self._identity

    @property
    def master_pid(self) -> int:
        """The supervisor's process id."""
        return os.getppid()

    @property
    def snapshot(self) -> Snapshot:
        """The configuration in force."""
        return self._configuration.snapshot

    @property
    def readiness(self) -> Readiness:
        """Whether the node serves."""
        if self._draining:
            return "draining"
        return "no configuration" if self.snapshot.hash == EMPTY_HASH else "ready"

    def figures(self) -> Figures:
        """What the workers have counted."""
        totals = self._feed.totals()
        return Figures(
            connections_accepted=totals.accepted,
            connections_handled=totals.handled,
            connections_active=totals.active,
            connections_reading=totals.reading,
            connections_writing=totals.writing,
            connections_waiting=totals.waiting,
            total_requests=totals.requests,
            workers=tuple(WorkerFigures(one.pid, one.stats.resident_bytes) for one in self._feed.workers),
            configuration_bytes=self._configuration.size,
        )

    async def load(self, source: Source, *, unless_loaded: bool) -> Rows | None:
        """Put a declarative configuration in force. Raises DeclarativeError or ApiError."""
        if self._draining or self._end.is_set():
            raise exiting()
        # A load that has begun ends, whatever becomes of the request.
        load = tasks.start(self._attempt(source, unless_loaded=unless_loaded), name="load")
        outcome = await asyncio.shield(load)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _attempt(self, source: Source, *, unless_loaded: bool) -> Rows | ApiError | DeclarativeError | None:
        try:
            return await self._configuration.load(source, unless_loaded=unless_loaded)
        except DeclarativeError as error:
            return error
        except BusyError:
            return busy()
        except ChangeTimeoutError:
            return timed_out()
        except ChangeRefusedError as error:
            return not_in_force(str(error))

    async def dump(self) -> str:
        """The configuration in force as a declarative file."""
        return await self._configuration.dump()


class _Channel(asyncio.Protocol):
    """The control end of the channel to the supervisor."""

    def __init__(self, process: ControlProcess) -> None:
        self._process = process
        self._reader = channel.messages_for_control()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                self._process.told(message)
        except FeedError as error:
            logger.error("the supervisor sent what is no message: %s", error)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._process.orphaned()

    def send(self, message: channel.ToSupervisor) -> None:
        if self._transport is not None:
            self._transport.write(encode(message))


def _pair(certificates: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str | None, str | None]:
    return (certificates[0], keys[0]) if certificates else (None, None)


def _identity(settings: Settings) -> str:
    """The node's UUID: as set, else the one that was made at the first start and kept."""
    if settings.node_id:
        return settings.node_id
    path = settings.prefix / "run" / "node_id"
    with contextlib.suppress(OSError, ValueError):
        return str(uuid.UUID(path.read_text().strip()))
    identity = str(uuid.uuid4())
    try:
        write_atomically(path, f"{identity}\n".encode())
    except OSError as error:
        logger.error("the node's identity cannot be kept in %s: %s", path, error.strerror)
    return identity


def _open_access_log(settings: Settings) -> None:
    """Send the Admin API's access log where the settings say."""
    target: Path | None = settings.admin_access_log
    access_log.propagate = False
    access_log.setLevel(logging.CRITICAL)
    if target is None:
        return
    handler: logging.Handler
    try:
        if str(target) in ("/dev/stdout", "/dev/stderr"):
            handler = logging.StreamHandler(target.open("w"))
        else:
            handler = logging.handlers.WatchedFileHandler(target, encoding="utf-8")
    except OSError as error:
        logger.log(logs.NOTICE, "the Admin API's access log %s cannot be written: %s", target, error.strerror)
        return
    access_log.addHandler(handler)
    access_log.setLevel(logging.INFO)
