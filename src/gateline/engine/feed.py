"""The channel on which a worker gets its configuration: the messages of both directions, their framing, and the
worker's end. A frame is a length (4 bytes, big-endian) and a MessagePack map with its type under "type". A change is a
transaction: `Begin`, any number of `Put` and `Delete`, `Commit`; the worker answers it with one `Ack`. A worker that
(re)connects says `Hello` and gets everything. When the control process is gone the worker serves on with what it has
and keeps asking for a new connection.

The other way round a worker asks with `Write` for what a plugin wants to be stored, and is told with `Written` when it
is, and in force in every worker. `Count` and `Counted` are for counters in the database.
"""

import asyncio
import logging
import os
import signal
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from gateline.engine.entity_tables import PACKED, pack

logger = logging.getLogger(__name__)

ROWS_PER_FRAME = 100
"""Most entities in one `Put`, so that no frame holds a worker's loop for long."""

MAXIMUM_FRAME = 64 * 1024 * 1024
"""Longest frame that is accepted; a longer one means that the two ends do not speak the same language."""

RECONNECT_FIRST, RECONNECT_LAST = 0.02, 1.0
"""Seconds between two tries to reach the control process: the first wait, doubled up to the last."""

STATS_INTERVAL = 1.0
"""Seconds between two reports of a worker's counters."""

WRITES = 1000
"""Writes of plugins that may wait for their answers, in a worker."""

WRITE_LIMIT = 30.0
"""Seconds that one may wait."""

COUNT_LIMIT = 5.0
"""Seconds that a count in the database may take."""

