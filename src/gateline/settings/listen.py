"""Kong's syntax of listening addresses: `0.0.0.0:8443 http2 ssl backlog=16384, [::]:8000, unix:/run/g.sock`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any

from gateline.settings.errors import BadValue

DEFAULT_BACKLOG = 511

_FLAGS = ("ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport")
_ON_OFF = {"on": True, "off": False}
_KEEPALIVE = re.compile(r"on|off|(?:\d+[smh]?)?:(?:\d+[smh]?)?:\d*", re.ASCII)
_HOST_NAME = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
)
_SYNTAX = (
    "address:port with any of ssl, http2, proxy_protocol, deferred, bind, reuseport, backlog=<n>, ipv6only=on|off, "
    "so_keepalive=on|off"
)


@dataclass(frozen=True, slots=True)
class Listen:
    """One listening address.

    `host` is an IPv4 or IPv6 address without brackets, a host name, or empty for a unix socket, whose path is then in
    `path`. Port 0 asks the system for a free one. `ipv6only` and `so_keepalive` are None where nothing was said.
    """

    host: str
    port: int
    ssl: bool = False
    http2: bool = False
    proxy_protocol: bool = False
    deferred: bool = False
    bind: bool = False
    reuseport: bool = False
    backlog: int = DEFAULT_BACKLOG
    ipv6only: bool | None = None
    so_keepalive: str | None = None
    path: str = ""

    @property
    def address(self) -> str:
        """The address as in a URL: `127.0.0.1:8000`, `[::1]:8000`, `unix:/run/gateline.sock`."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address with its scheme, for people to read."""
        return self.address if self.path else f"{'https' if self.ssl else 'http'}://{self.address}"

    def with_port(self, port: int) -> Listen:
        """The same address on the port that the system gave."""
        return replace(self, port=port)

    def __str__(self) -> str:
        words = [self.address, *(flag for flag in _FLAGS if getattr(self, flag))]
        if self.backlog != DEFAULT_BACKLOG:
            words.append(f"backlog={self.backlog}")
        if self.ipv6only is not None:
            words.append(f"ipv6only={'on' if self.ipv6only else 'off'}")
        if self.so_keepalive is not None:
            words.append(f"so_keepalive={self.so_keepalive}")
        return " ".join(words)


def parse_listens(text: str) -> tuple[Listen, ...]:
    """Every address of a comma separated list; `off` gives none. Raises `BadValue` naming the first bad entry."""
    if text.strip() == "off":
        return ()
    listens = tuple(parse_listen(entry) for entry in text.split(","))
    seen: set[str] = set()
    for listen in listens:
        if listen.port or listen.path:
            if listen.address in seen:
                raise BadValue(f"each address once ({listen.address} is there twice)")
            seen.add(listen.address)
    return listens


def parse_listen(text: str) -> Listen:
    """One address with its options; `BadValue` says which part is wrong."""
    address, *words = text.split() or [""]
    if address == "off":
        raise BadValue("off on its own, or a list of addresses")
    options: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name in options:
            raise BadValue(f"each option once ({name} is there twice)")
        if name in _FLAGS and not equals:
            options[name] = True
        elif name == "backlog" and value.isascii() and value.isdigit() and 0 < int(value) <= 2**31 - 1:
            options[name] = int(value)
        elif name == "ipv6only" and value in _ON_OFF:
            options[name] = _ON_OFF[value]
        elif name == "so_keepalive" and _KEEPALIVE.fullmatch(value):
            options[name] = value
        else:
            raise BadValue(f"{_SYNTAX} ({word!r} is none of them)")
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if not path.startswith("/"):
            raise BadValue("an absolute path after unix:")
        return Listen("", 0, path=path, **options)
    host, port = _split(address)
    if options.get("ipv6only") is not None and ":" not in host:
        raise BadValue("ipv6only with an IPv6 address only")
    return Listen(host, port, **options)


def _split(address: str) -> tuple[str, int]:
    host, colon, digits = address.rpartition(":")
    if not colon or not host:
        raise BadValue(_SYNTAX)
    if not (digits.isascii() and digits.isdigit() and int(digits) <= 65535):
        raise BadValue(f"a port from 0 to 65535 after the address ({digits!r} is none)")
    if host.startswith("[") and host.endswith("]"):
        inner = host[1:-1]
        try:
            return str(ipaddress.IPv6Address(inner)), int(digits)
        except ValueError:
            raise BadValue(f"an IPv6 address within the brackets ({inner!r} is none)") from None
    if ":" in host:
        raise BadValue("an IPv6 address within brackets, as in [::1]:8000")
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host)), int(digits)
        except ValueError:
            raise BadValue(f"an IPv4 address ({host!r} is none)") from None
    if not _HOST_NAME.fullmatch(host):
        raise BadValue(f"an address or a host name ({host!r} is none)")
    return host.lower(), int(digits)
