"""The bodies of a shelf: short ones lie in its index, long ones in files, which are written and read in pieces."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from gateline.pdk.shelf import Kept

if TYPE_CHECKING:
    from gateline.sharedstate.shelf import SharedShelf

__all__ = ["INLINE", "Bodies", "KeptValue", "Write"]

INLINE = 64 * 1024
"""Bytes of a body that lies in the index."""
PIECE = 256 * 1024
"""Bytes that are read at a time."""
FORGOTTEN = 3600.0
"""Seconds after which a file that nobody refers to is nobody's."""

_PART = ".part"


class Bodies:
    """The files of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)

    def path(self, file: bytes) -> str:
        """Where a body is."""
        name = file.hex()
        return f"{self._directory}/{name[:2]}/{name}"

    def new(self) -> tuple[bytes, str]:
        """A name that nobody has, and where the file is while it is written."""
        file = os.urandom(16)
        path = self.path(file)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return file, f"{path}.{os.getpid()}{_PART}"

    def remove(self, files: Iterable[bytes]) -> None:
        """Take files away; who reads one of them goes on."""
        for file in files:
            with contextlib.suppress(OSError):
                os.unlink(self.path(file))

    def old(self) -> list[bytes]:
        """The files that are not so new that the index may not know them yet."""
        moment = time.time() - 60
        return [
            bytes.fromhex(path.name)
            for path in self._directory.glob("*/*")
            if len(path.name) == 32 and _older(path, moment)
        ]

    def remove_parts(self) -> int:
        """Take away what processes that are gone have begun; how many files."""
        moment = time.time() - FORGOTTEN
        count = 0
        for path in self._directory.glob(f"*/*{_PART}"):
            pid = path.name.split(".")[1]
            if not os.path.exists(f"/proc/{pid}") or _older(path, moment):
                path.unlink(missing_ok=True)
                count += 1
        return count


def _older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except OSError:
        return False


class KeptValue(Kept):
    """See `gateline.pdk.shelf.Kept`. `end`: when its time is over, in seconds since 1970. `name`, `place` and `version`
    are the shelf's: by them it knows whether the value is still what is kept. `damaged` is called when the file at
    `path` turns out not to be what was written."""

    __slots__ = ("_checksum", "_damaged", "_path", "end", "name", "place", "version")

    def __init__(
        self,
        head: bytes,
        body: bytes,
        length: int,
        path: str | None,
        checksum: int,
        end: float,
        damaged: Callable[[], None] | None = None,
    ) -> None:
        self.head = head
        self.body = body
        self.length = length
        self.end = end
        self.made = None
        self.name = b""
        self.place = self.version = 0
        self._path = path
        self._checksum = checksum
        self._damaged = damaged

    @property
    def pieces(self) -> AsyncIterator[bytes] | None:
        """A long body from its beginning; None for a short one, and for one whose file is gone."""
        return self.some_pieces(0, self.length)

    def some_pieces(self, first: int, size: int) -> AsyncIterator[bytes] | None:
        """Some bytes of a long body in pieces."""
        if self._path is None:
            return None
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        if os.fstat(descriptor).st_size != self.length:
            os.close(descriptor)
            return None
        checksum = self._checksum if size == self.length else None
        return _Pieces(descriptor, first, size, checksum, self._damaged)

    def part(self, first: int, size: int) -> bytes | None:
        """Some bytes of the body."""
        if self._path is None:
            return self.body[first : first + size]
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return os.pread(descriptor, size, first)
        except OSError:
            return None
        finally:
            os.close(descriptor)


class _Pieces:
    """The pieces of a file that was opened; it is closed when nobody wants them any more."""

    def __init__(
        self, descriptor: int, first: int, size: int, checksum: int | None, damaged: Callable[[], None] | None
    ) -> None:
        self._descriptor = descriptor
        self._damaged = damaged
        self._at = first
        self._left = size
        self._expected = checksum
        self._found = 0

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        if self._descriptor < 0:
            raise StopAsyncIteration
        if self._left:
            size = min(PIECE, self._left)
            piece = await asyncio.to_thread(_read, self._descriptor, size, self._at)
            self._at += len(piece)
            self._left -= len(piece)
            if self._expected is not None:
                self._found = crc32(piece, self._found)
            if piece and (self._left or self._expected in (None, self._found)):
                return piece
            self._close()
            if self._damaged is not None:
                self._damaged()
            raise OSError("a stored body is damaged")
        self._close()
        raise StopAsyncIteration

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self._close()


def _read(descriptor: int, size: int, at: int) -> bytes:
    """Bytes of a file; none where they cannot be read."""
    try:
        return os.pread(descriptor, size, at)
    except OSError:
        return b""


class Write:
    """See `gateline.pdk.shelf.Writing`."""

    def __init__(self, shelf: "SharedShelf", largest: int) -> None:
        self._shelf = shelf
        self._largest = largest
        self._pieces: list[bytes] = []
        self._length = 0
        self._checksum = 0
        self._file = bytes(16)
        self._path = ""
        self._descriptor = -1
        self._over = False

    def write(self, data: bytes) -> bool:
        """Go on with the body; False when it cannot be kept."""
        if self._over:
            return False
        self._length += len(data)
        if self._length > self._largest:
            self.drop()
            return False
        self._checksum = crc32(data, self._checksum)
        self._pieces.append(data)
        if self._descriptor >= 0 or self._length > INLINE:
            try:
                self._to_file()
            except OSError:
                self.drop()
                return False
        return True

    def _to_file(self) -> None:
        if self._descriptor < 0:
            self._file, self._path = self._shelf.bodies.new()
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        data = memoryview(b"".join(self._pieces))
        self._pieces.clear()
        while data:
            data = data[os.write(self._descriptor, data) :]

    def finish(self, key: str, head: bytes, *, ttl: float, tags: Collection[str] = (), since: float = 0.0) -> bool:
        """Put it on the shelf; whether it is kept."""
        if self._over:
            return False
        self._over = True
        place = self._shelf.place
        if self._descriptor < 0:
            body = b"".join(self._pieces)
            return place(key, head, body, self._length, self._checksum, self._file, ttl=ttl, tags=tags, since=since)
        os.close(self._descriptor)
        self._descriptor = -1
        final = self._shelf.bodies.path(self._file)
        try:
            os.rename(self._path, final)
        except OSError:
            self._unlink(self._path)
            return False
        if place(key, head, b"", self._length, self._checksum, self._file, ttl=ttl, tags=tags, since=since):
            return True
        self._unlink(final)
        return False

    def drop(self) -> None:
        """It will not be finished."""
        self._over = True
        self._pieces.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._unlink(self._path)

    @staticmethod
    def _unlink(path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            self.drop()
