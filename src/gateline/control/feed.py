"""The control process's end of the channel to the workers.

It knows the configuration in force as encoded rows, sends every change to every connected worker as the entities that
differ, and waits until each has said that the change is in force. When one refuses, all go back to what was before. A
worker that connects gets everything, also while a change is under way.

What the node knows of itself, such as the health of targets, travels beside the configuration in the same way.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateline.control.errors import ChangeRefusedError, ChangeTimeoutError
from gateline.control.rows import Delta, Rows, advance, changed, difference, everything, size_of
from gateline.engine import tasks
from gateline.engine.feed import (
    Ack,
    Count,
    Counted,
    FeedError,
    Hello,
    LogLevel,
    Renew,
    Renewed,
    Seen,
    Stats,
    Write,
    Written,
    control_messages,
    encode,
)

logger = logging.getLogger(__name__)

ACK_TIMEOUT = 60.0
"""Seconds that the workers have to put a change in force."""

ROLLBACK_TIMEOUT = 10.0
"""Seconds that the workers have to go back after a refused change; the answer waits no longer."""


Follow = Callable[[Delta | None], Delta]
"""Gives what has to change beside the configuration because that has changed; None: because there is one at last."""

Renewal = Callable[[str, Callable[[], None]], None]
"""Fetches the document of a URL out of turn, or not; calls the function when that is over, what was found in force."""

See = Callable[[Seen], None]
"""Takes in what a worker has seen."""

Undo = Callable[[], None]

DoWrite = Callable[[Write], Awaitable[Written]]
"""Writes what a plugin in a worker wants, which is in force then; what it cannot is an error in its answer."""


DoCount = Callable[[Count], Awaitable[Counted]]
"""Counts in the database; what it cannot is an error in its answer."""


def _nothing() -> None:
    """Nothing was written elsewhere."""


def _unseen(seen: Seen) -> None:
    """Nobody wants to know."""


def _at_once(url: str, over: Callable[[], None]) -> None:  # noqa: ARG001 - as `Renewal`
    """There are no documents."""
    over()


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters of all workers together, those that have ended included."""

    accepted: int
    handled: int
    requests: int
    active: int
    reading: int
    writing: int
    waiting: int


