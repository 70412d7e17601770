"""The configuration in force as a file: what a control process begins with that takes the place of one that crashed,
or whose database cannot be reached.

The file is a whole configuration followed by the changes since, each appended when it is in force: a process that is
killed leaves all of it behind, as the system still writes what it was given. From time to time the file is written
anew. Nothing is synced: what the machine loses when it goes down is in the database, or in the declarative file.
"""

import asyncio
import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateline.control.rows import Delta, Rows, advance, size_of
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


class _Step(msgspec.Struct, tag=True, frozen=True):
    version: int
    hash: str
    put: _RawRows
    delete: dict[str, list[str]]


_frame: msgspec.msgpack.Decoder[_Whole | _Step] = msgspec.msgpack.Decoder(_Whole | _Step)


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

    def read(self) -> Kept | None:
        """What was kept; None when there is nothing of use."""
        try:
            frames = _frames(self._path.read_bytes())
            first = next(frames, None)
            if not isinstance(first, _Whole) or first.origin != self._origin:
                return None
            version, digest, rows = first.version, first.hash, _bytes(first.rows)
            for step in frames:
                if isinstance(step, _Step):
                    advance(rows, Delta(_bytes(step.put), step.delete))
                    version, digest = step.version, step.hash
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            logger.error("the configuration that was in force cannot be read from %s: %s", self._path, error)
            return None
        return Kept(version, digest, rows)

    async def write(self, rows: Rows, version: int, digest: str) -> None:
        """Write the file anew. Returns at once when that is being done already."""
        if self._waiting is not None:
            return
        waiting: list[bytes] = []
        self._waiting = waiting
        copy = {kind: dict(of_kind) for kind, of_kind in rows.items()}
        try:
            await asyncio.to_thread(self._write, copy, version, digest)
            self.close()
            self._written, self._whole, self._appended = True, size_of(copy), 0
            for frame in waiting:
                self._append(frame)
        except OSError as error:
            logger.error("the configuration in force cannot be kept in %s: %s", self._path, error.strerror)
        finally:
            self._waiting = None

    def append(self, delta: Delta, version: int, digest: str) -> None:
        """Add a change."""
        frame = _encode(_Step(version, digest, _raw(delta.put), delta.delete))
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

    def _write(self, rows: Rows, version: int, digest: str) -> None:
        whole = _Whole(self._origin, version, digest, _raw(rows))
        write_atomically(self._path, _encode(whole), durable=False)

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


def _frames(data: bytes) -> Iterator[_Whole | _Step]:
    """The frames of a file; one that was not written to its end does not count."""
    start = 0
    while start + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size
        if start + length > len(data):
            return
        yield _frame.decode(memoryview(data)[start : start + length])
        start += length


def _raw(rows: Rows) -> _RawRows:
    return {
        kind: {identifier: msgspec.Raw(row) for identifier, row in of_kind.items()} for kind, of_kind in rows.items()
    }


def _bytes(rows: _RawRows) -> Rows:
    return {kind: {identifier: bytes(row) for identifier, row in of_kind.items()} for kind, of_kind in rows.items()}
