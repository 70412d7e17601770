"""What a worker process is given when it starts: its number, its settings, its listening sockets and the place where
its configuration comes from. The supervisor makes it before the fork; `engine.worker.run` takes it.
"""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.settings import Listen, Settings


@dataclass(frozen=True, slots=True)
class BoundListener:
    """A listening, non-blocking socket and what the settings say of it (with the real port, where port 0 was asked).

    A worker may get several of one address: it then serves the share of a worker that a reload did away with.
    """

    socket: socket.socket
    listen: "Listen"


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """A worker's start: `feed_path` is the unix socket of its control process, `generation` counts reloads from 1."""

    index: int
    settings: "Settings"
    listeners: tuple[BoundListener, ...]
    feed_path: str
    generation: int = 1
    doors: "socket.socket | None" = None
    """Closed when the worker takes no new connections any more; its end would say the same."""
    shared: Path | None = None
    """Where the node's shared memory is; without it, nothing is shared and there are no credentials."""
