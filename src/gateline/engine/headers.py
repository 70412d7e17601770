"""The headers that the gateway itself writes: to the upstream, and to the client.

What can be known before a request is computed before it: a connection's part of the forwarding headers once a
connection, a route's part once a runtime, the latency lines once a process. Blocks are header lines in wire form, each
ended by CRLF. Rules: Kong's (`X-Forwarded-*`, `Via`, latencies, the `headers` setting).
"""

import time
from collections.abc import Collection
from email.utils import formatdate
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from gateline.version import KONG_VERSION

if TYPE_CHECKING:
    from gateline.engine.wire.codec import RequestHead

__all__ = ["SERVER_LINE", "VIA_TOKEN", "ResponseHeaders", "TrustedProxies", "date_line"]

SERVER_TOKEN = f"kong/{KONG_VERSION}".encode()
SERVER_LINE = b"Server: " + SERVER_TOKEN + b"\r\n"
VIA_TOKEN = b"1.1 " + SERVER_TOKEN

_COVERED_BY_TOKEN = {
    "server_tokens": ("server", "via"),
    "latency_tokens": ("x-kong-upstream-latency", "x-kong-proxy-latency", "x-kong-response-latency"),
}
_TABLE_SIZE = 2048


class _LatencyLines(list[bytes]):
    """The lines of one latency header, indexed by whole milliseconds; beyond the table they are made when asked for."""

    def __init__(self, name: bytes, *, shown: bool) -> None:
        super().__init__(b"%b: %d\r\n" % (name, ms) if shown else b"" for ms in range(_TABLE_SIZE))
        self._name = name
        self._shown = shown

    def line(self, milliseconds: int) -> bytes:
        if 0 <= milliseconds < _TABLE_SIZE:
            return self[milliseconds]
        return b"%b: %d\r\n" % (self._name, max(milliseconds, 0)) if self._shown else b""


class ResponseHeaders:
    """What the `headers` setting lets an answer carry, compiled."""

    __slots__ = ("_proxy", "_response", "_upstream", "_upstream_status", "request_id", "server", "via", "via_line")

    def __init__(self, headers: Collection[str]) -> None:
        shown: set[str] = set()
        for token in headers:
            shown.update(_COVERED_BY_TOKEN.get(token.lower(), (token.lower(),)))
        self._upstream = _LatencyLines(b"X-Kong-Upstream-Latency", shown="x-kong-upstream-latency" in shown).line
        self._proxy = _LatencyLines(b"X-Kong-Proxy-Latency", shown="x-kong-proxy-latency" in shown).line
        self._response = _LatencyLines(b"X-Kong-Response-Latency", shown="x-kong-response-latency" in shown).line
        self._upstream_status = "x-kong-upstream-status" in shown
        self.request_id = b"X-Kong-Request-Id: " if "x-kong-request-id" in shown else b""
        self.via = "via" in shown
        self.via_line = b"Via: " + VIA_TOKEN + b"\r\n" if self.via else b""
        self.server = SERVER_LINE if "server" in shown else b""

    def proxied(self, upstream: float, proxy: float, request_id: bytes, status: int) -> bytes:
        """The block of an answer that an upstream gave; latencies in seconds."""
        block = b"".join(
            (
                self._upstream(int(upstream * 1000)),
                self._proxy(int(proxy * 1000)),
                self.via_line,
                self.request_id,
                request_id,
                b"\r\n",
            )
            if self.request_id
            else (self._upstream(int(upstream * 1000)), self._proxy(int(proxy * 1000)), self.via_line)
        )
        if self._upstream_status:
            block += b"X-Kong-Upstream-Status: %d\r\n" % status
        return block

    def generated(self, latency: float, request_id: bytes) -> bytes:
        """The block of an answer that the gateway made itself; `latency` in seconds."""
        identity = self.request_id + request_id + b"\r\n" if self.request_id else b""
        return self._response(int(latency * 1000)) + self.server + identity


_date_second = 0
_date = b""


def date_line() -> bytes:
    """The Date header of now, made once a second (RFC 9110, section 6.6.1)."""
    global _date_second, _date
    second = int(time.time())
    if second != _date_second:
        _date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        _date_second = second
    return _date


class TrustedProxies:
    """The peers whose word about the client is believed (`trusted_ips`), and how it is read (`real_ip_*`)."""

    __slots__ = ("_header", "_networks", "_recursive", "_seen")

    def __init__(
        self, networks: Collection[IPv4Network | IPv6Network], header: str = "X-Real-IP", *, recursive: bool = False
    ) -> None:
        self._networks = tuple(networks)
        self._header = header.lower().encode()
        self._recursive = recursive
        self._seen: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` (an IP address in text; anything else is not trusted) is a trusted proxy."""
        known = self._seen.get(address)
        if known is None:
            known = self._contains(address)
            if len(self._seen) >= 4096:
                self._seen.clear()
            self._seen[address] = known
        return known

    def client_address(self, peer: str, head: "RequestHead") -> str:
        """The client's address behind the trusted `peer`, read from `real_ip_header` as nginx's realip module does.

        The last value counts; with `real_ip_recursive` the last one that is no trusted proxy itself. A header that is
        absent or holds no address leaves the peer's own.
        """
        address = peer
        values = [part.strip() for line in head.get_all(self._header) for part in line.decode("latin-1").split(",")]
        for value in reversed(values):
            candidate = _without_port(value)
            try:
                ip_address(candidate)
            except ValueError:
                break
            address = candidate
            if not self._recursive or not self.trusts(candidate):
                break
        return address

    def _contains(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed.version == network.version and parsed in network for network in self._networks)


def _without_port(value: str) -> str:
    if value.startswith("["):
        return value[1:].split("]", 1)[0]
    return value.split(":", 1)[0] if value.count(":") == 1 else value
