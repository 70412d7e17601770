"""What the Admin API asks of the node that it belongs to. The control process is that node; tests have small ones."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateline.entities import Snapshot, Target, Upstream
from gateline.pdk.admin import AdminNode
from gateline.settings import Settings
from gateline.store import Store, Transaction
from gateline.telemetry import Family

Source = bytes | dict[str, Any]
"""A declarative configuration: the text of a YAML or JSON document, or what such a document says."""

Rows = Mapping[str, Mapping[str, dict[str, Any]]]
"""Entities as the Admin API shows them: kind → id → row."""

Readiness = Literal["ready", "no configuration", "no database", "draining"]


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """A worker process: its id and its resident memory in bytes (0 when it has not told yet)."""

    pid: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What the workers have counted since the node started, and what they hold now."""

    connections_accepted: int
    connections_handled: int
    connections_active: int
    connections_reading: int
    connections_writing: int
    connections_waiting: int
    total_requests: int
    workers: tuple[WorkerFigures, ...]
    configuration_bytes: int
    """Size of the configuration in force as the workers get it."""
    shared_bytes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of shared memory that are in use, by what they are for."""


@dataclass(frozen=True, slots=True)
class AddressHealth:
    """An address of a target, and the port there."""

    ip: str
    port: int
    healthy: bool


class Node(Protocol):
    """The node."""

    @property
    def settings(self) -> Settings:
        """Its settings, with the real ports."""

    @property
    def identity(self) -> str:
        """Its UUID."""

    @property
    def master_pid(self) -> int:
        """The supervisor's process id."""

    @property
    def snapshot(self) -> Snapshot:
        """The configuration in force."""

    @property
    def store(self) -> Store:
        """Where its entities live; what the Admin API reads comes from here."""

    def writing(
        self, *, actor: str | None = None, reason: str | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        """A transaction of the store. When the block has ended, its change is committed and in force in every worker.

        `actor` and `reason` go into the log of changes. Raises StoreUnavailable, or ApiError when the node cannot put
        a change in force now; only for a store that is writable.
        """

    @property
    def log_level(self) -> str:
        """The log level that its processes have now."""

    async def set_log_level(self, level: str, seconds: int, *, everywhere: bool) -> None:
        """Give its processes another log level, for some time (0: until they end); `everywhere`: those of the other
        nodes too. Raises StoreUnavailable when these cannot be told."""

    async def health(self, upstream: Upstream, targets: Sequence[Target]) -> Sequence[Sequence[AddressHealth]]:
        """The addresses of each target, in their order, and which of them are healthy; of a name without any, none.
        Where the upstream is not checked, all are."""

    async def set_health(self, upstream: Upstream, target: Target, address: str | None, *, healthy: bool) -> None:
        """Set a target, or one of its addresses (`ip`, or `ip:port` where the port is not the target's), healthy or
        unhealthy; when this returns, every worker goes by it, and
        the other nodes have been told. Raises ApiError, StoreUnavailable."""

    @property
    def for_plugins(self) -> AdminNode:
        """What paths of plugins have of it."""

    @property
    def readiness(self) -> Readiness:
        """Whether it serves, and if not, why."""

    def figures(self) -> Figures:
        """Its counters."""

    async def families(self) -> Sequence[Family]:
        """What its processes have counted, all together, and what they count now (gauges)."""

    async def load(self, source: Source, *, unless_loaded: bool) -> Rows | None:
        """Put a declarative configuration in force in every worker, and give its entities.

        With `unless_loaded`, text that is in force already gives None and changes nothing. Raises
        EntityError or ApiError.
        """

    async def dump(self) -> str:
        """The configuration in force as a declarative file."""
