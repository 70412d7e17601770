"""What the system's files say of names: /etc/hosts, and /etc/resolv.conf (resolver(5)).

Both are read again when they have changed. Reading is synchronous and belongs into a thread.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["File", "ResolverConfiguration", "Server", "is_address", "parse_hosts", "parse_resolver", "server_address"]

_T = TypeVar("_T")

Server = tuple[str, int]
"""Address and port."""

PORT = 53
LARGEST = 4 * 1024 * 1024
"""Bytes of a file that are read."""
ADDRESSES = 100
"""Addresses of one name that are read from a hosts file."""


@dataclass(frozen=True, slots=True)
class ResolverConfiguration:
    """How names are asked for; `timeout` in seconds a try, `attempts` rounds over all servers."""

    servers: tuple[Server, ...] = (("127.0.0.1", PORT),)
    search: tuple[str, ...] = ()
    dots: int = 1
    timeout: float = 2.0
    attempts: int = 2
    rotate: bool = False
    stream: bool = False
    """Ask over TCP only (`use-vc`)."""


class File(Generic[_T]):
    """A file and what it says. What is absent or cannot be read says nothing."""

    def __init__(self, path: Path, parse: Callable[[str], _T]) -> None:
        self._path = path
        self._parse = parse
        self._seen: tuple[int, ...] | None = None
        self.content = parse("")

    def refresh(self) -> bool:
        """Read it if it has changed; whether it has."""
        seen: tuple[int, ...]
        try:
            status = os.stat(self._path)
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen:
                return False
            with open(self._path, "rb") as file:
                text = file.read(LARGEST).decode("utf-8", "replace")
        except OSError:
            seen, text = (), ""
            if seen == self._seen:
                return False
        self.content = self._parse(text)
        self._seen = seen
        return True


def parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """The addresses of each name of a hosts file, in their order; names in lower case."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if not names or not is_address(address):
            continue
        for name in names:
            known = found.setdefault(name.lower().removesuffix("."), [])
            if address not in known and len(known) < ADDRESSES:
                known.append(address)
    return {name: tuple(addresses) for name, addresses in found.items()}


def parse_resolver(text: str) -> ResolverConfiguration:
    """What a resolv.conf says, within the limits of resolver(5); what is not understood is passed over."""
    servers: list[Server] = []
    search: Iterable[str] = ()
    values: dict[str, int] = {}
    flags: set[str] = set()
    for line in text.splitlines():
        keyword, *words = line.split("#", 1)[0].split(";", 1)[0].split() or [""]
        if keyword == "nameserver" and words:
            server = server_address(words[0])
            servers += [server] if server is not None else []
        elif keyword in ("search", "domain"):
            search = words
        elif keyword == "options":
            for word in words:
                name, _, value = word.partition(":")
                flags.add(name)
                if value.isascii() and value.isdigit() and len(value) < 5:
                    values[name] = int(value)
    default = ResolverConfiguration()
    return ResolverConfiguration(
        tuple(servers[:3]) or default.servers,
        tuple(domain.strip(".").lower() for domain in search if domain.strip(".")),
        min(values.get("ndots", default.dots), 15),
        min(max(values.get("timeout", default.timeout), 1), 30),
        min(max(values.get("attempts", default.attempts), 1), 5),
        "rotate" in flags,
        "use-vc" in flags,
    )


def server_address(text: str) -> Server | None:
    """A name server's address: `address`, `address:port`, `[address]:port`; None for what is none."""
    if is_address(text.partition("%")[0]):
        return text, PORT
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if is_address(host) and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
        return host, int(port)
    bare = text.strip("[]")
    return (bare, PORT) if is_address(bare) else None


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
