"""A client's connection as the rest of the engine sees it: who is there, and by which door."""

from gateline.engine.headers import VIA_TOKEN

__all__ = ["Peer", "host_of"]


class Peer:
    """The far end of a client's connection and the listener it came in by; one object a connection.

    `address` is the peer's IP address in text, `port` its port, `server_address` the gateway's own; `listener_port` the
    port that clients see (which may be mapped by `port_maps`); `sni` the name asked for in TLS, b"" without one;
    `serial` the connection's number in its worker, `requests` how many have come over it.
    """

    __slots__ = (
        "_authority",
        "_host",
        "_lines",
        "address",
        "listener_port",
        "port",
        "requests",
        "scheme",
        "serial",
        "server_address",
        "sni",
        "tls",
        "trusted",
    )

    def __init__(
        self,
        address: str,
        port: int,
        *,
        server_address: str,
        tls: bool,
        sni: bytes,
        listener_port: int,
        trusted: bool,
        serial: int = 0,
    ) -> None:
        self.address = address
        self.server_address = server_address
        self.port = port
        self.tls = tls
        self.sni = sni
        self.listener_port = listener_port
        self.trusted = trusted
        self.serial = serial
        self.requests = 0
        self.scheme = b"https" if tls else b"http"
        self._authority = b""
        self._host = b""
        self._lines = b""

    def host_of(self, authority: bytes) -> bytes:
        """`host_of(authority)`; the last one is remembered, as a connection's requests mostly name the same."""
        if authority != self._authority:
            self._authority = authority
            self._host = host_of(authority)
            self._lines = b""
        return self._host

    def forwarding_lines(self) -> bytes:
        """The lines that tell an upstream of this client, for the host that `host_of` gave last.

        For a request without X-Forwarded-For and Via of its own, from a peer whose word about others does not count.
        The last line, X-Forwarded-Path, is without its value.
        """
        if not self._lines:
            address = self.address.encode()
            host = b"X-Forwarded-Host: %b\r\n" % self._host if self._host else b""
            self._lines = (
                b"X-Real-IP: %b\r\nX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n%bX-Forwarded-Port: %d\r\n"
                b"Via: %b\r\nX-Forwarded-Path: "
            ) % (address, address, self.scheme, host, self.listener_port, VIA_TOKEN)
        return self._lines


def host_of(authority: bytes) -> bytes:
    """The host of an authority (`host`, `host:port`, `[v6]:port`): lower case, no port, no trailing dot."""
    if authority.startswith(b"["):
        return authority[: authority.find(b"]") + 1].lower()
    return authority.partition(b":")[0].rstrip(b".").lower()
