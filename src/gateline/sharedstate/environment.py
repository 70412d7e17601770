"""One LMDB environment that several processes use: opened, written in transactions, and grown when it is full.

Nothing is synced to a disk: what is here lives as long as the node. A map that is written in place (`reserved`) has all
its pages from the start, because a write to a page that the file system has no room for would kill the process;
otherwise pages are written by a system call, which can fail in order.
"""

import errno
import os
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import lmdb

T = TypeVar("T")

Transaction = Any
"""A transaction of LMDB."""
Database = Any
"""A named database of LMDB."""

_READERS = 1024
"""Most processes and threads that read at a time."""
_DATABASES = 12

_LONGEST_KEY = 400
"""Bytes; LMDB takes 511."""


class SharedStateError(Exception):
    """The shared memory cannot be used: there is no room, or no right."""


def name_of(key: str) -> bytes:
    """The name in an environment of a key of any length."""
    name = key.encode("utf-8", "surrogatepass")
    return b"=" + name if len(name) <= _LONGEST_KEY else b"#" + sha256(name).digest()


class Environment:
    """An environment in a directory of its own. `size` is what it begins with, `limit` what it may grow to, in bytes.

    It must be opened after a fork, and once in a process.
    """

    def __init__(
        self, path: Path, *, size: int, limit: int, databases: tuple[str, ...], reserved: bool = False
    ) -> None:
        """Open it, and make what is missing. Raises SharedStateError."""
        self.path = path
        self.limit = limit
        self._reserved = reserved
        self._lock = threading.Lock()
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            self.lmdb = lmdb.open(
                str(path),
                map_size=size,
                mode=0o600,
                max_readers=_READERS,
                max_dbs=_DATABASES,
                sync=False,
                metasync=False,
                writemap=reserved,
                meminit=False,
                readahead=False,
            )
            # Another process may have made it larger already; a smaller size than is in use is not taken.
            self._reserve()
            self.lmdb.reader_check()
            self._databases = self.write(
                lambda made: {name: self.lmdb.open_db(name.encode(), txn=made) for name in databases}
            )
        except (lmdb.Error, OSError) as error:
            raise SharedStateError(f"cannot use {path} as shared memory: {error}") from error

    def database(self, name: str) -> Database:
        """One of its databases."""
        return self._databases[name]

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do work in a transaction, all or nothing; it is done again from the start when the map had to grow.

        Raises SharedStateError when there is no more room.
        """
        with self._lock:
            while True:
                try:
                    with self.lmdb.begin(write=True) as transaction:
                        return work(transaction)
                except lmdb.MapResizedError:
                    self.lmdb.set_mapsize(0)
                except lmdb.MapFullError:
                    self.grow()
                except (lmdb.DiskError, lmdb.MemoryError) as error:
                    raise SharedStateError(f"no room for {self.path}: {error}") from error

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do work in a transaction that changes nothing. It must be short: the map cannot grow meanwhile."""
        with self._lock:
            while True:
                try:
                    with self.lmdb.begin() as transaction:
                        return work(transaction)
                except lmdb.MapResizedError:
                    self.lmdb.set_mapsize(0)

    def forget_dead(self) -> None:
        """Let go of the views of processes that were killed, so that the pages of these can be used again."""
        self.lmdb.reader_check()

    def close(self) -> None:
        """Let go of it."""
        self.lmdb.close()

    @property
    def size(self) -> int:
        """Bytes that it may use before it grows."""
        return int(self.lmdb.info()["map_size"])

    def grow(self) -> None:
        """Double the map; only outside of transactions. Raises SharedStateError when it may not be larger."""
        size = self.size
        if size >= self.limit:
            raise SharedStateError(f"{self.path} is full ({size} bytes)")
        self.lmdb.set_mapsize(min(size * 2, self.limit))
        self._reserve()

    def _reserve(self) -> None:
        """Have the file system set aside every page of the map. Raises SharedStateError when it cannot."""
        if not self._reserved or not hasattr(os, "posix_fallocate"):
            return
        descriptor = os.open(self.path / "data.mdb", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.posix_fallocate(descriptor, 0, self.size)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise SharedStateError(f"no room for {self.size} bytes in {self.path}: {error.strerror}") from None
        finally:
            os.close(descriptor)
