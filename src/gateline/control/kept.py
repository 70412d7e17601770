"""The configuration in force as a file: what a control process begins with that takes the place of one that crashed,
or whose database cannot be reached.

The file is a whole configuration followed by the changes since, each appended when it is in force: a process that is
killed leaves all of it behind, as the system still writes what it was given. From time to time the file is written
anew. Nothing is synced: what the machine loses when it goes down is in the database, or in the declarative file.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateline.control.directory import Stored
from gateline.control.rows import Delta, Rows, advance
from gateline.control.state import write_atomically

logger = logging.getLogger(__name__)

APPENDED = 1024 * 1024
"""Bytes of appended changes from which on the file is written anew, once they are more than the rest of it too."""

_LENGTH = struct.Struct(">I")
_RawRows = dict[str, dict[str, msgspec.Raw]]


class _Whole(msgspec.Struct, tag=True, frozen=True):
    origin: str
    version: int
    hash: str
    rows: _RawRows


class _Many(msgspec.Struct, tag=True, frozen=True):
    """Rows of the directory; they belong to the whole before."""

    rows: dict[bytes, bytes | None]


class _Step(msgspec.Struct, tag=True, frozen=True):
    version: int
    hash: str
    put: _RawRows
    delete: dict[str, list[str]]
    many: dict[bytes, bytes | None] = {}


_Frame = _Whole | _Many | _Step
_frame: msgspec.msgpack.Decoder[_Frame] = msgspec.msgpack.Decoder(_Frame)


_NONE: Stored = {}


def _none() -> Iterator[Stored]:
    """No rows of a directory."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Kept:
    """What was in force: its rows, the feed's number for it, and its hash."""

    version: int
    hash: str
    rows: Rows


class KeptFile:
    """The file at a path. `origin` says where the configuration comes from: what came from elsewhere is not read."""

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin
        self._file: BinaryIO | None = None
        self._written = False
        self._whole = 0
        self._appended = 0
        self._waiting: list[bytes] | None = None
        """Changes since a writing began that is under way; they have to be in the new file too."""

    def read(self, take: Callable[[Stored], None] = lambda _: None) -> Kept | None:
        """What was kept; None when there is nothing of use. `take` gets the rows of the directory, in their order."""
        try:
            with self._path.open("rb") as file:
                frames = _frames(file)
                first = next(frames, None)
                if not isinstance(first, _Whole) or first.origin != self._origin:
                    return None
                version, digest, rows = first.version, first.hash, _bytes(first.rows)
                for frame in frames:
                    if isinstance(frame, _Step):
                        advance(rows, Delta(_bytes(frame.put), frame.delete))
                        version, digest = frame.version, frame.hash
                        if frame.many:
                            take(frame.many)
                    elif isinstance(frame, _Many):
                        take(frame.rows)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the configuration that was in force cannot be read from %s: %s", self._path, error)
            return None
        return Kept(version, digest, rows)

    async def write(self, rows: Rows, version: int, digest: str, many: Callable[[], Iterator[Stored]] = _none) -> None:
        """Write the file anew, with all rows of the directory. Returns at once when that is being done already."""
        if self._waiting is not None:
            return
        waiting: list[bytes] = []
        self._waiting = waiting
        copy = {kind: dict(of_kind) for kind, of_kind in rows.items()}
        try:
            await asyncio.to_thread(self._write, copy, version, digest, many)
            self.close()
            self._written, self._whole, self._appended = True, self._path.stat().st_size, 0
            for frame in waiting:
                self._append(frame)
        except OSError as error:
            logger.error("the configuration in force cannot be kept in %s: %s", self._path, error.strerror)
        finally:
            self._waiting = None

    def append(self, delta: Delta, version: int, digest: str, many: Stored = _NONE) -> None:
        """Add a change, with the rows of the directory that it concerns."""
        frame = _encode(_Step(version, digest, _raw(delta.put), delta.delete, dict(many)))
        if self._waiting is not None:
            self._waiting.append(frame)
        try:
            self._append(frame)
        except OSError as error:
            logger.error("a change cannot be kept in %s: %s", self._path, error.strerror)

    @property
    def long(self) -> bool:
        """Whether it is time to write it anew."""
        return self._appended > max(APPENDED, self._whole)

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, rows: Rows, version: int, digest: str, many: Callable[[], Iterator[Stored]]) -> None:
        whole = _encode(_Whole(self._origin, version, digest, _raw(rows)))
        rest = (_encode(_Many(dict(some))) for some in many())
        write_atomically(self._path, chain((whole,), rest), durable=False)

    def _append(self, frame: bytes) -> None:
        if not self._written:  # what there may be is of an earlier run
            return
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
        self._file.write(frame)
        self._appended += len(frame)


def _encode(frame: msgspec.Struct) -> bytes:
    content = msgspec.msgpack.encode(frame)
    return _LENGTH.pack(len(content)) + content


def _frames(file: BinaryIO) -> Iterator[_Frame]:
    """The frames of a file; one that was not written to its end does not count."""
    while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        content = file.read(length)
        if len(content) < length:
            return
        yield _frame.decode(content)


def _raw(rows: Rows) -> _RawRows:
    return {
        kind: {identifier: msgspec.Raw(row) for identifier, row in of_kind.items()} for kind, of_kind in rows.items()
    }


def _bytes(rows: _RawRows) -> Rows:
    return {kind: {identifier: bytes(row) for identifier, row in of_kind.items()} for kind, of_kind in rows.items()}
