"""TCP sockets by their descriptors, for what opens and closes thousands a second: compiled where that could be built,
else in plain Python (also when the environment has GATELINE_PURE_PYTHON). Both have the same interface."""

import os
from typing import Any, Protocol

__all__ = ["Sockets", "bare_sockets"]


class Sockets(Protocol):
    """Sockets that never wait."""

    def destination(self, address: str, port: int) -> Any:
        """An address and a port, made ready for `dial`. Raises OSError for what is no address."""

    def dial(self, destination: Any, speaks: bool) -> int:
        """The descriptor of a new socket that connects; negative where it cannot. Raises OSError if there is no socket.

        Who `speaks` first lets the end of the handshake go with what it says: a packet less.
        """

    def send(self, descriptor: int, data: bytes) -> int:
        """So many bytes were sent: 0 where none could be yet, negative where none ever will."""

    def receive(self, descriptor: int) -> bytes | None:
        """What has come, up to 4 KB: None where that is nothing yet, empty at the end, also at that by an error."""

    def hang_up(self, descriptor: int) -> Any:
        """End a connection at once, by a reset, and close its socket: nothing of it is left in TIME_WAIT."""


def bare_sockets() -> Sockets:
    """Those that this process uses."""
    made: Sockets
    if not os.environ.get("GATELINE_PURE_PYTHON"):
        try:
            from gateline.control.health._sockets import Sockets as Compiled
        except ImportError:
            pass
        else:
            made = Compiled()
            return made
    from gateline.control.health._pysockets import Sockets as Plain

    return Plain()
