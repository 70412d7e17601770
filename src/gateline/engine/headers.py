"""The headers that the gateway itself writes: to the upstream, and to the client.

What can be known before a request is computed before it: a connection's part of the forwarding headers once a
connection, a route's part once a runtime, the latency lines once a process. Blocks are header lines in wire form, each
ended by CRLF. Rules: Kong's (`X-Forwarded-*`, `Via`, latencies, the `headers` setting).
"""

import time
from collections.abc import Collection
from email.utils import formatdate
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from gateline.engine.wire import codec
from gateline.engine.wire.codec import joined
from gateline.version import KONG_VERSION

if TYPE_CHECKING:
    from gateline.engine.wire.codec import RequestHead, ResponseHead

__all__ = [
    "ANSWER_DROP",
    "ANSWER_DROP_TRAILER",
    "SERVER_LINE",
    "VIA_TOKEN",
    "ResponseHeaders",
    "TrustedProxies",
    "date_line",
]

ANSWER_DROP = codec.HOP | codec.LATENCY | codec.REQUEST_ID | codec.VIA
"""Of an answer of the service, the kinds of headers that the client does not get."""
ANSWER_DROP_TRAILER = ANSWER_DROP | codec.TRAILER
"""The same for a client that takes no trailers."""
_VIA = codec.VIA
_SERVER = codec.SERVER
_DATE = codec.DATE

SERVER_TOKEN = f"kong/{KONG_VERSION}".encode()
SERVER_LINE = b"Server: " + SERVER_TOKEN + b"\r\n"
VIA_TOKEN = b"1.1 " + SERVER_TOKEN

_COVERED_BY_TOKEN = {
    "server_tokens": ("server", "via"),
    "latency_tokens": ("x-kong-upstream-latency", "x-kong-proxy-latency", "x-kong-response-latency"),
}
_KNOWN_LIMIT = 4096


class ResponseHeaders:
    """What the `headers` setting lets an answer carry, compiled."""

    __slots__ = (
        "_known",
        "_last",
        "_last_block",
        "_proxy",
        "_response",
        "_upstream",
        "_upstream_status",
        "request_id",
        "server",
        "via_line",
    )

    def __init__(self, headers: Collection[str]) -> None:
        shown: set[str] = set()
        for token in headers:
            shown.update(_COVERED_BY_TOKEN.get(token.lower(), (token.lower(),)))
        self._upstream = b"X-Kong-Upstream-Latency: %d\r\n" if "x-kong-upstream-latency" in shown else b""
        self._proxy = b"X-Kong-Proxy-Latency: %d\r\n" if "x-kong-proxy-latency" in shown else b""
        self._response = b"X-Kong-Response-Latency: %d\r\n" if "x-kong-response-latency" in shown else b""
        self._upstream_status = "x-kong-upstream-status" in shown
        self.request_id = b"X-Kong-Request-Id: " if "x-kong-request-id" in shown else b""
        self.via_line = b"Via: " + VIA_TOKEN + b"\r\n" if "via" in shown else b""
        self.server = SERVER_LINE if "server" in shown else b""
        self._known: dict[int, bytes] = {}
        self._last = -1
        self._last_block = b""

    def proxied(self, upstream: float, proxy: float, request_id: bytes, status: int) -> bytes:
        """The block of an answer that an upstream gave; latencies in seconds."""
        waited = int(upstream * 1000)
        spent = int(proxy * 1000)
        place = waited << 32 | spent
        if place != self._last:
            self._last_block = self._known.get(place) or self._latencies(waited, spent)
            self._last = place
        block = self._last_block
        if self.request_id:
            block = joined((block, request_id, b"\r\n"))
        if self._upstream_status:
            block += b"X-Kong-Upstream-Status: %d\r\n" % status
        return block

    def block_of(self, head: "ResponseHead", upstream: float, proxy: float, request_id: bytes) -> bytes:
        """The gateway's own lines of an answer of the service; latencies in seconds."""
        block = self.proxied(upstream, proxy, request_id, head.status)
        kinds = head.kinds()
        if kinds & _VIA:
            line = b"Via: " + b", ".join(head.get_all(b"via")) + (b", " + VIA_TOKEN if self.via_line else b"") + b"\r\n"
            block = block.replace(self.via_line, line, 1) if self.via_line else block + line
        if not kinds & _SERVER:
            block = self.server + block
        if not kinds & _DATE:
            block = date_line() + block
        return block

    def _latencies(self, waited: int, spent: int) -> bytes:
        """All of the block that does not differ between requests with the same latencies (in milliseconds)."""
        upstream = self._upstream % waited if self._upstream else b""
        proxy = self._proxy % spent if self._proxy else b""
        block = upstream + proxy + self.via_line + self.request_id
        if len(self._known) >= _KNOWN_LIMIT:
            self._known.clear()
        self._known[waited << 32 | spent] = block
        return block

    def generated(self, latency: float, request_id: bytes) -> bytes:
        """The block of an answer that the gateway made itself; `latency` in seconds."""
        identity = self.request_id + request_id + b"\r\n" if self.request_id else b""
        return (self._response % int(latency * 1000) if self._response else b"") + self.server + identity


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
            try:
                candidate = _one_way_of(_without_port(value))
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


def _one_way_of(text: str) -> str:
    """An address as everybody writes it, so that what is counted by address is one client; ValueError for what is none.

    A zone (`%eth0`) says nothing of a client elsewhere.
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return text
    if address.scope_id is not None:
        raise ValueError("an address with a zone")
    return str(address.ipv4_mapped or address)


def _without_port(value: str) -> str:
    if value.startswith("["):
        return value[1:].split("]", 1)[0]
    return value.split(":", 1)[0] if value.count(":") == 1 else value
