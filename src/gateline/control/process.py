"""The control process: owns the node's configuration, serves the Admin API and the status API, feeds the workers.

It tells the supervisor when the configuration is in force in every worker, and ends when the supervisor does.
"""

import asyncio
import contextlib
import logging
import logging.handlers
import signal
from pathlib import Path

import uvloop

from gateline.admin.app import admin_app, status_app
from gateline.admin.edge import access_log
from gateline.control import channel, logs
from gateline.control.admin_node import AdminNode
from gateline.control.configuration import BusyError, Configuration
from gateline.control.context import ControlContext
from gateline.control.declared import DeclaredConfiguration
from gateline.control.directory import NodeDirectory
from gateline.control.documents import NodeDocuments
from gateline.control.errors import ChangeError, StartError
from gateline.control.feed import FeedServer
from gateline.control.health import NodeHealth, TargetStates
from gateline.control.live import LiveConfiguration
from gateline.control.places import origin_of, store_options
from gateline.control.plugin_counts import PluginCounts
from gateline.control.plugin_writes import PluginWrites
from gateline.control.servers import Servers, Service
from gateline.declarative.errors import DeclarativeError
from gateline.engine import tasks
from gateline.engine.feed import FeedError, encode
from gateline.engine.tls import trusted_authorities
from gateline.engine.upstream.dns import Resolver, options_of
from gateline.entities.sealing import Sealer
from gateline.pdk import permissions
from gateline.pdk.discovery import PluginLoadError, Plugins
from gateline.settings import Settings
from gateline.sharedstate import DirectoryWriter, Places, SharedStateError, Shelves, open_directory
from gateline.sharedstate.keys import KeyFileError, sealer_of
from gateline.store import StoreUnavailable, open_store
from gateline.telemetry import Registry, claim

logger = logging.getLogger(__name__)

REUNION = 2.0
"""Seconds that the workers of a control process which crashed have to find the next one; they look every second."""


def run(context: ControlContext) -> int:
    """Be the control process until a signal, or the supervisor's end, ends it; the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ControlProcess(context).serve())


class ControlProcess:
    """The control process: its life, and what the supervisor orders."""

    def __init__(self, context: ControlContext) -> None:
        self._context = context
        self._end = asyncio.Event()
        self._failed = False
        self._paused = False
        self._one_order = asyncio.Lock()
        self._feed = FeedServer(context.feed)
        self._channel = _Channel(self)
        self._states = TargetStates(self._feed, context.health_file, Resolver(options_of(context.settings)))
        self._metrics = Registry(claim(None if context.shared is None else Places(context.shared).metrics))
        self._health = NodeHealth(self._feed, self._states, context.circuits_file, self._metrics)
        self._documents = NodeDocuments(self._feed, context.documents_file)
        self._configuration: Configuration
        self._node: AdminNode
        self._servers: Servers

    def _build(self) -> None:
        """Make the parts. Raises StoreUnavailable, OSError, PluginLoadError, SharedStateError, KeyFileError."""
        context, settings = self._context, self._context.settings
        permissions.allow(untrusted_python=settings.untrusted_python, database=settings.database != "off")
        Plugins(settings.plugins, settings.plugin_folders).load_all()
        self._sealer = sealer_of(settings)
        self._directory = NodeDirectory(_writer(context), self._sealer)
        self._configuration = _configuration(
            settings, self._feed, context.configuration_file, self._directory, self._sealer
        )
        if isinstance(self._configuration, LiveConfiguration):
            writing = self._configuration.writing
            writes = PluginWrites(lambda: writing(actor="plugins", reason="written by plugins"))
            self._feed.write_with(writes.write)
            self._feed.count_with(PluginCounts(self._configuration.store).count)
        shelves = Shelves(context.shared, settings.prefix / "shelves")
        self._node = AdminNode(
            settings,
            self._configuration,
            self._feed,
            self._states,
            self._end.is_set,
            shelves,
            self._metrics,
            context.shared,
        )
        admin = admin_app(self._node)
        status = status_app(self._node, admin)
        self._servers = Servers(
            [
                Service(admin, context.admin, *_pair(settings.admin_ssl_cert, settings.admin_ssl_cert_key)),
                Service(status, context.status, *_pair(settings.status_ssl_cert, settings.status_ssl_cert_key)),
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
        try:
            self._build()
        except (StoreUnavailable, OSError, PluginLoadError, SharedStateError, KeyFileError) as error:
            self._fail([str(error)])
            await self._end.wait()
            return int(self._failed)
        start = tasks.start(self._start(), name="start")
        await self._end.wait()
        start.cancel()
        await self._servers.stop()
        await self._configuration.close()
        self._health.close()
        self._states.close()
        self._documents.close()
        self._feed.close()
        return int(self._failed)

    async def _start(self) -> None:
        try:
            await self._states.start()
            authorities = trusted_authorities(self._context.settings.lua_ssl_trusted_certificate)
            self._health.start(authorities)
            self._documents.start(authorities)
            await self._configuration.start(recover=self._context.recover)
            if self._context.replacement:
                await self._workers_back()
                await self._servers.start()
            self._channel.send(channel.Loaded())
            await self._feed.complete(self._context.workers)
            await self._servers.start()
        except DeclarativeError as error:
            self._fail([str(problem) for problem in error.problems])
        except StartError as error:
            self._fail(error.messages)
        except ChangeError as error:
            self._fail([f"the configuration cannot be put in force: {error}"])
        except StoreUnavailable as error:
            self._fail([error.reason])
        except OSError as error:
            self._fail([f"the Admin API cannot be served: {error}"])
        else:
            self._channel.send(channel.Ready())

    async def _workers_back(self) -> None:
        """Wait until the workers, which serve already, have found this process, but not for one that is not there: what
        the Admin API says is in force must be so in all of them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REUNION):
                await self._feed.complete(self._context.workers)

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
                self._node.draining = True

    def orphaned(self) -> None:
        """The supervisor is gone."""
        self._end.set()

    async def _load_again(self) -> None:
        try:
            await self._configuration.reload()
        except DeclarativeError as error:
            problems = [str(problem) for problem in error.problems]
            self._channel.send(channel.Reloaded(ok=False, messages=problems))
        except ChangeError as error:
            reason = f"the configuration cannot be put in force: {error}"
            self._channel.send(channel.Reloaded(ok=False, messages=[reason]))
        except (StartError, StoreUnavailable) as error:
            self._channel.send(channel.Reloaded(ok=False, messages=str(error).splitlines()))
        except BusyError:
            reason = "another configuration is being loaded; try again"
            self._channel.send(channel.Reloaded(ok=False, messages=[reason]))
        else:
            self._channel.send(channel.Reloaded(ok=True, messages=[]))

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


def _writer(context: ControlContext) -> DirectoryWriter | None:
    """What writes the directory of the generation. Raises SharedStateError."""
    if context.shared is None:
        return None
    return DirectoryWriter(open_directory(Places(context.shared).directory(context.generation)))


def _configuration(
    settings: Settings, feed: FeedServer, kept: Path, directory: NodeDirectory, sealer: Sealer
) -> Configuration:
    """The configuration that the settings ask for. Raises StoreUnavailable, OSError."""
    if settings.database == "off":
        return DeclaredConfiguration(settings, feed, kept, directory, sealer)
    options = store_options(settings, sealer)
    return LiveConfiguration(settings, feed, kept, open_store(options), origin_of(options), directory)


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
