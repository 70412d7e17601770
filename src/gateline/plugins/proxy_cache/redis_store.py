"""Entries in Redis, which all nodes that use it share.

An entry is one value: a fixed part, its head, and a short body; a long body lies in pieces of its own, named by the
entry, in one slot. An entry of which a piece is gone is none. Tags lie in one sorted set by name and, with the moment
at which they are over, in another. No command has keys of several slots, so a Cluster does as well. Where Redis does
not answer nothing is kept; requests go to the service, and the log says so now and then, or they fail.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from struct import Struct
from time import monotonic
from typing import Any

from gateline.pdk import Node
from gateline.pdk.redis import RedisAnywhere, RedisClient, RedisError, Script
from gateline.pdk.shelf import Kept, Shelf, Writing
from gateline.plugins.proxy_cache.redis_tags import RedisTags
from gateline.plugins.proxy_cache.store import Record

__all__ = ["PREFIX", "RedisKept", "RedisStore", "kept_of"]

_log = logging.getLogger(__name__)

PREFIX = "gateline:cache:"
LARGEST = 16 * 1024 * 1024
"""Bytes of a body, at most."""
_INLINE = 64 * 1024
_PIECE = 512 * 1024
MOST_BEHIND = 2 * LARGEST
"""Bytes on their way to Redis, of all bodies of a worker; when it is so much slower than services, none is kept."""
_SILENCE = 10.0
"""Seconds between two complaints."""
_FIXED = Struct(">IQI16s")
"""Length of the head, of the body, number of pieces, and what they are named after."""

HELD = 6.0
"""Seconds that a claim outlives its worker; one that lives holds it."""
_HOLD_EVERY = 2.0

_HOLD = Script(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)
_RELEASE = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
_RENEW = Script(
    """
