"""Values with bodies of any length, for all processes of a node: an index in LMDB, long bodies in files beside it.

On /dev/shm it is shared memory, on a disk it outlives the node. The index decides what is there. A file is written
under another name, renamed when it is whole, and then told to the index: a process that is killed at any point leaves
at most a file that nobody refers to, which `sweep` takes away. A file that is being read may be taken away: the reader
keeps it. What is kept is counted in the pages that it takes; when there are too many, those values go whose time is
over, then those that were not used for longest (roughly: uses are noted with the next write).

What a process found lately it remembers, and gives it again as long as its version is the same: every write tells the
versions of the values that it changes before it changes them (see `versions`).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from struct import Struct
from typing import Any, TypeVar
from zlib import crc32

import lmdb

from gateline.pdk.shelf import Shelf
from gateline.sharedstate.environment import Environment, SharedStateError, Transaction
from gateline.sharedstate.recent import Recent
from gateline.sharedstate.shelf_bodies import INLINE, Bodies, KeptValue, Write
from gateline.sharedstate.shelf_claims import Claims
from gateline.sharedstate.versions import UNSETTLED, Change, Versions

__all__ = ["SharedShelf"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

LARGEST_PART = 8
"""A value may take so many-th part of a shelf at most."""
RECENT = 16 * 1024 * 1024
"""Bytes of what a process remembers of a shelf at most; an eighth of the shelf where that is less."""

_FIRST_SIZE = 4 * 1024 * 1024
_DATABASES = ("entries", "ends", "used", "stamps", "tags", "files", "meta", "claims", "purged")
_HEAD = Struct(">dqIII16s")
"""End, length of the body, lengths of head and tags, checksum of the body, file."""
_TIME = Struct(">d")
_NUMBER = Struct(">q")
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
_ROOM_TO_WORK = 4 * 1024 * 1024
"""Bytes that are made free on a disk that is full, for the index to be written."""
_MOST_TOUCHED = 4096
_SILENCE = 10.0
"""Seconds between two complaints."""
_REMEMBERED = 3600.0
"""Seconds for which it is known what was taken away by tag: nothing takes longer to be put on the shelf."""


class SharedShelf(Shelf):
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
        self._meta, claims, self._purged = databases[6:]
        self._claims = Claims(self._environment, claims, clock)
        self._versions = Versions(path / "versions")
        self._recent = Recent(min(RECENT, limit // 8))
        self._touched: set[bytes] = set()
        self._complained = float("-inf")

    # -- reading ---------------------------------------------------------------------------------------------------
    def get(self, key: str) -> KeptValue | None:
        """The value of a key whose time is not over."""
        found = self._recent.get(key)
        if found is None or not self._versions.is_at(found.place, found.version):
            found = self._found(key)
            if found is None:
                return None
        else:
            now = self._clock()
            if found.end <= now:
                return None
        touched = self._touched
        if len(touched) < _MOST_TOUCHED:
            touched.add(found.name)
        return found

    def _found(self, key: str) -> KeptValue | None:
        """The value of a key as it stands in the index."""
        name = key.encode("ascii")
        place = self._versions.place_of(name)
        version = self._versions.read(place)
        found = self._read(name)
        if found is None or version == UNSETTLED:
            self._recent.remove(key)
        if found is not None:
            found.name, found.place, found.version = name, place, version
            if version != UNSETTLED:
                self._recent.put(key, found)
        return found

    def _read(self, name: bytes) -> KeptValue | None:
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
        at = _HEAD.size + head_size
        head = stored[_HEAD.size : at]
        if file != _NO_FILE:
            damaged = partial(self._damaged, name, file)
            return KeptValue(head, b"", length, self.bodies.path(file), checksum, end, damaged)
        body = stored[at + tags_size :]
        if self._durable and (len(body) != length or crc32(body) != checksum):
            _log.warning("a stored value is damaged and taken away")
            self.remove(name.decode())
            return None
        return KeptValue(head, body, length, None, checksum, end)

    def _damaged(self, name: bytes, file: bytes) -> None:
        """A long body turned out to be damaged: its value goes, so that nobody else is given it."""
        _log.warning("a stored value is damaged and taken away")

        def some(transaction: Transaction) -> list[bytes]:
            stored = transaction.get(name, db=self._entries)
            return [name] if stored is not None and _HEAD.unpack_from(stored)[-1] == file else []

        try:
            self._remove(some, b"")
        except OSError as error:
            _log.warning("%s", error)

    # -- writing ---------------------------------------------------------------------------------------------------
    def put(
        self, key: str, head: bytes, body: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0
    ) -> bool:
        """Keep a value; whether it is kept."""
        if len(body) > INLINE:
            writing = self.writing(len(body))
            return (
                writing is not None
                and writing.write(body)
                and writing.finish(key, head, ttl=ttl, tags=tags, since=since)
            )
        return self.place(key, head, body, len(body), crc32(body), _NO_FILE, ttl=ttl, tags=tags, since=since)

    def writing(self, length: int = -1) -> Write | None:
        """Begin a value of which the body comes in pieces."""
        return Write(self, self._largest) if length <= self._largest else None

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

        def work(transaction: Transaction, change: Change) -> bool:
            if since and self._purged_since(transaction, tagged, since):
                return False
            total = self._number(transaction, _TOTAL) - self._take(transaction, name, change)
            for one in touched:
                self._touch(transaction, one, now)
            total -= self._make_room(transaction, now, total + size - self.limit, change)
            change.touch(name)
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

        return self._written(work)

    def renew(self, key: str, head: bytes, *, ttl: float) -> bool:
        """Give a value another head and time; False when it is not there any more."""
        name = key.encode("ascii")
        now = self._clock()

        def work(transaction: Transaction, change: Change) -> bool:
            stored = transaction.get(name, db=self._entries)
            if stored is None:
                return False
            change.touch(name)
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

        return self._written(work)

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
        return self._claims.claim(key, seconds)

    def claimed(self, key: str) -> bool:
        """Whether another process that is alive makes the value."""
        return self._claims.claimed(key)

    def release(self, key: str) -> None:
        """Take back what this process claimed."""
        self._claims.release(key)

    # -- upkeep ----------------------------------------------------------------------------------------------------
    async def sweep(self) -> int:
        """Take away files that nobody refers to, of processes that were killed, and notes that are old; how many
        files."""
        self._environment.forget_dead()
        self._claims.forget_old()
        self._written(self._forget_old)
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

    def _forget_old(self, transaction: Transaction, _: Change) -> bool:
        last = self._clock() - _REMEMBERED
        with transaction.cursor(db=self._purged) as cursor:
            there = cursor.first()
            while there:
                over = _TIME.unpack_from(cursor.value())[0] <= last
                there = cursor.delete() if over else cursor.next()
        return True

    def close(self) -> None:
        """Let go of it."""
        self._environment.close()

    # -- inside transactions ---------------------------------------------------------------------------------------
    def _written(self, work: Callable[[Transaction, Change], bool]) -> bool:
        try:
            return self._write(work)
        except (SharedStateError, lmdb.Error) as error:
            now = self._clock()
            if not 0 <= now - self._complained < _SILENCE:
                self._complained = now
                _log.warning("a shelf cannot be written to: %s", error)
            return False

    def _write(self, work: Callable[[Transaction, Change], T]) -> T:
        """Do work in a transaction and tell the versions of what it changes. Raises SharedStateError, lmdb.Error."""
        change = Change(self._versions)

        def attempt(transaction: Transaction) -> T:
            change.again()
            return work(transaction, change)

        try:
            result = self._environment.write(attempt)
        finally:
            change.over()
        self.bodies.remove(change.files)
        return result

    def _remove(self, some: Callable[[Transaction], list[bytes]], noted: bytes) -> int:
        """Take away what `some` finds, until it finds nothing; `noted`: the tag of which that is so.

        That takes a little room itself: on a disk that is full, bodies of what was not used for longest make it.
        Raises OSError where there are none.
        """
        try:
            try:
                return self._take_found(some, noted)
            except (SharedStateError, lmdb.Error):
                if not self._give_bodies_up():
                    raise
                return self._take_found(some, noted)
        except (SharedStateError, lmdb.Error) as error:
            raise OSError(f"nothing can be taken away: {error}") from error

    def _give_bodies_up(self) -> bool:
        """Remove files before the index is told, until some room is made; whose file is gone is not given any more."""
        freed = 0
        files: list[bytes] = []

        def look(transaction: Transaction) -> None:
            nonlocal freed
            with transaction.cursor(db=self._used) as cursor:
                there = cursor.first()
                while there and freed < _ROOM_TO_WORK:
                    stored = transaction.get(bytes(cursor.key())[8:], db=self._entries)
                    if stored is not None:
                        _, length, *_, file = _HEAD.unpack_from(stored)
                        if file != _NO_FILE and os.path.exists(self.bodies.path(file)):
                            files.append(file)
                            freed += length
                    there = cursor.next()

        self._environment.read(look)
        self.bodies.remove(files)
        return freed > 0

    def _take_found(self, some: Callable[[Transaction], list[bytes]], noted: bytes) -> int:
        def work(transaction: Transaction, change: Change) -> tuple[int, int]:
            names = some(transaction)
            taken = there = 0
            for name in dict.fromkeys(names):
                size = self._take(transaction, name, change)
                taken += size
                there += size > 0
            total = self._number(transaction, _TOTAL) - taken
            transaction.put(_TOTAL, _NUMBER.pack(total), db=self._meta)
            if noted:
                transaction.put(noted, _TIME.pack(self._clock()), db=self._purged)
            return len(names), there

        count = 0
        while True:
            found, there = self._write(work)
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

    def _take(self, transaction: Transaction, name: bytes, change: Change) -> int:
        """Take a value away; the bytes that it had."""
        change.touch(name)
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
            change.files.append(file)
        return self._size_of(name, stored)

    def _touch(self, transaction: Transaction, name: bytes, now: float) -> None:
        """Note that a value was used."""
        stamp = transaction.get(name, db=self._stamps)
        if stamp is not None:
            transaction.delete(stamp + name, db=self._used)
            stamp = _TIME.pack(now)
            transaction.put(stamp + name, b"", db=self._used)
            transaction.put(name, stamp, db=self._stamps)

    def _make_room(self, transaction: Transaction, now: float, over: int, change: Change) -> int:
        """Take away some of what has ended, and what was not used for longest while there is too much; its bytes."""
        taken = self._take_first(transaction, self._ends, change, lambda end, _, count: end <= now and count < 8)
        return taken + self._take_first(transaction, self._used, change, lambda _, more, __: taken + more < over)

    def _take_first(
        self, transaction: Transaction, order: Any, change: Change, go_on: Callable[[float, int, int], bool]
    ) -> int:
        taken = count = 0
        with transaction.cursor(db=order) as cursor:
            while cursor.first():
                key = bytes(cursor.key())
                if not go_on(_TIME.unpack_from(key)[0], taken, count):
                    break
                size = self._take(transaction, key[8:], change)
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