class FeedServer:
    """Serves the feed on a listening unix socket. Changes get in force one after the other."""

    def __init__(self, listener: socket.socket, *, timeout: float = ACK_TIMEOUT) -> None:
        self._listener = listener
        self._timeout = timeout
        self._version = 0
        self._hash = ""
        self._rows: Rows = {}
        self._beside: Rows = {}
        self._followers: list[Follow] = []
        self._renewal: Renewal = _at_once
        self._see: See = _unseen
        self._mourn: Undo = _nothing
        self._published = False
        self._one = asyncio.Lock()
        self._log_level: int | None = None
        self._write: DoWrite | None = None
        self._count: DoCount | None = None
        self._links: set[_Link] = set()
        self._ended = Stats()
        self._changed = asyncio.Event()
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Accept workers from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Link(self), sock=self._listener)

    def close(self) -> None:
        """End every connection; the workers serve on."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.close()

    def go_on_from(self, version: int) -> None:
        """Count on from the last number of a control process before this one; only before the first `publish`."""
        self._version = version

    @property
    def version(self) -> int:
        """The number of the last change, a change back included."""
        return self._version

    @property
    def published(self) -> bool:
        """Whether there is a configuration at all."""
        return self._published

    @property
    def rows(self) -> Rows:
        """The configuration in force, or about to be; not to be changed, and only valid until something else runs."""
        return self._rows

    def accompany(self, beside: Rows, follow: Follow | None = None) -> None:
        """What else travels beside the configuration at first, and who keeps it in step; only before the first
        `publish`."""
        self._beside |= beside
        if follow is not None:
            self._followers.append(follow)

    def renew_by(self, renewal: Renewal) -> None:
        """Who fetches documents out of turn."""
        self._renewal = renewal

    def see_by(self, see: See, mourn: Callable[[], None]) -> None:
        """Who hears what workers have seen, and that one is gone, with what it has not told."""
        self._see = see
        self._mourn = mourn

    @property
    def size(self) -> int:
        """Bytes of what is in force."""
        return size_of(self._rows)

    @property
    def workers(self) -> list["Worker"]:
        """The connected workers, by index."""
        return sorted((link.worker for link in self._links), key=lambda worker: worker.index)

    def totals(self) -> Totals:
        """What the workers have counted. Counters never go back, also when a worker ends."""
        stats = [link.worker.stats for link in self._links]
        ended = self._ended
        return Totals(
            accepted=ended.connections_accepted + sum(one.connections_accepted for one in stats),
            handled=ended.connections_handled + sum(one.connections_handled for one in stats),
            requests=ended.total_requests + sum(one.total_requests for one in stats),
            active=sum(one.connections_active for one in stats),
            reading=sum(one.connections_reading for one in stats),
            writing=sum(one.connections_writing for one in stats),
            waiting=sum(one.connections_waiting for one in stats),
        )

    async def publish(self, rows: Rows, digest: str, *, undo: Undo = _nothing) -> None:
        """Put `rows`, which are the server's from now on, in force in every connected worker; when this returns, they
        are.

        `undo` takes back what was written elsewhere for it, before the workers are told to go back.
        Raises ChangeRefusedError (a worker cannot take them; every worker has, or goes back to, what was before) or
        ChangeTimeoutError (a worker did not answer in time; likewise).
        """
        async with self._one:
            if self._published:
                delta = await asyncio.to_thread(difference, self._rows, rows)
                await self._put_in_force(self._rows, delta, digest, undo)
                await self._keep_up(delta)
                return
            self._version, self._hash, self._rows = self._version + 1, digest, rows
            self._published = True
            self._send(self._everything())
            try:
                await self._in_force(self._timeout)
            except (ChangeRefusedError, ChangeTimeoutError):
                self._hash, self._rows, self._published = "", {}, False
                undo()
                raise
            await self._keep_up(None)

    async def change(self, delta: Delta, digest: str, *, undo: Undo = _nothing) -> None:
        """Put a change in force in every connected worker, after the first `publish`; as that."""
        async with self._one:
            await self._put_in_force(self._rows, delta, digest, undo)
            await self._keep_up(delta)

    async def change_beside(self, decide: Callable[[], Delta]) -> None:
        """Put a change of what is beside the configuration in force; it is decided on when no other is under way.

        Raises as `publish`.
        """
        async with self._one:
            if not (delta := decide()):
                return
            if self._published:
                await self._put_in_force(self._beside, delta, self._hash)
            else:
                advance(self._beside, delta)

    async def _keep_up(self, delta: Delta | None) -> None:
        """Bring what is beside the configuration in step with it."""
        for follow in self._followers:
            if beside := follow(delta):
                try:
                    await self._put_in_force(self._beside, beside, self._hash)
                except (ChangeRefusedError, ChangeTimeoutError) as error:
                    logger.error("what goes with the configuration could not be put in force: %s", error)

    async def _put_in_force(self, rows: Rows, delta: Delta, digest: str, undo: Undo = _nothing) -> None:
        # Up to the wait nothing else runs: a worker that connects gets all of what was before or all of what comes.
        before = self._hash
        back = advance(rows, delta)
        self._version, self._hash = self._version + 1, digest
        self._send(changed(delta, self._version, digest))
        try:
            await self._in_force(self._timeout)
        except (ChangeRefusedError, ChangeTimeoutError):
            undo()
            await self._go_back(rows, back, before)
            raise

    def _everything(self) -> list[bytes]:
        return everything({**self._rows, **self._beside}, self._version, self._hash)

    async def complete(self, count: int) -> None:
        """Wait until `count` workers have the configuration in force. Raises ChangeRefusedError."""
        while True:
            self._raise_refusal()
            if sum(link.worker.version == self._version for link in self._links) >= count:
                return
            self._changed.clear()
            await self._changed.wait()

    async def _go_back(self, rows: Rows, back: Delta, digest: str) -> None:
        advance(rows, back)
        self._version, self._hash = self._version + 1, digest
        self._send(self._everything())
        try:
            await self._in_force(ROLLBACK_TIMEOUT)
        except (ChangeRefusedError, ChangeTimeoutError) as error:
            logger.error("not every worker has gone back to the configuration before: %s", error)

    async def _in_force(self, timeout: float) -> None:  # noqa: ASYNC109 - both callers treat the time-out as a failure of the change
        try:
            async with asyncio.timeout(timeout):
                while any(link.worker.version < self._version for link in self._links):
                    self._raise_refusal()
                    self._changed.clear()
                    await self._changed.wait()
                self._raise_refusal()
        except TimeoutError:
            slow = [str(link.worker.pid) for link in self._links if link.worker.version < self._version]
            raise ChangeTimeoutError(f"no answer from worker {', '.join(slow)} within {timeout:g} s") from None

    def _raise_refusal(self) -> None:
        for link in self._links:
            if link.refused == self._version:
                raise ChangeRefusedError(link.reason)

    def _send(self, frames: list[bytes]) -> None:
        for link in self._links:
            link.send(frames)

    def set_log_level(self, level: int) -> None:
        """Have every worker log from this level (Python's number) on, those that connect later too."""
        self._log_level = level
        self._send([encode(LogLevel(level))])

    def write_with(self, write: DoWrite) -> None:
        """Have what the workers' plugins want to be stored written so."""
        self._write = write

    def count_with(self, count: DoCount) -> None:
        """Have what the workers' plugins want to be counted in the database counted so."""
        self._count = count

    # What a link tells.

    async def _asked(self, link: "_Link", asked: Write) -> None:
        if self._write is None:
            written = Written(asked.number, error="nothing is written on a node without a database")
        else:
            written = await self._write(asked)
        link.send([encode(written)])

    async def _to_count(self, link: "_Link", asked: Count) -> None:
        if self._count is None:
            counted = Counted(asked.number, error="nothing is counted in the database on a node without one")
        else:
            counted = await self._count(asked)
        link.send([encode(counted)])

    def _connected(self, link: "_Link") -> None:
        self._links.add(link)
        if self._log_level is not None:
            link.send([encode(LogLevel(self._log_level))])
        if self._published:
            link.send(self._everything())

    def _answered(self, link: "_Link", ack: Ack) -> None:
        if ack.error is None:
            link.worker.version = ack.version
        else:
            logger.error(
                "worker %d (pid %d) refuses configuration version %d: %s",
                link.worker.index,
                link.worker.pid,
                ack.version,
                ack.error,
            )
            link.refused, link.reason = ack.version, ack.error
        self._changed.set()

    def _renew(self, link: "_Link", url: str) -> None:
        self._renewal(url, lambda: link.send([encode(Renewed(url))]))

    def _gone(self, link: "_Link") -> None:
        if link in self._links:
            self._links.discard(link)
            gone, stats = self._ended, link.worker.stats
            self._ended = Stats(
                connections_accepted=gone.connections_accepted + stats.connections_accepted,
                connections_handled=gone.connections_handled + stats.connections_handled,
                total_requests=gone.total_requests + stats.total_requests,
            )
            self._changed.set()
            self._mourn()


@dataclass(slots=True)
class Worker:
    """A connected worker: `version` is the change that it has in force, `stats` what it counted last."""

    index: int
    pid: int
    version: int = -1
    stats: Stats = field(default_factory=Stats)


class _Link(asyncio.Protocol):
    """The connection of one worker; known to the server from its `Hello` on."""

    def __init__(self, server: FeedServer) -> None:
        self._server = server
        self._reader = control_messages()
        self._transport: asyncio.Transport | None = None
        self.worker = Worker(-1, -1)
        self.refused = -1
        self.reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._server._gone(self)  # noqa: SLF001 - the two classes are one thing

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                match message:
                    case Hello(index, pid, _):
                        self.worker = Worker(index, pid)
                        self._server._connected(self)  # noqa: SLF001
                    case Ack():
                        self._server._answered(self, message)  # noqa: SLF001
                    case Stats():
                        self.worker.stats = message
                    case Write():
                        tasks.start(self._server._asked(self, message), name="a plugin's write")  # noqa: SLF001
                    case Count():
                        tasks.start(self._server._to_count(self, message), name="a plugin's count")  # noqa: SLF001
                    case Renew(url):
                        self._server._renew(self, url)  # noqa: SLF001
                    case Seen():
                        self._server._see(message)  # noqa: SLF001
        except FeedError as error:
            logger.error("a worker sent what is no message: %s", error)
            self.close()

    def send(self, frames: list[bytes]) -> None:
        if self._transport is not None:
            self._transport.writelines(frames)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