local before = redis.call('GET', KEYS[1])
if not before then return 0 end
local size = struct.unpack('>I4', before)
local fixed = struct.pack('>I4', #ARGV[2]) .. string.sub(before, 5, 32)
redis.call('SET', KEYS[1], fixed .. ARGV[2] .. string.sub(before, 33 + size), 'PX', ARGV[1])
return 1
"""
)
"""Gives an entry another head, and time in milliseconds."""

_Run = Callable[..., Coroutine[Any, Any, Any]]


class RedisKept(Kept):
    """See `gateline.pdk.shelf.Kept`."""

    __slots__ = ("_run", "count", "name")

    def __init__(self, run: _Run, head: bytes, body: bytes, length: int, count: int, name: bytes) -> None:
        self._run = run
        self.count = count
        self.head = head
        self.body = body
        self.length = length
        self.made = None
        self.name = name

    @property
    def pieces(self) -> AsyncIterator[bytes] | None:
        """A long body from its beginning."""
        return self._read(0, self.length) if self.count else None

    def some_pieces(self, first: int, size: int) -> AsyncIterator[bytes] | None:
        """Some bytes of a long body in pieces."""
        return self._read(first, size) if self.count else None

    def part(self, first: int, size: int) -> bytes | None:
        """Some bytes of a short body."""
        return None if self.count else self.body[first : first + size]

    async def is_whole(self) -> bool:
        """Whether every piece is there: Redis may have dropped one for want of room. Raises RedisError."""
        keys = [_piece_key(self.name, number) for number in range(self.count)]
        return not keys or await self._run("EXISTS", *keys) == len(keys)

    async def _read(self, first: int, size: int) -> AsyncIterator[bytes]:
        number, skip = divmod(first, _PIECE)
        while size:
            try:
                piece = await self._run("GET", _piece_key(self.name, number))
            except RedisError as error:
                raise OSError(str(error)) from error
            if not piece:
                raise OSError("a piece of a stored body is gone")
            some = piece[skip : skip + size]
            yield some
            size -= len(some)
            number, skip = number + 1, 0


def kept_of(run: _Run, stored: bytes | None) -> RedisKept | None:
    """What a value tells."""
    if not stored or len(stored) < _FIXED.size:
        return None
    head_size, length, pieces, name = _FIXED.unpack_from(stored)
    end = _FIXED.size + head_size
    return RedisKept(run, stored[_FIXED.size : end], stored[end:], length, pieces, name)


class _Writing:
    """See `gateline.pdk.shelf.Writing`; it is finished by the store."""

    def __init__(self, store: "RedisStore") -> None:
        self._store = store
        self._rest = bytearray()
        self.pending: list[asyncio.Future[bool]] = []
        self.name = os.urandom(16)
        self.length = self.count = 0
        self.refused = False

    def write(self, data: bytes) -> bool:
        self.length += len(data)
        if self.refused or self.length > LARGEST or self._store.behind > MOST_BEHIND:
            self.refused = True
            self._rest.clear()
            return False
        self._rest += data
        while len(self._rest) >= _PIECE:
            self.flush(_PIECE)
        return True

    def flush(self, size: int) -> None:
        """Send a piece."""
        piece = bytes(self._rest[:size])
        del self._rest[:size]
        sent: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.pending.append(sent)
        self._store.send_piece(_piece_key(self.name, self.count), piece, sent)
        self.count += 1

    def take_rest(self) -> bytes:
        """A short body; a long one is sent to its end."""
        if not self.count and len(self._rest) <= _INLINE:
            return bytes(self._rest)
        if self._rest:
            self.flush(len(self._rest))
        return b""

    def finish(self, key: str, head: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0) -> bool:
        self._store.keep(self, Record(key, head, ttl, tags, since), _nothing)
        return not self.refused

    def drop(self) -> None:
        self.refused = True  # pieces that are there end by themselves


class RedisStore:
    """See `store.Store`. Without `bypass` a look-up raises RedisError when Redis does not answer. Raises PluginError
    where the client library is not installed."""

    def __init__(self, redis: RedisAnywhere, node: Node, *, bypass: bool) -> None:
        self._bypass = bypass
        self.shelf: Shelf | None = None
        self._node = node
        self._client = RedisClient(redis, node)
        self._run = self._client.run
        self._tags = RedisTags(self._run, node.time)
        self._me = os.urandom(12).hex()
        self._complained = 0.0
        self.behind = 0
        """Bytes of pieces that Redis has not taken yet."""
        self._removals: set[asyncio.Future[None]] = set()
        self._claims: dict[str, float] = {}
        """What this worker fetches, and until when (monotonic) it says so."""

    def open(self) -> None:
        """Begin to hold what will be claimed. Connections are made when they are needed."""
        self._node.every(_HOLD_EVERY, self._hold_claims)

    async def sweep(self) -> None:
        """Forget the tags of entries that are over."""
        try:
            await self._tags.sweep()
        except RedisError as error:
            self._complain(error)

    async def get(self, key: str) -> Kept | None:
        """What is kept under a key, and is not being taken away by this worker."""
        try:
            if self._removals:
                await asyncio.wait(self._removals, timeout=self._client.endpoint.timeout)
            kept = kept_of(self._run, await self._run("GET", PREFIX + key))
            if kept is None or await kept.is_whole():
                return kept
            self.remove(key)
            return None
        except RedisError as error:
            if not self._bypass:
                raise
            self._complain(error)
            return None

    def writing(self, length: int) -> Writing | None:
        """Begin an entry."""
        return _Writing(self) if length <= LARGEST else None

    def send_piece(self, key: str, piece: bytes, sent: "asyncio.Future[bool]") -> None:
        """Send a piece of a body; it is over by itself unless its entry is finished. `sent`: whether it is there."""

        async def send() -> None:
            there = False
            try:
                await self._run("SET", key, piece, "EX", 3600)
                there = True
            finally:
                self.behind -= len(piece)
                if not sent.done():
                    sent.set_result(there)

        self.behind += len(piece)
        self._later(send)

    def keep(self, writing: Writing, record: Record, then: Callable[[], None]) -> None:
        """Finish an entry."""
        assert isinstance(writing, _Writing)  # noqa: S101 - of this store

        async def finish() -> None:
            try:
                body = writing.take_rest()
                for piece in writing.pending:
                    if not await piece:
                        return
                fixed = _FIXED.pack(len(record.head), writing.length, writing.count, writing.name)
                if writing.refused or not await self._place(record, fixed + record.head + body):
                    return
                await self._lengthen(writing.name, writing.count, record.ttl)
            finally:
                then()

        self._later(finish)

    def mark(self, record: Record) -> None:
        """Keep a head without a body."""
        value = _FIXED.pack(len(record.head), 0, 0, bytes(16)) + record.head

        async def place() -> None:
            await self._place(record, value)

        self._later(place)

    async def _place(self, record: Record, value: bytes) -> bool:
        if record.ttl <= 0:
            return False
        purged, _ = await asyncio.gather(
            self._tags.purged_since(record.tags, record.since),
            self._tags.add(record.key, record.tags, record.ttl),  # before the entry: no purge shall miss it
        )
        if purged:
            return False
        await self._run("SET", PREFIX + record.key, value, "PX", max(int(record.ttl * 1000), 1))
        if await self._tags.purged_since(record.tags, record.since):  # by who did not find it yet
            await self._run("DEL", PREFIX + record.key)
            return False
        return True

    def renew(self, key: str, head: bytes, *, ttl: float, tags: Collection[str]) -> None:
        """Give an entry another head and time."""

        async def work() -> None:
            if ttl > 0:
                await self._tags.add(key, tags, ttl)  # they are kept for as long as it is
                await self._client.run_script(_RENEW, [PREFIX + key], [max(int(ttl * 1000), 1), head])
                kept = await self.get(key)
                if isinstance(kept, RedisKept):
                    await self._lengthen(kept.name, kept.count, ttl)

        self._later(work)

    async def _lengthen(self, name: bytes, count: int, ttl: float) -> None:
        """Keep the pieces of an entry for as long as itself, and a reader's time."""
        milliseconds = int(ttl * 1000) + 60_000
        keys = [_piece_key(name, number) for number in range(count)]
        await asyncio.gather(*[self._run("PEXPIRE", key, milliseconds) for key in keys])

    def remove(self, key: str) -> None:
        """Take an entry away."""

        async def work() -> None:
            await self._run("DEL", PREFIX + key)

        self._later(work)

    def remove_tagged(self, tag: str) -> None:
        """Take away what has a tag."""
        removal: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            try:
                await self._tags.remove(tag)
            finally:
                self._removals.discard(removal)
                removal.set_result(None)

        self._removals.add(removal)
        self._later(work)

    async def claim(self, key: str, seconds: float) -> bool:
        """Say that this worker fetches an entry."""
        held = int(min(seconds, HELD) * 1000)
        try:
            mine = await self._run("SET", _claim_key(key), self._me, "NX", "PX", held) is not None
        except RedisError as error:
            self._complain(error)
            return True
        if mine:
            self._claims[key] = monotonic() + seconds
        return mine

    async def _hold_claims(self) -> None:
        now = monotonic()
        for key in [key for key, until in self._claims.items() if until <= now]:
            del self._claims[key]
        holding = [
            self._client.run_script(_HOLD, [_claim_key(key)], [self._me, int(min(until - now, HELD) * 1000)])
            for key, until in self._claims.items()
        ]
        try:
            await asyncio.gather(*holding)
        except RedisError as error:
            self._complain(error)

    async def claimed(self, key: str) -> bool:
        """Whether another worker fetches it."""
        try:
            who = await self._run("GET", _claim_key(key))
        except RedisError as error:
            self._complain(error)
            return False
        return who is not None and who != self._me.encode()

    def release(self, key: str) -> None:
        """It does not any more."""
        self._claims.pop(key, None)

        async def work() -> None:
            await self._client.run_script(_RELEASE, [_claim_key(key)], [self._me])

        self._later(work)

    def _later(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._node.background(self._guarded(work))

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except RedisError as error:
            self._complain(error)

    def _complain(self, error: RedisError) -> None:
        now = self._node.time()
        if now - self._complained > _SILENCE:
            self._complained = now
            _log.warning("the cache cannot be used: %s", error)


def _piece_key(name: bytes, number: int) -> str:
    return f"{PREFIX}piece:{{{name.hex()}}}:{number}"


def _claim_key(key: str) -> str:
    return f"{PREFIX}claim:{key}"


def _nothing() -> None:
    """Nobody waits."""
