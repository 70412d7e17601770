"""What the supervisor and its control process say to each other, over a socket pair that ends when either does."""

import contextlib
import socket

import msgspec

from gateline.engine.feed import FeedError, FrameReader, encode


class Load(msgspec.Struct, tag=True, frozen=True):
    """Supervisor → control: load the declarative file again; answered by `Reloaded`."""


class Pause(msgspec.Struct, tag=True, frozen=True):
    """Supervisor → control: finish what runs, take no more requests, as a successor starts; answered by `Paused`."""


class Resume(msgspec.Struct, tag=True, frozen=True):
    """Supervisor → control: the successor could not start; take requests again."""


class Drain(msgspec.Struct, tag=True, frozen=True):
    """Supervisor → control: the node is about to end; say so to who asks whether it is ready."""


class Loaded(msgspec.Struct, tag=True, frozen=True):
    """Control → supervisor: the configuration is loaded, nothing is wrong with it; now the workers are awaited."""


class Ready(msgspec.Struct, tag=True, frozen=True):
    """Control → supervisor: the configuration is in force in every worker and the Admin API answers."""


class Failed(msgspec.Struct, tag=True, frozen=True):
    """Control → supervisor: this generation cannot start, for these reasons."""

    messages: list[str]


class Reloaded(msgspec.Struct, tag=True, frozen=True):
    """Control → supervisor: what came of a `Load`."""

    ok: bool
    messages: list[str]


class Paused(msgspec.Struct, tag=True, frozen=True):
    """Control → supervisor: no request is being answered and none is taken; the configuration in force is on disk."""


ToControl = Load | Pause | Resume | Drain
ToSupervisor = Loaded | Ready | Failed | Reloaded | Paused

_to_control: msgspec.msgpack.Decoder[ToControl] = msgspec.msgpack.Decoder(ToControl)
_to_supervisor: msgspec.msgpack.Decoder[ToSupervisor] = msgspec.msgpack.Decoder(ToSupervisor)


def messages_for_control() -> FrameReader[ToControl]:
    """A reader of what the supervisor sends."""
    return FrameReader(_to_control)


class SupervisorEnd:
    """The supervisor's end: never blocks for long, as the messages are few and short."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._reader: FrameReader[ToSupervisor] = FrameReader(_to_supervisor)

    def send(self, message: ToControl) -> None:
        """Send a message; a control process that has just ended is told nothing, which its end will show."""
        with contextlib.suppress(OSError):
            self.socket.sendall(encode(message))

    def receive(self) -> list[ToSupervisor] | None:
        """What has come in; None when the control process has closed its end."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        try:
            return list(self._reader.feed(data))
        except FeedError:
            return None

    def close(self) -> None:
        """Close it."""
        self.socket.close()
