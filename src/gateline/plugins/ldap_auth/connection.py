"""One connection to a directory: a request, its answers, the next request; in the clear, or in TLS.

The octets that come are cut into messages as they come. What does not fit to the request that was sent, is longer than
it may be, or is no LDAP at all, ends the connection: a directory that speaks out of turn is not to be trusted with the
next request. Who leaves a request unanswered (a deadline, a client that has gone) closes the connection, so that a late
answer never becomes that of another request.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

from gateline.plugins.ldap_auth.ber import BerError, Reader, element_size
from gateline.plugins.ldap_auth.messages import (
    BIND_RESPONSE,
    EXTENDED_RESPONSE,
    SEARCH_DONE,
    SEARCH_ENTRY,
    SEARCH_REFERENCE,
    SUCCESS,
    Entry,
    Message,
    Result,
    bind_request,
    entry_of,
    message_of,
    result_of,
    search_request,
    start_tls_request,
)

__all__ = ["Connection", "DirectoryError", "StaleError", "connect"]

T = TypeVar("T")

MESSAGE_LIMIT = 256 * 1024
"""Octets of a message."""
SEARCH_LIMIT = 4 * MESSAGE_LIMIT
"""Octets of all answers to a search."""


class DirectoryError(Exception):
    """The directory cannot be asked, or answers what cannot be understood."""


class StaleError(DirectoryError):
    """The connection was closed before anything was answered: another one may do."""


class Connection(asyncio.Protocol):
    """See the module. One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._number = 0
        self._wanted = 0
        self._answer: asyncio.Future[list[Message]] | None = None
        self._messages: list[Message] = []
        self._received = 0
        self._starts_tls = False
        self._error: DirectoryError | None = None
        self.on_lost: Callable[[Connection], None] | None = None
        """Called when the connection is gone."""

    # -- operations ------------------------------------------------------------------------------------------------
    async def bind(self, dn: str, password: str) -> Result:
        """Authenticate. Raises DirectoryError; ValueError without a name or a password."""
        number = self._next()
        (answer,) = await self._asked(number, bind_request(number, dn, password), BIND_RESPONSE)
        return _read(result_of, answer)

    async def search(
        self, base: str, attribute: str, value: str, wanted: tuple[str, ...] = (), *, most: int, seconds: int
    ) -> tuple[Result, list[Entry]]:
        """The entries below `base` of which an attribute has a value, and how the search ended.

        References to other directories are not followed. Raises DirectoryError.
        """
        number = self._next()
        request = search_request(number, base, attribute, value, wanted, most=most, seconds=seconds)
        *found, done = await self._asked(number, request, SEARCH_DONE)
        entries = [_read(entry_of, one) for one in found if one.kind == SEARCH_ENTRY]
        if len(entries) > most:
            raise DirectoryError("more entries were sent than were asked for")
        return _read(result_of, done), entries

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on in TLS. Raises DirectoryError where the directory or the handshake refuses."""
        number = self._next()
        self._starts_tls = True
        (answer,) = await self._asked(number, start_tls_request(number), EXTENDED_RESPONSE)
        result = _read(result_of, answer)
        if result.code != SUCCESS:
            raise DirectoryError(f"StartTLS was refused ({result.code}: {result.text})")
        if self._data or self._transport is None:  # said in the clear, to be taken for what is said in TLS
            raise DirectoryError("the directory went on in the clear after StartTLS")
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(self._transport, self, context, server_hostname=host)
        except OSError as error:
            raise DirectoryError(f"the TLS handshake failed: {error}") from None
        if transport is None:
            raise DirectoryError("the connection was closed in the TLS handshake")
        self._transport = transport
        self._starts_tls = False

    @property
    def usable(self) -> bool:
        """Whether a request can be sent."""
        return self._error is None and self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """End it; what is waited for fails."""
        self._ended(DirectoryError("the connection was closed"))
        if self._transport is not None:
            self._transport.abort()

    # -- what comes ------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection, or TLS is spoken from now on."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports derive from nothing

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        reason = f": {error}" if error else ""
        kind = DirectoryError if self._received else StaleError
        self._ended(kind(f"the directory closed the connection{reason}"))
        self._transport = None
        if self.on_lost is not None:
            self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Octets came: cut off whole messages."""
        if self._error is not None:
            return
        self._data += data
        self._received += len(data)
        try:
            self._cut()
        except BerError as error:
            self._refused(f"the directory sent what is no LDAP: {error}")

    def _cut(self) -> None:
        place, end = 0, len(self._data)
        while self._error is None:
            size = element_size(self._data, place, end)
            if size is None:
                break
            if sum(size) > MESSAGE_LIMIT or self._received > SEARCH_LIMIT:
                self._refused("the directory's answer is too long")
                return
            if place + sum(size) > end:
                break
            message = message_of(bytes(self._data[place : place + sum(size)]))
            place += sum(size)
            self._came(message)
        del self._data[:place]

    def _came(self, message: Message) -> None:
        answer = self._answer
        if message.id == 0:
            self._refused("the directory has given notice of the end of the connection")
        elif answer is None or message.id != self._number:
            self._refused("the directory answers what was not asked")
        elif message.kind in (SEARCH_ENTRY, SEARCH_REFERENCE) and self._wanted == SEARCH_DONE:
            self._messages.append(message)
        elif message.kind == self._wanted:
            if self._starts_tls and self._transport is not None:
                self._transport.pause_reading()  # what comes from here on is TLS
            self._messages.append(message)
            self._answer = None
            if not answer.done():
                answer.set_result(self._messages)
        else:
            self._refused("the directory answers something else than was asked")

    def _refused(self, reason: str) -> None:
        self._ended(DirectoryError(reason))
        if self._transport is not None:
            self._transport.abort()

    def _ended(self, error: DirectoryError) -> None:
        if self._error is None:
            self._error = error
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(self._error)

    # -- asking ----------------------------------------------------------------------------------------------------
    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _asked(self, number: int, request: bytes, kind: int) -> list[Message]:
        if self._error is not None or self._transport is None:
            raise self._error or StaleError("there is no connection")
        answer: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self._answer, self._number, self._wanted = answer, number, kind
        self._messages = []
        self._received = 0
        self._transport.write(request)
        try:
            return await answer
        finally:
            self._answer = None


def _read(how: Callable[[Reader], T], message: Message) -> T:
    try:
        return how(message.content)
    except BerError as error:
        raise DirectoryError(f"the directory sent what is no LDAP: {error}") from None


async def connect(
    host: str, port: int, *, tls: ssl.SSLContext | None = None, start_tls: ssl.SSLContext | None = None
) -> Connection:
    """A connection; in TLS from its beginning with `tls`, from then on with `start_tls`. Raises DirectoryError."""
    loop = asyncio.get_running_loop()
    name = host if tls is not None else None
    try:
        _, connection = await loop.create_connection(Connection, host, port, ssl=tls, server_hostname=name)
    except OSError as error:
        raise DirectoryError(f"no connection to {host}:{port}: {error}") from None
    if start_tls is not None:
        try:
            await connection.start_tls(start_tls, host)
        except BaseException:
            connection.close()
            raise
    return connection
