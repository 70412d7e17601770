"""The node as the Admin API sees it (`admin.node.Node`): what it asks for, answered by the parts of the control
process, and their errors as the API's."""

import asyncio
import contextlib
import logging
import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateline.admin.errors import ApiError, busy, exiting, not_in_force, refusal, timed_out
from gateline.admin.node import AddressHealth, Figures, Readiness, Rows, Source, WorkerFigures
from gateline.control import logs
from gateline.control.configuration import BusyError, Configuration
from gateline.control.declared import DeclaredConfiguration
from gateline.control.errors import ChangeError, ChangeTimeoutError
from gateline.control.feed import FeedServer
from gateline.control.health import TargetStates
from gateline.control.live import LiveConfiguration
from gateline.control.nodes import HealthSet, LogLevelSet, OtherNodes, PluginSaid, Said
from gateline.control.plugin_admin import PluginAdmin
from gateline.control.state import write_atomically
from gateline.declarative import to_config_response
from gateline.declarative.errors import DeclarativeError
from gateline.engine import tasks
from gateline.engine.tls import trusted_authorities
from gateline.entities import EntityError, Snapshot, Target, Upstream
from gateline.entities.errors import OPERATION_UNSUPPORTED
from gateline.settings import Settings
from gateline.sharedstate import Places, Shelves
from gateline.sharedstate.places import used
from gateline.store import Store, StoreUnavailable, Transaction
from gateline.telemetry import Family, NodeSheets, Registry

logger = logging.getLogger(__name__)

_ONLY_WITHOUT_DATABASE = "this endpoint is only available when Kong is configured to not use a database"


