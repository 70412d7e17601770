"""Signals as something to wait for: while a `Signals` is open, those of a node come out of a descriptor, in order.

No Python code runs when one arrives, so none can come at a bad moment.
"""

import signal
import socket
from types import FrameType

NODE_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
"""What a supervisor is told by signals."""


class Signals:
    """Takes the signals of the main thread from its making to `close`, which puts everything back."""

    def __init__(self) -> None:
        self._write, self.readable = socket.socketpair()
        for end in (self._write, self.readable):
            end.setblocking(False)
        self._handlers = {number: signal.signal(number, _ignore) for number in NODE_SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)

    def arrived(self) -> list[int]:
        """The signals since the last call, each once."""
        try:
            return list(dict.fromkeys(self.readable.recv(4096)))
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Put back what was before."""
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self.close_in_child()

    def close_in_child(self) -> None:
        """Let go of the descriptors only, as a forked child does."""
        self._write.close()
        self.readable.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The signal is read from the descriptor."""
