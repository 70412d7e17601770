"""Where clients come in: what the connections of a listener share, who is in, and who has waited too long.

A `Door` belongs to one listener of a worker. It admits connections up to the worker's limit, knows them all for the
watch on their deadlines and for draining, and makes the `Peer` of each.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateline.engine.peer import Peer
from gateline.engine.wire.codec import Limits

if TYPE_CHECKING:
    from gateline.engine.proxy import Proxy

__all__ = ["ClientLimits", "Connection", "Crowd", "Door"]


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What a client is given: seconds for a head, between two parts of a body, idle between two requests, and to take
    an answer; requests a connection; connections a worker."""

    header_timeout: float = 60.0
    body_timeout: float = 60.0
    idle_timeout: float = 75.0
    send_timeout: float = 60.0
    requests: int = 10000
    connections: int = 16384


class Connection(Protocol):
    """A client's connection, of whatever protocol."""

    deadline: float

    def timed_out(self, now: float) -> None:
        """Its deadline has passed."""

    def idle(self) -> bool:
        """Whether nothing is under way."""

    def drain(self) -> None:
        """End after what is under way."""

    def stop(self) -> None:
        """End now."""


class Crowd:
    """All client connections of a worker, whichever door they came in by."""

    __slots__ = ("accepted", "connections", "draining", "limits")

    def __init__(self, limits: ClientLimits) -> None:
        self.limits = limits
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.draining = False

    def check_deadlines(self, now: float) -> None:
        """End the connections that have waited too long."""
        for connection in tuple(self.connections):
            if connection.deadline <= now:
                connection.timed_out(now)

    def drain(self) -> None:
        """Let every connection end after what is under way; a new one is closed after its first answer."""
        self.draining = True
        for connection in tuple(self.connections):
            connection.drain()

    def stop(self) -> None:
        """End every connection now."""
        for connection in tuple(self.connections):
            connection.stop()


class Door:
    """One listener's part of it."""

    __slots__ = (
        "_port",
        "_tls",
        "body_timeout",
        "crowd",
        "head_limits",
        "header_timeout",
        "idle_timeout",
        "proxy",
        "requests",
        "send_timeout",
    )

    def __init__(self, proxy: "Proxy", crowd: Crowd, head_limits: Limits, *, port: int, tls: bool) -> None:
        limits = crowd.limits
        self.proxy = proxy
        self.head_limits = head_limits
        self.header_timeout = limits.header_timeout
        self.body_timeout = limits.body_timeout
        self.idle_timeout = limits.idle_timeout
        self.send_timeout = limits.send_timeout
        self.requests = limits.requests
        self.crowd = crowd
        self._port = port
        self._tls = tls

    def peer_of(self, transport: asyncio.Transport) -> Peer:
        """Who is at the other end."""
        name = transport.get_extra_info("peername")
        address = _address_of(name)
        port = name[1] if isinstance(name, tuple) else 0
        sni = transport.get_extra_info("ssl_object") if self._tls else None
        server_name = getattr(sni, "gateline_server_name", None) or ""
        return Peer(
            address,
            port,
            server_address=_address_of(transport.get_extra_info("sockname")),
            tls=self._tls,
            sni=server_name.encode(),
            listener_port=self._port,
            serial=self.crowd.accepted + 1,
            trusted=bool(self.proxy.trusted) and self.proxy.trusted.trusts(address),
        )

    def admit(self, connection: Connection) -> bool:
        """Count a connection in; False where there are too many."""
        crowd = self.crowd
        crowd.accepted += 1
        crowd.connections.add(connection)
        return len(crowd.connections) <= crowd.limits.connections

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self.crowd.connections.discard(connection)


def _address_of(name: object) -> str:
    """The IP address in a socket's name, loopback for a Unix socket's; an IPv4 client of a socket that takes both
    versions has its IPv4 address.
    """
    return str(name[0]).removeprefix("::ffff:") if isinstance(name, tuple) else "127.0.0.1"
