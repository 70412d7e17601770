"""A directory that answers what a test says: a server in a thread, for answers that no real directory gives."""

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from gateline.plugins.ldap_auth.ber import ENUMERATED, OCTETS, SEQUENCE, SET, BerError, Reader, integer, tlv

__all__ = ["FalseDirectory", "entry", "result"]

BIND, SEARCH, EXTENDED = 0x60, 0x63, 0x77
_ANSWERS = {BIND: 0x61, SEARCH: 0x65, EXTENDED: 0x78}

Behaviour = Callable[[int, int], Sequence[bytes]]
"""What is sent for a request, given its number and kind, piece by piece; an empty piece closes the connection."""


def result(number: int, kind: int, code: int = 0, text: str = "") -> bytes:
    """How a request of a kind ended."""
    content = integer(code, ENUMERATED), tlv(OCTETS), tlv(OCTETS, text.encode())
    return tlv(SEQUENCE, integer(number), tlv(_ANSWERS.get(kind, kind), *content))


def entry(number: int, dn: str, **attributes: str) -> bytes:
    """An entry that was found."""
    listed = (
        tlv(SEQUENCE, tlv(OCTETS, name.encode()), tlv(SET, tlv(OCTETS, value.encode())))
        for name, value in attributes.items()
    )
    return tlv(SEQUENCE, integer(number), tlv(0x64, tlv(OCTETS, dn.encode()), tlv(SEQUENCE, *listed)))


class FalseDirectory:
    """Listens on `port` in a `with` statement; `requests` are the octets of all requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._open:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _listen(self) -> None:
        served = []
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                break
            self.connections += 1
            self._open.append(client)
            thread = threading.Thread(target=self._serve, args=(client,))
            thread.start()
            served.append(thread)
        for thread in served:
            thread.join()

    def _serve(self, client: socket.socket) -> None:
        # What is no LDAP, such as the beginning of TLS, it does not answer: it hangs up.
        with client, contextlib.suppress(OSError, BerError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := client.recv(65536):
                self.requests.append(data)
                message = Reader(data).inside()
                for piece in self.behaviour(message.integer(), message.tag):
                    if not piece:
                        return
                    client.sendall(piece)
