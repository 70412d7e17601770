"""Names to addresses: the system's resolver off the loop, its answers kept for a few seconds.

`getaddrinfo` tells no time to live, so an answer is used for `TTL` seconds and then asked for again; when that fails
the old one serves on for `STALE` seconds. A failure is remembered for `NEGATIVE_TTL`. Many askers of one name share
one look-up.
"""

import asyncio
import socket
from ipaddress import ip_address
from time import monotonic

from gateline.engine import tasks
from gateline.engine.upstream.health import Addresses

__all__ = ["NameResolutionError", "Resolver"]

TTL = 5.0
STALE = 3600.0
NEGATIVE_TTL = 1.0


class NameResolutionError(Exception):
    """A name has no address."""


class _Answer:
    __slots__ = ("addresses", "asked", "turn")

    def __init__(self, addresses: tuple[str, ...], asked: float) -> None:
        self.addresses = addresses
        self.asked = asked
        self.turn = 0

    def next(self, among: Addresses) -> str | None:
        for _ in self.addresses:
            self.turn = (self.turn + 1) % len(self.addresses)
            if among.takes(self.addresses[self.turn]):
                return self.addresses[self.turn]
        return None


_ANY = Addresses()


class Resolver:
    """Gives the addresses of a host name, or one of them, another one each time when there are several."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._failures: dict[str, float] = {}
        self._pending: dict[str, asyncio.Task[_Answer]] = {}

    async def resolve(self, host: str, among: Addresses | None = None) -> str:
        """An IP address of `host` (returned as it is when it is one), of those that are healthy, if that is told.

        Raises NameResolutionError.
        """
        if host not in self._answers and is_address(host):
            return host
        address = (await self._answer(host)).next(among or _ANY)
        if address is None:
            raise NameResolutionError(host)
        return address

    async def addresses(self, host: str) -> tuple[str, ...]:
        """All addresses of `host`: itself when it is one. Raises NameResolutionError."""
        return (host,) if is_address(host) else (await self._answer(host)).addresses

    async def _answer(self, host: str) -> _Answer:
        known = self._answers.get(host)
        now = monotonic()
        if known is not None and now - known.asked < TTL:
            return known
        stale = known if known is not None and now - known.asked < STALE else None
        if self._failures.get(host, 0.0) > now:
            if stale is not None:
                return stale
            raise NameResolutionError(host)
        pending = self._pending.get(host)
        if pending is None:
            pending = tasks.start(self._look_up(host), name=f"resolve {host}")
            self._pending[host] = pending
            pending.add_done_callback(_retrieve)
        try:
            answer = await asyncio.shield(pending)
        except NameResolutionError:
            if stale is not None:
                return stale
            raise
        return answer

    async def _look_up(self, host: str) -> _Answer:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if len(self._failures) > 1000:
                self._failures.clear()
            self._failures[host] = monotonic() + NEGATIVE_TTL
            raise NameResolutionError(host) from error
        finally:
            self._pending.pop(host, None)
        addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
        answer = _Answer(_prefer_ipv4(addresses), monotonic())
        self._answers[host] = answer
        return answer


def is_address(host: str) -> bool:
    """Whether `host` is an IP address in text."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _prefer_ipv4(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Kong's order of record types is A before AAAA; IPv6 addresses serve where there are no others."""
    return tuple(address for address in addresses if ":" not in address) or addresses


def _retrieve(task: asyncio.Task[_Answer]) -> None:
    if not task.cancelled():
        task.exception()
