"""The twin of `_sockets` in plain Python."""

import errno
import os
import socket
from struct import Struct
from typing import Any

__all__ = ["Sockets"]

_STREAM = int(socket.SOCK_STREAM) | int(getattr(socket, "SOCK_NONBLOCK", 0)) | int(getattr(socket, "SOCK_CLOEXEC", 0))
_QUICK_ACKNOWLEDGEMENT = getattr(socket, "TCP_QUICKACK", None)
_AT_ONCE = Struct("ii").pack(1, 0)
_MOST = 4096


class Sockets:
    """See `gateline.control.health.bare_sockets.Sockets`."""

    def destination(self, address: str, port: int) -> object:
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        family, _, _, _, found = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM, 0, flags)[0]
        return int(family), found

    def dial(self, destination: Any, speaks: bool) -> int:
        family, address = destination
        sock = socket.socket(family, _STREAM)
        if speaks and _QUICK_ACKNOWLEDGEMENT is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACKNOWLEDGEMENT, 0)
        if sock.connect_ex(address) not in (0, errno.EINPROGRESS):
            sock.close()
            return -2
        return sock.detach()

    def send(self, descriptor: int, data: bytes) -> int:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def receive(self, descriptor: int) -> bytes | None:
        try:
            return os.read(descriptor, _MOST)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def hang_up(self, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        sock.close()
