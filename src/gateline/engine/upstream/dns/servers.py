"""Asking name servers: one question, one answer, over UDP and over TCP where an answer does not fit.

Each question has a socket of its own, connected, so that the system takes only what comes from the server, at a port
that nobody can guess; and an identity that nobody can guess either. What comes and is no answer to the question is
passed over: a forger gains nothing but the wait for the real one.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from secrets import randbits

from gateline.engine.upstream.dns.files import ResolverConfiguration, Server
from gateline.engine.upstream.dns.message import Message, MessageError, Type, parse, query

__all__ = ["NameServers", "ServerError"]

_log = logging.getLogger(__name__)

_ANSWERS = (0, 3)
"""RCODEs that end the search for an answer: there are records, or there is no such name."""
_LARGEST = 65535
_STRAYS = 64
"""Datagrams that are no answer before a server is given up."""


class ServerError(Exception):
    """No name server gave an answer; `silent`: none said anything at all."""

    def __init__(self, reason: str, *, silent: bool) -> None:
        super().__init__(reason)
        self.silent = silent


class NameServers:
    """The name servers of the moment."""

    def __init__(self, configuration: Callable[[], ResolverConfiguration]) -> None:
        self._configuration = configuration
        self._first = 0

    async def ask(self, name: str, kind: Type) -> Message:
        """The answer to one question, from the first server that has one. Raises ServerError.

        The server that answered last is asked first, or with `rotate` each in its turn.
        """
        configuration = self._configuration()
        servers = configuration.servers
        reason, silent = "", True
        for attempt in range(configuration.attempts * len(servers)):
            place = (self._first + attempt) % len(servers)
            try:
                async with asyncio.timeout(configuration.timeout):
                    answer = await _ask(servers[place], name, kind, stream=configuration.stream)
            except TimeoutError:
                reason = reason or f"{_text(servers[place])} does not answer"
                continue
            except (OSError, MessageError) as error:
                reason = f"{_text(servers[place])}: {error}"
                continue
            if answer.code in _ANSWERS:
                self._first = (place + 1 if configuration.rotate else place) % len(servers)
                return answer
            reason, silent = f"dns server error: {answer.code} {_CODES.get(answer.code, 'unknown')}", False
            if attempt + 1 >= len(servers):  # all have been asked, and one of them at least has answered
                break
        raise ServerError(reason, silent=silent)


_CODES = {1: "format error", 2: "server failure", 4: "not implemented", 5: "refused"}


def _text(server: Server) -> str:
    host, port = server
    return f"the name server [{host}]:{port}" if ":" in host else f"the name server {host}:{port}"


async def _ask(server: Server, name: str, kind: Type, *, stream: bool) -> Message:
    asked = query(randbits(16), name, kind)
    if not stream:
        answer = await _over_udp(server, asked)
        if not answer.truncated:
            return answer
    answer = await _over_tcp(server, asked)
    if answer.truncated:
        raise MessageError("an answer that is cut off over TCP too")
    return answer


async def _over_udp(server: Server, asked: bytes) -> Message:
    loop = asyncio.get_running_loop()
    with _socket(server, socket.SOCK_DGRAM) as endpoint:
        endpoint.connect(server)  # of a datagram socket it only sets the address: nothing is sent, nothing waits
        endpoint.send(asked)
        for _ in range(_STRAYS):
            try:
                return parse(await loop.sock_recv(endpoint, _LARGEST), asked)
            except MessageError as error:
                _log.debug("%s sent what is no answer: %s", _text(server), error)
    raise MessageError("nothing but what is no answer")


async def _over_tcp(server: Server, asked: bytes) -> Message:
    loop = asyncio.get_running_loop()
    with _socket(server, socket.SOCK_STREAM) as endpoint:
        await loop.sock_connect(endpoint, server)
        await loop.sock_sendall(endpoint, len(asked).to_bytes(2, "big") + asked)
        size = int.from_bytes(await _exactly(endpoint, 2), "big")
        return parse(await _exactly(endpoint, size), asked)


async def _exactly(endpoint: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        more = await loop.sock_recv(endpoint, size - len(data))
        if not more:
            raise MessageError("the answer is cut off")
        data += more
    return data


def _socket(server: Server, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, kind)
    made.setblocking(False)
    return made