class AdminNode:
    """See `admin.node.Node`. `exiting` says whether the process is about to end."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        feed: FeedServer,
        states: TargetStates,
        exiting: Callable[[], bool],
        shelves: Shelves,
        metrics: Registry,
        shared: Path | None = None,
    ) -> None:
        """`metrics` are this process's own; `shared` is where the node's shared memory is."""
        self.settings = settings
        self.identity = _identity(settings)
        self.draining = False
        self._configuration = configuration
        self._feed = feed
        self._states = states
        self._shared = shared
        self._sheets = NodeSheets(None if shared is None else Places(shared).metrics)
        self._others = OtherNodes(configuration.store, self._hear)
        authorities = trusted_authorities(settings.lua_ssl_trusted_certificate)
        self.for_plugins = PluginAdmin(lambda: configuration.store, shelves, self._say, authorities, metrics)
        self._exiting = exiting
        self._log_level = settings.log_level
        self._reset: asyncio.TimerHandle | None = None

    @property
    def master_pid(self) -> int:
        """The supervisor's process id."""
        return os.getppid()

    @property
    def snapshot(self) -> Snapshot:
        """The configuration in force; with a database only its hash."""
        return self._configuration.snapshot

    @property
    def store(self) -> Store:
        """Where its entities live."""
        return self._configuration.store

    @property
    def readiness(self) -> Readiness:
        """Whether the node serves."""
        return "draining" if self.draining else self._configuration.state

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
            configuration_bytes=self._feed.size,
            shared_bytes={} if self._shared is None else used(self._shared),
        )

    async def families(self) -> list[Family]:
        """What all processes of the node have counted."""
        return await self._sheets.families()

    # The log level.

    @property
    def log_level(self) -> str:
        """The log level of the control process and the workers."""
        return self._log_level

    async def set_log_level(self, level: str, seconds: int, *, everywhere: bool) -> None:
        """Another log level, for some seconds; 0 is until they end. `everywhere`: on the other nodes too. Raises
        StoreUnavailable when they cannot be told."""
        self._set_log_level(level, seconds)
        if everywhere:
            await self._say(LogLevelSet(level, seconds))

    def _set_log_level(self, level: str, seconds: int) -> None:
        if self._reset is not None:
            self._reset.cancel()
            self._reset = None
        self._use_log_level(level)
        if seconds:
            loop = asyncio.get_running_loop()
            self._reset = loop.call_later(seconds, self._use_log_level, self.settings.log_level)

    def _use_log_level(self, level: str) -> None:
        logger.log(logs.NOTICE, "log level: %s", level)
        self._log_level = level
        logging.getLogger().setLevel(logs.LEVELS[level])
        self._feed.set_log_level(logs.LEVELS[level])

    # The health of targets.

    async def health(self, upstream: Upstream, targets: Sequence[Target]) -> list[list[AddressHealth]]:
        """The addresses of each target."""
        return await self._states.of(upstream, targets)

    async def set_health(self, upstream: Upstream, target: Target, address: str | None, *, healthy: bool) -> None:
        """Set a target, or one of its addresses, healthy or not: in force here when this returns, on the other nodes a
        moment later. Raises ApiError, and StoreUnavailable when they cannot be told."""
        try:
            await self._states.set(upstream.id, target.id, address, healthy=healthy)
        except ChangeTimeoutError:
            raise timed_out() from None
        except ChangeError as error:
            raise not_in_force(str(error)) from None
        await self._say(HealthSet(upstream.id, target.id, address, healthy))

    # Other nodes.

    async def _say(self, said: Said) -> None:
        try:
            await self._others.say(said)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error.reason}; it is so on this node, and the others do not know") from error

    def _hear(self, said: Said) -> None:
        match said:
            case LogLevelSet(level, seconds):
                if level in logs.LEVELS:
                    self._set_log_level(level, seconds)
            case PluginSaid():
                tasks.start(self.for_plugins.heard(said), name="something a plugin of another node says")
            case HealthSet():
                tasks.start(self._take_over(said), name="health set by another node")

    async def _take_over(self, said: HealthSet) -> None:
        try:
            await self._states.set(said.upstream, said.target, said.address, healthy=said.healthy)
        except ChangeError as error:
            logger.error("what another node says of target %s cannot be put in force: %s", said.target, error)

    # Writes.

    @asynccontextmanager
    async def writing(self, *, actor: str | None = None, reason: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction that is committed and in force when the block has ended. Raises as the block, and ApiError."""
        configuration = self._configuration
        if not isinstance(configuration, LiveConfiguration):
            raise EntityError(OPERATION_UNSUPPORTED, "cannot write entities when not using a database")
        try:
            async with configuration.writing(actor=actor, reason=reason) as transaction:
                yield transaction
        except ChangeTimeoutError:
            raise timed_out() from None
        except ChangeError as error:
            raise not_in_force(str(error)) from None

    # Without a database.

    async def load(self, source: Source, *, unless_loaded: bool) -> Rows | None:
        """Put a declarative configuration in force. Raises DeclarativeError or ApiError."""
        if self.draining or self._exiting():
            raise exiting()
        # A load that has begun ends, whatever becomes of the request.
        load = tasks.start(self._attempt(self._declared(), source, unless_loaded=unless_loaded), name="load")
        outcome = await asyncio.shield(load)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _attempt(
        self, configuration: DeclaredConfiguration, source: Source, *, unless_loaded: bool
    ) -> Rows | ApiError | DeclarativeError | None:
        try:
            loaded = await configuration.load(source, unless_loaded=unless_loaded)
        except DeclarativeError as error:
            return error
        except BusyError:
            return busy()
        except ChangeTimeoutError:
            return timed_out()
        except ChangeError as error:
            return not_in_force(str(error))
        return None if loaded is None else await asyncio.to_thread(to_config_response, loaded)

    async def dump(self) -> str:
        """The configuration in force as a declarative file. Raises ApiError."""
        return await self._declared().dump()

    def _declared(self) -> DeclaredConfiguration:
        if not isinstance(self._configuration, DeclaredConfiguration):
            raise refusal(400, _ONLY_WITHOUT_DATABASE)
        return self._configuration


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
