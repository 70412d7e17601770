"""Values with bodies of any length, for all processes of a node: an index in LMDB, long bodies in files beside it.

On /dev/shm it is shared memory, on a disk it outlives the node. The index decides what is there. A file is written
under another name, renamed when it is whole, and then told to the index: a process that is killed at any point leaves
at most a file that nobody refers to, which `sweep` takes away. A file that is being read may be taken away: the reader
keeps it. What is kept is counted in the pages that it takes; when there are too many, those values go whose time is
over, then those that were not used for longest (roughly: uses are noted with the next write).
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from struct import Struct
from typing import Any
from zlib import crc32

import lmdb

from gateline.sharedstate.environment import Environment, SharedStateError, Transaction
from gateline.sharedstate.shelf_bodies import INLINE, Bodies, KeptValue, Write

__all__ = ["SharedShelf"]

_log = logging.getLogger(__name__)

LARGEST_PART = 8
"""A value may take so many-th part of a shelf at most."""

_FIRST_SIZE = 4 * 1024 * 1024
_DATABASES = ("entries", "ends", "used", "stamps", "tags", "files", "meta", "claims", "purged")
_HEAD = Struct(">dqIII16s")
"""End, length of the body, lengths of head and tags, checksum of the body, file."""
_TIME = Struct(">d")
_NUMBER = Struct(">q")
_CLAIM = Struct(">dI")
_TOTAL = b"total"
_ALL = b"\xff"
"""Stands for every tag where it is noted what was taken away."""
_NO_FILE = bytes(16)
_LONGEST_TAG = 400
_PAGE = 4096
_IN_PAGE = 2000
_OVERHEAD = 400
_AT_ONCE = 200
"""Values taken away in one transaction."""
_MOST_TOUCHED = 4096
_REMEMBERED = 3600.0
"""Seconds for which it is known what was taken away by tag: nothing takes longer to be put on the shelf."""


class SharedShelf:
    """See `gateline.pdk.shelf.Shelf`. `limit` in bytes; `durable`: on a disk, where bodies are checked when read.

    `clock` gives seconds since 1970, the same for all processes.
    """

    def __init__(
        self, path: Path, *, limit: int, durable: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        """Open it. Raises SharedStateError."""
        self.limit = limit
        self._largest = limit // LARGEST_PART
        self._durable = durable
        self._clock = clock
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SharedStateError(f"cannot make {path}: {error.strerror}") from None
        self.bodies = Bodies(path / "bodies")
        size = max(min(limit, _FIRST_SIZE), 1 << 20)
        self._environment = Environment(
            path / "index", size=size, limit=max(limit * 3, size), databases=_DATABASES, reserved=not durable
        )
        self._begin = self._environment.lmdb.begin
        databases = [self._environment.database(name) for name in _DATABASES]
        self._entries, self._ends, self._used, self._stamps, self._tags, self._files = databases[:6]
        self._meta, self._claims, self._purged = databases[6:]
        self._touched: set[bytes] = set()
        self._pid = os.getpid()

    # -- reading ---------------------------------------------------------------------------------------------------
    def get(self, key: str) -> KeptValue | None:
        """The value of a key whose time is not over."""
        name = key.encode("ascii")
        try:
            with self._begin(db=self._entries) as transaction:
                stored = transaction.get(name)
        except lmdb.MapResizedError:
            stored = self._environment.read(lambda transaction: transaction.get(name, db=self._entries))
        except lmdb.Error as error:
            _log.error("a value cannot be read: %s", error)
            return None
        if stored is None:
            return None
        end, length, head_size, tags_size, checksum, file = _HEAD.unpack_from(stored)
        if end <= self._clock():
            return None
        touched = self._touched
        if len(touched) < _MOST_TOUCHED:
            touched.add(name)
        at = _HEAD.size + head_size
        head = stored[_HEAD.size : at]
        if file != _NO_FILE:
            return KeptValue(head, b"", length, self.bodies.path(file), checksum)
        body = stored[at + tags_size :]
        if self._durable and (len(body) != length or crc32(body) != checksum):
            _log.warning("a stored value is damaged and taken away")
            self.remove(key)
            return None
        return KeptValue(head, body, length, None, checksum)

    # -- writing ---------------------------------------------------------------------------------------------------
    def put(
        self, key: str, head: bytes, body: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0
    ) -> bool:
        """Keep a value; whether it is kept."""
        if len(body) > INLINE:
            writing = self.writing()
            return writing.write(body) and writing.finish(key, head, ttl=ttl, tags=tags, since=since)
        return self.place(key, head, body, len(body), crc32(body), _NO_FILE, ttl=ttl, tags=tags, since=since)

    def writing(self) -> Write:
        """Begin a value of which the body comes in pieces."""
        return Write(self, self._largest)

    def place(
        self,
        key: str,
        head: bytes,
        body: bytes,
        length: int,
        checksum: int,
        file: bytes,
        *,
        ttl: float,
        tags: Collection[str],
        since: float,
    ) -> bool:
        """Put a value into the index, of which a long body is in a file already."""
        name = key.encode("ascii")
        tagged = [_tag(tag) for tag in tags]
        joined = b"\n".join(tagged)
        size = _size(len(head) + len(body) + len(joined), len(name), len(tagged), length if file != _NO_FILE else 0)
        if ttl <= 0 or size > self._largest + _OVERHEAD * 8:
            return False
        now = self._clock()
        end = _TIME.pack(now + ttl)
        value = _HEAD.pack(now + ttl, length, len(head), len(joined), checksum, file) + head + joined + body
        touched, self._touched = self._touched, set()
        gone: list[bytes] = []

        def work(transaction: Transaction) -> bool:
            gone.clear()
            if since and self._purged_since(transaction, tagged, since):
                return False
            total = self._number(transaction, _TOTAL) - self._take(transaction, name, gone)
            for one in touched:
                self._touch(transaction, one, now)
            total -= self._make_room(transaction, now, total + size - self.limit, gone)
            transaction.put(name, value, db=self._entries)
            transaction.put(end + name, b"", db=self._ends)
            stamp = _TIME.pack(now)
            transaction.put(stamp + name, b"", db=self._used)
            transaction.put(name, stamp, db=self._stamps)
            if file != _NO_FILE:
                transaction.put(file, name, db=self._files)
            for tag in tagged:
                transaction.put(tag + name, b"", db=self._tags)
            transaction.put(_TOTAL, _NUMBER.pack(total + size), db=self._meta)
            return True

        try:
            kept = self._environment.write(work)
        except (SharedStateError, lmdb.Error) as error:
            _log.warning("a value is not kept: %s", error)
            return False
        self.bodies.remove(gone)
        return kept

    def renew(self, key: str, head: bytes, *, ttl: float) -> bool:
        """Give a value another head and time; False when it is not there any more."""
        name = key.encode("ascii")
        now = self._clock()

        def work(transaction: Transaction) -> bool:
            stored = transaction.get(name, db=self._entries)
            if stored is None:
                return False
            end, length, head_size, tags_size, checksum, file = _HEAD.unpack_from(stored)
            rest = stored[_HEAD.size + head_size :]
            value = _HEAD.pack(now + ttl, length, len(head), tags_size, checksum, file) + head + rest
            before = self._size_of(name, stored)
            transaction.delete(_TIME.pack(end) + name, db=self._ends)
            transaction.put(name, value, db=self._entries)
            transaction.put(_TIME.pack(now + ttl) + name, b"", db=self._ends)
            total = self._number(transaction, _TOTAL) - before + self._size_of(name, value)
            transaction.put(_TOTAL, _NUMBER.pack(total), db=self._meta)
            return True

        return self._written(work, otherwise=False)

    def remove(self, key: str) -> bool:
        """Take a value away; whether there was one."""
        name = key.encode("ascii")
        return self._remove(lambda _: [name], b"") > 0

    def remove_tagged(self, tag: str, *, beginning: bool = False) -> int:
        """Take away what has a tag, or a tag that begins like this; how many."""
        wanted = _tag(tag)[:-1] if beginning else _tag(tag)

        def some(transaction: Transaction) -> list[bytes]:
            found: list[bytes] = []
            with transaction.cursor(db=self._tags) as cursor:
                there = cursor.set_range(wanted)
                while there and len(found) < _AT_ONCE and (place := bytes(cursor.key())).startswith(wanted):
                    found.append(place.partition(b"\0")[2])
                    there = cursor.next()
            return found

        return self._remove(some, _ALL if beginning else wanted)

    def clear(self) -> int:
        """Take everything away; how many."""

        def some(transaction: Transaction) -> list[bytes]:
            found: list[bytes] = []
            with transaction.cursor(db=self._entries) as cursor:
                there = cursor.first()
                while there and len(found) < _AT_ONCE:
                    found.append(bytes(cursor.key()))
                    there = cursor.next()
            return found

        return self._remove(some, _ALL)

    # -- claims ----------------------------------------------------------------------------------------------------
    def claim(self, key: str, seconds: float) -> bool:
        """Say that this process makes a value; False when another one does."""
        name = key.encode("ascii")
        now = self._clock()

        def work(transaction: Transaction) -> bool:
            if self._holds(transaction.get(name, db=self._claims), now):
                return False
            transaction.put(name, _CLAIM.pack(now + seconds, self._pid), db=self._claims)
            return True

        return self._written(work, otherwise=True)

    def claimed(self, key: str) -> bool:
        """Whether another process that is alive makes the value."""
        name = key.encode("ascii")
        stored = self._environment.read(lambda transaction: transaction.get(name, db=self._claims))
        return self._holds(stored, self._clock())

    def release(self, key: str) -> None:
        """Take back what this process claimed."""
        name = key.encode("ascii")

        def work(transaction: Transaction) -> bool:
            stored = transaction.get(name, db=self._claims)
            if stored is not None and _CLAIM.unpack(stored)[1] == self._pid:
                transaction.delete(name, db=self._claims)
            return True

        self._written(work, otherwise=True)

    def _holds(self, stored: bytes | None, now: float) -> bool:
        """Whether a claim keeps this process from making the value: its own does not."""
        if stored is None:
            return False
        end, pid = _CLAIM.unpack(stored)
        return bool(end > now) and pid != self._pid and _alive(pid)

    # -- upkeep ----------------------------------------------------------------------------------------------------
    async def sweep(self) -> int:
        """Take away files that nobody refers to, of processes that were killed, and notes that are old; how many
        files."""
        self._environment.forget_dead()
        self._written(self._forget_old, otherwise=True)
        found = await asyncio.to_thread(self.bodies.old)
        count = 0
        for at in range(0, len(found), _AT_ONCE):
            some = found[at : at + _AT_ONCE]
            gone = self._unknown(some)
            await asyncio.to_thread(self.bodies.remove, gone)
            count += len(gone)
        return count + await asyncio.to_thread(self.bodies.remove_parts)

    def _unknown(self, files: list[bytes]) -> list[bytes]:
        """Those that the index does not know."""
        return self._environment.read(
            lambda transaction: [file for file in files if transaction.get(file, db=self._files) is None]
        )

    def _forget_old(self, transaction: Transaction) -> bool:
        now = self._clock()
        for database, last in ((self._claims, now), (self._purged, now - _REMEMBERED)):
            with transaction.cursor(db=database) as cursor:
                there = cursor.first()
                while there:
                    over = _TIME.unpack_from(cursor.value())[0] <= last
                    there = cursor.delete() if over else cursor.next()
        return True

    def close(self) -> None:
        """Let go of it."""
        self._environment.close()

    # -- inside transactions ---------------------------------------------------------------------------------------
    def _written(self, work: Callable[[Transaction], bool], *, otherwise: bool) -> bool:
        try:
            return self._environment.write(work)
        except (SharedStateError, lmdb.Error) as error:
            _log.warning("a shelf cannot be written to: %s", error)
            return otherwise

    def _remove(self, some: Callable[[Transaction], list[bytes]], noted: bytes) -> int:
        """Take away what `some` finds, until it finds nothing; `noted`: the tag of which that is so."""
        count = 0
        while True:
            gone: list[bytes] = []

            def work(transaction: Transaction, gone: list[bytes] = gone) -> tuple[int, int]:
                gone.clear()
                names = some(transaction)
                taken = there = 0
                for name in dict.fromkeys(names):
                    size = self._take(transaction, name, gone)
                    taken += size
                    there += size > 0
                total = self._number(transaction, _TOTAL) - taken
                transaction.put(_TOTAL, _NUMBER.pack(total), db=self._meta)
                if noted:
                    transaction.put(noted, _TIME.pack(self._clock()), db=self._purged)
                return len(names), there

            found, there = self._environment.write(work)
            self.bodies.remove(gone)
            count += there
            if found < _AT_ONCE:
                return count

    def _purged_since(self, transaction: Transaction, tags: Collection[bytes], moment: float) -> bool:
        for tag in (_ALL, *tags):
            stored = transaction.get(tag, db=self._purged)
            if stored is not None and _TIME.unpack(stored)[0] >= moment:
                return True
        return False

    def _number(self, transaction: Transaction, name: bytes) -> int:
        stored = transaction.get(name, db=self._meta)
        return 0 if stored is None else int(_NUMBER.unpack(stored)[0])

    def _take(self, transaction: Transaction, name: bytes, gone: list[bytes]) -> int:
        """Take a value away; the bytes that it had."""
        stored = transaction.pop(name, db=self._entries)
        if stored is None:
            return 0
        end, _, head_size, tags_size, _, file = _HEAD.unpack_from(stored)
        transaction.delete(_TIME.pack(end) + name, db=self._ends)
        stamp = transaction.pop(name, db=self._stamps)
        if stamp is not None:
            transaction.delete(stamp + name, db=self._used)
        at = _HEAD.size + head_size
        for tag in stored[at : at + tags_size].split(b"\n"):
            if tag:
                transaction.delete(tag + name, db=self._tags)
        if file != _NO_FILE:
            transaction.delete(file, db=self._files)
            gone.append(file)
        return self._size_of(name, stored)

    def _touch(self, transaction: Transaction, name: bytes, now: float) -> None:
        """Note that a value was used."""
        stamp = transaction.get(name, db=self._stamps)
        if stamp is not None:
            transaction.delete(stamp + name, db=self._used)
            stamp = _TIME.pack(now)
            transaction.put(stamp + name, b"", db=self._used)
            transaction.put(name, stamp, db=self._stamps)

    def _make_room(self, transaction: Transaction, now: float, over: int, gone: list[bytes]) -> int:
        """Take away some of what has ended, and what was not used for longest while there is too much; its bytes."""
        taken = self._take_first(transaction, self._ends, gone, lambda end, _, count: end <= now and count < 8)
        return taken + self._take_first(transaction, self._used, gone, lambda _, more, __: taken + more < over)

    def _take_first(
        self, transaction: Transaction, order: Any, gone: list[bytes], go_on: Callable[[float, int, int], bool]
    ) -> int:
        taken = count = 0
        with transaction.cursor(db=order) as cursor:
            while cursor.first():
                key = bytes(cursor.key())
                if not go_on(_TIME.unpack_from(key)[0], taken, count):
                    break
                size = self._take(transaction, key[8:], gone)
                if not size:
                    transaction.delete(key, db=order)
                taken += size
                count += 1
        return taken

    def _size_of(self, name: bytes, stored: bytes) -> int:
        _, length, head_size, tags_size, _, file = _HEAD.unpack_from(stored)
        at = _HEAD.size + head_size
        tags = stored[at : at + tags_size].count(b"\0")
        return _size(len(stored) - _HEAD.size, len(name), tags, length if file != _NO_FILE else 0)


def _size(value: int, name: int, tags: int, file: int) -> int:
    size = value + _HEAD.size
    size = size if size <= _IN_PAGE else -(-size // _PAGE) * _PAGE
    return size + 4 * name + tags * (name + 100) + _OVERHEAD + -(-file // _PAGE) * _PAGE


def _tag(tag: str) -> bytes:
    """A tag as it stands in the index; one that is too long is taken for all that begin like it."""
    return tag.encode("utf-8", "replace").replace(b"\0", b"?").replace(b"\n", b"?")[:_LONGEST_TAG] + b"\0"


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
