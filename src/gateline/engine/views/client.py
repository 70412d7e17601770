"""The client, as plugins see it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.engine.peer import Peer

__all__ = ["ClientView", "ConnectionView"]


class _PeerView:
    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    @property
    def _peer(self) -> "Peer":
        return self._exchange.peer


class ClientView(_PeerView):
    """See `gateline.pdk.exchange.ClientView`."""

    __slots__ = ()

    @property
    def ip(self) -> str:
        return self._peer.address

    @property
    def port(self) -> int:
        return self._peer.port

    @property
    def forwarded_ip(self) -> str:
        return self._exchange.client_ip

    @property
    def forwarded_port(self) -> int:
        return self._peer.port

    @property
    def tls(self) -> bool:
        return self._peer.tls

    @property
    def server_name(self) -> str | None:
        return self._peer.sni.decode() or None


class ConnectionView(_PeerView):
    """See `gateline.pdk.exchange.ConnectionView`."""

    __slots__ = ()

    @property
    def server_ip(self) -> str:
        return self._peer.server_address

    @property
    def server_port(self) -> int:
        return self._exchange.port

    @property
    def serial(self) -> int:
        return self._peer.serial

    @property
    def requests(self) -> int:
        return self._peer.requests
