"""The listening sockets of a node. The supervisor opens them once and keeps them: a process that dies, or is replaced
by a reload, takes no waiting connection with it, since its successor inherits the same sockets through the fork.

Each proxy address has one SO_REUSEPORT socket a worker, so that the kernel spreads connections; the addresses of the
control process have one. Sockets are known by their address as the settings give it, port 0 included, so a reload
finds the port again that the system chose at the start.
"""

import contextlib
import errno
import os
import socket
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateline.control.errors import StartError
from gateline.engine.context import BoundListener

if TYPE_CHECKING:
    from gateline.settings import Listen, Settings

Key = tuple[str, int, str, int]
"""Host, port, path as asked for, and the how-manieth of the same (several may ask for port 0)."""


@dataclass(slots=True)
class Address:
    """A listening address: what the settings say of it, with its real port, and its sockets."""

    listen: "Listen"
    sockets: list[socket.socket]

    def bound(self) -> list[BoundListener]:
        """All sockets, for a process that takes every one."""
        return [BoundListener(sock, self.listen) for sock in self.sockets]


@dataclass(slots=True)
class Listeners:
    """All listening addresses of a generation. `settings` are those it was made from, with the real ports."""

    settings: "Settings"
    proxy: dict[Key, Address] = field(default_factory=dict)
    admin: dict[Key, Address] = field(default_factory=dict)
    status: dict[Key, Address] = field(default_factory=dict)

    def for_worker(self, index: int, count: int) -> tuple[BoundListener, ...]:
        """What worker `index` of `count` serves. Sockets of workers that are no more are shared out."""
        return tuple(
            listener
            for address in self.proxy.values()
            for number, listener in enumerate(address.bound())
            if number % count == index or len(address.sockets) == 1
        )

    def for_control(self) -> tuple[tuple[BoundListener, ...], tuple[BoundListener, ...]]:
        """What the control process serves: the Admin API's and the status API's listeners."""
        admin = tuple(listener for address in self.admin.values() for listener in address.bound())
        status = tuple(listener for address in self.status.values() for listener in address.bound())
        return admin, status

    def sockets(self) -> set[socket.socket]:
        """Every socket."""
        return {sock for address in self._addresses() for sock in address.sockets}

    def ports(self) -> set[int]:
        """Every TCP port."""
        return {address.listen.port for address in self._addresses() if not address.listen.path}

    def close(self, keep: "Listeners | None" = None) -> None:
        """Close every socket that `keep` does not have, and remove the unix sockets among them."""
        kept = keep.sockets() if keep is not None else set()
        for address in self._addresses():
            gone = [sock for sock in address.sockets if sock not in kept]
            for sock in gone:
                sock.close()
            if gone and address.listen.path:
                with contextlib.suppress(OSError):
                    os.unlink(address.listen.path)

    def _addresses(self) -> Iterable[Address]:
        yield from self.proxy.values()
        yield from self.admin.values()
        yield from self.status.values()


def open_listeners(settings: "Settings", workers: int, before: Listeners | None = None) -> Listeners:
    """Open every address of the settings, keeping those that `before` has.

    Raises StartError with one sentence for each address that cannot be had; nothing has changed then.
    """
    result = Listeners(settings)
    opened: list[Address] = []
    problems: list[str] = []
    for addresses, had, listens, count in (
        (result.proxy, before.proxy if before else {}, settings.proxy_listen, workers),
        (result.admin, before.admin if before else {}, settings.admin_listen, 1),
        (result.status, before.status if before else {}, settings.status_listen, 1),
    ):
        seen: Counter[tuple[str, int, str]] = Counter()
        for listen in listens:
            asked = (listen.host, listen.port, listen.path)
            key = (*asked, seen[asked])
            seen[asked] += 1
            try:
                addresses[key] = _open(listen, count, had.get(key), before, opened)
            except OSError as error:
                problems.append(_sentence(listen, error))
    if problems:
        for address in opened:
            for sock in address.sockets:
                sock.close()
        raise StartError(*problems)
    result.settings = replace(
        settings,
        proxy_listen=tuple(address.listen for address in result.proxy.values()),
        admin_listen=tuple(address.listen for address in result.admin.values()),
        status_listen=tuple(address.listen for address in result.status.values()),
    )
    return result


def _open(
    listen: "Listen", count: int, had: Address | None, before: Listeners | None, opened: list[Address]
) -> Address:
    sockets = list(had.sockets) if had else []
    new = Address(listen, [])
    opened.append(new)
    if listen.path:
        if not sockets:
            new.sockets.append(_unix(listen))
        return Address(listen, sockets + new.sockets)
    port = had.listen.port if had else listen.port
    if port and not had:
        _refuse_taken(listen, before)
    while len(sockets) + len(new.sockets) < count:
        sock = _tcp(listen, port)
        new.sockets.append(sock)
        port = sock.getsockname()[1]
    for sock in sockets:
        sock.listen(listen.backlog)
    return Address(listen.with_port(port), sockets + new.sockets)


def _tcp(listen: "Listen", port: int, *, shared: bool = True) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(listen.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(listen.ipv6only is not False))
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        if shared:
            _keepalive(sock, listen.so_keepalive)
            if listen.deferred and hasattr(socket, "TCP_DEFER_ACCEPT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
            sock.listen(listen.backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _refuse_taken(listen: "Listen", before: Listeners | None) -> None:
    """Raise EADDRINUSE when somebody else has the port; SO_REUSEPORT alone would share it silently."""
    try:
        _tcp(listen, listen.port, shared=False).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not (before and listen.port in before.ports()):
            raise


def _unix(listen: "Listen") -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if _is_stale(listen.path):
            os.unlink(listen.path)
        sock.bind(listen.path)
        sock.listen(listen.backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _is_stale(path: str) -> bool:
    """Whether there is a socket that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _keepalive(sock: socket.socket, option: str | None) -> None:
    """Nginx's `so_keepalive`: on, off, or idle:interval:count with each part optional."""
    if option is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(option != "off"))
    if ":" not in option:
        return
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
    units = {"s": 1, "m": 60, "h": 3600}
    for name, text in zip(names, option.split(":"), strict=True):
        if text and hasattr(socket, name):
            seconds = int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


def _sentence(listen: "Listen", error: OSError) -> str:
    where = f"cannot listen on {listen.address}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where}: the address is already in use by another process"
        case errno.EACCES | errno.EPERM:
            below = " (ports below 1024 need the right CAP_NET_BIND_SERVICE)" if 0 < listen.port < 1024 else ""
            return f"{where}: permission denied{below}"
        case errno.EADDRNOTAVAIL:
            return f"{where}: this machine has no such address"
    if isinstance(error, socket.gaierror):
        return f"{where}: the name {listen.host!r} cannot be resolved ({error.strerror})"
    return f"{where}: {error.strerror or error}"
