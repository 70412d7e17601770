"""What the control process is given when it starts."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateline.engine.context import BoundListener

if TYPE_CHECKING:
    from gateline.settings import Settings


@dataclass(frozen=True, slots=True)
class ControlContext:
    """Its settings (real ports), listening sockets, and the end of the channel to the supervisor.

    `workers` is how many must have the configuration before the node is ready. `recover` asks for the configuration
    that was in force (on disk) before any file: after a crash, and where a reload names no file. `replacement` says
    that the workers serve already: the one before has died, and the Admin API shall answer at once.
    """

    settings: "Settings"
    generation: int
    workers: int
    feed: socket.socket
    admin: tuple[BoundListener, ...]
    status: tuple[BoundListener, ...]
    channel: socket.socket
    recover: bool
    replacement: bool
    shared: Path | None = None
    """Where the node's shared memory is."""

    @property
    def configuration_file(self) -> Path:
        """Where the configuration in force is kept."""
        return self.settings.prefix / "run" / "config.msgpack"

    @property
    def health_file(self) -> Path:
        """Where the health of targets is kept."""
        return self.settings.prefix / "run" / "health.json"

    @property
    def circuits_file(self) -> Path:
        """Where open circuit breakers are kept."""
        return self.settings.prefix / "run" / "circuits.json"

    @property
    def documents_file(self) -> Path:
        """Where the documents are kept that plugins need."""
        return self.settings.prefix / "run" / "documents.msgpack"