_LENGTH = struct.Struct(">I")


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Control → worker: a change starts; `full` means that everything not sent with it is gone."""

    version: int
    full: bool


class Put(msgspec.Struct, tag=True, frozen=True):
    """Control → worker: entities of one kind as `to_wire()` rows, new or changed, at most ROWS_PER_FRAME."""

    kind: str
    rows: list[dict[str, Any]]


class Delete(msgspec.Struct, tag=True, frozen=True):
    """Control → worker: entities of one kind that are gone."""

    kind: str
    ids: list[str]


class Commit(msgspec.Struct, tag=True, frozen=True):
    """Control → worker: the change is complete and shall be in force."""

    version: int
    hash: str


class LogLevel(msgspec.Struct, tag=True, frozen=True):
    """Control → worker, outside of changes: log from this level (Python's number) on."""

    level: int


class Renewed(msgspec.Struct, tag=True, frozen=True):
    """Control → worker, outside of changes: a document was asked for out of turn, and that has come to its end; what it
    is now is in force."""

    url: str


class Hello(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: who connects."""

    index: int
    pid: int
    generation: int


class Ack(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: the change is in force, or (with an error) it is not and what was before still is."""

    version: int
    error: str | None = None


class Stats(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: the worker's counters since its start; `resident_bytes` is its memory now."""

    connections_active: int = 0
    connections_accepted: int = 0
    connections_handled: int = 0
    connections_reading: int = 0
    connections_writing: int = 0
    connections_waiting: int = 0
    total_requests: int = 0
    resident_bytes: int = 0


class Write(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: store an entity of a plugin's kind (a `to_wire()` row), instead of the one at a place (kind,
    unique field, value) if there is such a place; without a row, do away with that one."""

    number: int
    kind: str
    row: dict[str, Any] | None = None
    instead_of: tuple[str, str, str] | None = None


class Written(msgspec.Struct, tag=True, frozen=True):
    """Control → worker, outside of changes: what became of a `Write`. Not `done`: nothing was at that place."""

    number: int
    done: bool = False
    error: str | None = None


class Count(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: add to the periods of a key in the database, to all or none. A period: its name, when it began
    and when it may be forgotten (seconds since 1970), its limit, and what to add."""

    number: int
    key: str
    periods: list[tuple[str, int, int, int, int]]


class Counted(msgspec.Struct, tag=True, frozen=True):
    """Control → worker, outside of changes: the values of the periods of a `Count`, and whether they were added to."""

    number: int
    values: list[int] = []
    added: bool = False
    error: str | None = None


class Renew(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: a document is needed anew; the answer is `Renewed`."""

    url: str


class Seen(msgspec.Struct, tag=True, frozen=True):
    """Worker → control: what became of tries at targets (ids; the place by its `place_key`, empty where none was
    reached or there is but one), and of calls through circuits (ids; the epoch of trials, else 0), each in their order:
    outcomes as in `engine.upstream.outcomes`, and how many times in a row."""

    tries: list[tuple[str, str, list[tuple[int, int]]]] = []
    calls: list[tuple[str, int, list[tuple[int, int]]]] = []


ToWorker = Begin | Put | Delete | Commit | LogLevel | Written | Counted | Renewed
ToControl = Hello | Ack | Stats | Write | Count | Renew | Seen

_encoder = msgspec.msgpack.Encoder()
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_to_control: msgspec.msgpack.Decoder[ToControl] = msgspec.msgpack.Decoder(ToControl)


class FeedError(Exception):
    """The other end sent something that is no message of this channel."""


class ConfigurationError(Exception):
    """The engine cannot take a configuration (a pattern that RE2 refuses, say); what was in force stays so."""


def encode(message: msgspec.Struct) -> bytes:
    """The frame of a message."""
    payload = _encoder.encode(message)
    return _LENGTH.pack(len(payload)) + payload


_Message = TypeVar("_Message")


class FrameReader(Generic[_Message]):
    """Bytes in, messages out; keeps what is not complete yet."""

    def __init__(self, decoder: "msgspec.msgpack.Decoder[_Message]") -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[_Message]:
        """Yield every message that `data` completes. Raises FeedError."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > MAXIMUM_FRAME:
                    raise FeedError(f"a frame of {length} bytes")
                end = start + _LENGTH.size + length
                if len(buffer) < end:
                    return
                payload = bytes(memoryview(buffer)[start + _LENGTH.size : end])
                start = end
                try:
                    message = self._decoder.decode(payload)
                except msgspec.DecodeError as error:
                    raise FeedError(str(error)) from error
                yield message
        finally:
            del buffer[:start]


def worker_messages() -> FrameReader[ToWorker]:
    """A reader of what a control process sends."""
    return FrameReader(_to_worker)


def control_messages() -> FrameReader[ToControl]:
    """A reader of what a worker sends."""
    return FrameReader(_to_control)


class Transaction:
    """A change as it comes in: rows to put and ids to delete, by kind. What can be very many is packed."""

    __slots__ = ("delete", "full", "hash", "put", "version")

    def __init__(self, version: int, full: bool) -> None:
        self.version = version
        self.full = full
        self.put: dict[str, list[dict[str, Any]]] = {}
        self.delete: dict[str, list[str]] = {}
        self.hash = ""


Apply = Callable[[int, bool, dict[str, list[dict[str, Any]]], dict[str, list[str]], str], Awaitable[None]]
"""`apply(version, full, put, delete, hash)`: puts a change in force; raises ConfigurationError when it cannot."""


class WorkerFeed:
    """A worker's end of the channel. `run()` is its life; start it as one task and cancel it to end it.

    `apply` is awaited for one change at a time. What it raises goes back as the error of the `Ack`: the message of a
    ConfigurationError as it stands, anything else as an internal error that is logged here. `stats` is asked once a
    second, and its answer is sent when it differs from the one before. `renewed` is told the URLs of documents that
    were asked for (`renew`), when that is over.
    """

    def __init__(
        self,
        path: str,
        *,
        index: int,
        generation: int,
        apply: Apply,
        stats: Callable[[], Stats] = Stats,
        renewed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._hello = Hello(index=index, pid=os.getpid(), generation=generation)
        self._apply = apply
        self._stats = stats
        self._renewed = renewed
        self._connection: _Connection | None = None
        self._parent = os.getppid()
        self._writes = 0

    def renew(self, url: str) -> None:
        """Ask for a document out of turn; nothing happens while there is no control process."""
        if self._connection is not None:
            self._connection.send(Renew(url))

    def tell(self, seen: Seen) -> None:
        """Tell what was seen; nobody hears it while there is no control process."""
        if self._connection is not None:
            self._connection.send(seen)

    async def run(self) -> None:
        """Connect, take changes, connect again when the control process went away; ends only by cancellation."""
        loop = asyncio.get_running_loop()
        wait = RECONNECT_FIRST
        while True:
            try:
                _, connection = await loop.create_unix_connection(
                    lambda: _Connection(self._hello, self._stats, self._renewed), self._path
                )
            except OSError:
                self._end_with_supervisor()
                await asyncio.sleep(wait)
                wait = min(wait * 2, RECONNECT_LAST)
                continue
            self._connection = connection
            try:
                while (transaction := await connection.changes.get()) is not None:
                    wait = RECONNECT_FIRST
                    connection.send(await self._take(transaction))
            finally:
                self._connection = None
                connection.close()
            self._end_with_supervisor()
            await asyncio.sleep(wait)

    async def write(
        self, kind: str, row: dict[str, Any] | None, instead_of: tuple[str, str, str] | None = None
    ) -> Written:
        """Have the control process write what a plugin wants; see `Write`. What cannot be is an error in the answer."""
        self._writes += 1
        if self._connection is None:
            return Written(self._writes, error="the control process cannot be reached")
        return await self._connection.write(Write(self._writes, kind, row, instead_of))

    async def count(self, key: str, periods: list[tuple[str, int, int, int, int]]) -> Counted:
        """Have the control process count in the database; see `Count`. What cannot be is an error in the answer."""
        self._writes += 1
        if self._connection is None:
            return Counted(self._writes, error="the control process cannot be reached")
        return await self._connection.count(Count(self._writes, key, periods))

    async def _take(self, change: Transaction) -> Ack:
        try:
            await self._apply(change.version, change.full, change.put, change.delete, change.hash)
        except ConfigurationError as error:
            return Ack(change.version, str(error))
        except Exception as error:
            # Whatever the engine could not foresee must not end the worker, which serves on with what it had.
            logger.exception("configuration version %d could not be put in force", change.version)
            return Ack(change.version, f"internal error: {type(error).__name__}: {error}")
        return Ack(change.version)

    def _end_with_supervisor(self) -> None:
        """Where the kernel does not end a worker with its supervisor, the worker sees to it itself."""
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGTERM)


class _Connection(asyncio.Protocol):
    """One connection to the control process: collects transactions into `changes`; None there means that it ended."""

    def __init__(self, hello: Hello, stats: Callable[[], Stats], renewed: Callable[[str], None]) -> None:
        self.changes: asyncio.Queue[Transaction | None] = asyncio.Queue()
        self._hello = hello
        self._stats = stats
        self._renewed = renewed
        self._last: Stats | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader = worker_messages()
        self._open: Transaction | None = None
        self._waiting: dict[int, asyncio.Future[Written]] = {}
        self._counting: dict[int, asyncio.Future[Counted]] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self.send(self._hello)
        self._report()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                self._collect(message)
        except FeedError as error:
            logger.error("the control process sent what is no configuration: %s", error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        for number in tuple(self._waiting):
            self._answered(Written(number, error="the control process has ended; it is not known whether it was done"))
        for number, counting in tuple(self._counting.items()):
            if not counting.done():
                counting.set_result(Counted(number, error="the control process has ended"))
        self.changes.put_nowait(None)

    def send(self, message: ToControl) -> None:
        """Send a message; silently nothing when the connection has ended, as the next one starts from `Hello`."""
        if self._transport is not None:
            self._transport.write(encode(message))

    async def write(self, asked: Write) -> Written:
        """Ask for a write, and wait for its answer."""
        if len(self._waiting) >= WRITES or self._transport is None:
            return Written(asked.number, error="too much waits to be written")
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting[asked.number] = future
        try:
            self.send(asked)
            async with asyncio.timeout(WRITE_LIMIT):
                return await future
        except TimeoutError:
            return Written(asked.number, error=f"it was not written within {WRITE_LIMIT:g} s")
        finally:
            self._waiting.pop(asked.number, None)

    async def count(self, asked: Count) -> Counted:
        """Ask for a count, and wait for its answer."""
        if len(self._counting) >= WRITES or self._transport is None:
            return Counted(asked.number, error="too much waits to be counted")
        future: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        self._counting[asked.number] = future
        try:
            self.send(asked)
            async with asyncio.timeout(COUNT_LIMIT):
                return await future
        except TimeoutError:
            return Counted(asked.number, error=f"the database did not answer within {COUNT_LIMIT:g} s")
        finally:
            self._counting.pop(asked.number, None)

    def _answered(self, written: Written) -> None:
        future = self._waiting.pop(written.number, None)
        if future is not None and not future.done():
            future.set_result(written)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def _collect(self, message: ToWorker) -> None:
        match message:
            case LogLevel(level):
                logging.getLogger().setLevel(level)
                return
            case Written():
                self._answered(message)
                return
            case Counted(number):
                counting = self._counting.get(number)
                if counting is not None and not counting.done():
                    counting.set_result(message)
                return
            case Renewed(url):
                self._renewed(url)
                return
            case Begin(version, full):
                self._open = Transaction(version, full)
                return
        change = self._open
        if change is None:
            raise FeedError(f"{type(message).__name__} outside a transaction")
        match message:
            case Put(kind, rows):
                change.put.setdefault(kind, []).extend(pack(rows) if kind in PACKED else rows)
            case Delete(kind, ids):
                change.delete.setdefault(kind, []).extend(ids)
            case Commit(version, digest):
                if version != change.version:
                    raise FeedError(f"commit of {version} inside {change.version}")
                change.hash = digest
                self._open = None
                self.changes.put_nowait(change)

    def _report(self) -> None:
        stats = self._stats()
        if stats != self._last:
            self._last = stats
            self.send(stats)
        self._timer = asyncio.get_running_loop().call_later(STATS_INTERVAL, self._report)
