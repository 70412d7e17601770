"""What a node's configuration is to the control process, wherever it comes from: `declared` has the one without a
database, `live` the one over a store."""

from typing import Literal, Protocol

from gateline.entities import Snapshot
from gateline.store import Store

State = Literal["ready", "no configuration", "no database"]
"""Whether there is a configuration that requests can be served with, and whether its source can be reached."""


class BusyError(Exception):
    """Another load runs and has done so for too long, or a successor of this process is about to start."""


class Configuration(Protocol):
    """A node's configuration. Its methods may be called at any time, from the control process's loop."""

    @property
    def store(self) -> Store:
        """Where the entities are read."""

    @property
    def snapshot(self) -> Snapshot:
        """Without a database: what is in force. With one: nothing but its hash."""

    @property
    def state(self) -> State:
        """How it stands."""

    async def start(self, *, recover: bool) -> None:
        """Put the first configuration in force; with `recover`, what was in force before, where no store knows it.

        Raises DeclarativeError, StartError, ChangeRefusedError, ChangeTimeoutError.
        """

    async def reload(self) -> None:
        """Read everything again. Raises as `start`, and BusyError, StoreUnavailable."""

    async def pause(self) -> None:
        """Wait until nothing is being put in force, and let nothing be, before `resume`, that a successor of this
        process would not know of."""

    def resume(self) -> None:
        """Go on."""

    async def close(self) -> None:
        """Let go of everything."""
