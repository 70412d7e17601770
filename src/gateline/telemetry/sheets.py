"""Sheets: the numbers of one process in memory that outlives it, so that a counter never goes down with a worker.

A sheet is two files in a folder of the node's shared memory. In `N.cells` numbers lie side by side (64-bit floats); the
process has them mapped, so to count is to add to a cell, and whoever reads needs no answer from it. `N.lines` says what
they are: a line for each metric and for each of its series, appended before the first count. A process holds a lock on
its sheet as long as it lives; the next one takes over the sheet of a dead one and counts on. So there are as many
sheets as there were processes at one time, and what a killed worker has counted stays.

The first cells: how many bytes of the lines are whole, and the next cell that is free. A process that is killed in the
middle of an entry leaves what was before it.
"""

import contextlib
import errno
import fcntl
import logging
import mmap
import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateline.sharedstate import SharedStateError
from gateline.telemetry.families import Kind

__all__ = ["CHUNK", "MetricLine", "SeriesLine", "Sheet", "SheetView", "claim", "entries", "views"]

logger = logging.getLogger(__name__)

CHUNK = 16384
"""Cells that are mapped together; the numbers of a series lie in one chunk."""

CHUNKS = 256
TEXT_LIMIT = 64 * 1024 * 1024
"""Most chunks (4 million cells, 32 MiB) and most bytes of lines of a sheet."""

SHEETS = 4096
_PIECE = 64 * 1024
"""Bytes of lines that are read together, more than any line has."""

_TEXT, _NEXT, _FIRST = range(3)
_BYTES = CHUNK * 8


class MetricLine(msgspec.Struct, frozen=True, array_like=True):
    """The line of a metric; metrics are numbered in the order of their lines, from 0."""

    kind: Kind
    name: str
    description: str
    bounds: tuple[float, ...] = ()
    largest: bool = False
    """Of a gauge: what the node shows is the largest of the processes' numbers, not their sum."""

    @property
    def width(self) -> int:
        """Cells of a series: see `Family.series`."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1


class SeriesLine(msgspec.Struct, frozen=True, gc=False):
    """The line of a series: its metric's number, its first cell, its labels as they are written."""

    metric: int
    cell: int
    labels: str


_decoder = msgspec.json.Decoder(MetricLine)


def entries(lines: bytes) -> Iterator[MetricLine | SeriesLine]:
    """What whole lines say."""
    for line in lines.split(b"\n"):
        if line.startswith(b"["):
            yield _decoder.decode(line)
        elif line:
            metric, cell, labels = line.split(b" ", 2)
            yield SeriesLine(int(metric), int(cell), labels.decode())


def claim(folder: Path | None) -> "Sheet":
    """A sheet for this process, of those in a folder; one that nobody sees where there is no folder, or no room."""
    if folder is not None:
        try:
            return Sheet(folder)
        except (SharedStateError, OSError) as error:
            logger.error("what this process counts will not be seen: %s", error)
    return Sheet(None)


class Sheet:
    """The sheet of this process; to be opened after a fork. `lines` is what was in it already."""

    def __init__(self, folder: Path | None) -> None:
        """Take the sheet of a dead process over, or make one; without a folder it is of this process only.

        Raises SharedStateError, OSError.
        """
        self.chunks: list[memoryview[float]] = []
        self.lines = b""
        self._text = self._cells = -1
        if folder is None:
            self._add_chunk()
        else:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._open(folder)
            for _ in range(max(os.fstat(self._cells).st_size // _BYTES, 1)):
                self._add_chunk()
            self.lines = os.pread(self._text, self._written, 0)
        if not self.chunks[0][_NEXT]:
            self.chunks[0][_NEXT] = _FIRST

    def write_metric(self, line: MetricLine) -> None:
        """Write the line of a metric. Raises SharedStateError when there is no room."""
        self._write(msgspec.json.encode(line) + b"\n", 0)

    def write_series(self, metric: int, width: int, labels: str) -> int:
        """Write the line of a series with so many cells, which are 0; its first cell.

        Raises SharedStateError when there is no room.
        """
        place = self._place(width)
        self._write(b"%d %d %b\n" % (metric, place, labels.encode()), place + width)
        return place

    @property
    def _written(self) -> int:
        return int(self.chunks[0][_TEXT])

    def _place(self, width: int) -> int:
        """A place for so many cells."""
        if width > CHUNK - _FIRST:
            raise SharedStateError(f"no series has {width} numbers")
        place = int(self.chunks[0][_NEXT])
        if place % CHUNK + width > CHUNK:
            place += CHUNK - place % CHUNK
        if place // CHUNK >= len(self.chunks):
            self._add_chunk()
        return place

    def _write(self, line: bytes, following: int) -> None:
        written = self._written
        if written + len(line) > TEXT_LIMIT:
            raise SharedStateError("there are too many series")
        if self._text >= 0:
            try:
                whole = os.pwrite(self._text, line, written) == len(line)
            except OSError as error:
                raise SharedStateError(f"no room for metrics: {error.strerror}") from None
            if not whole:
                raise SharedStateError("no room for metrics")
        if following:
            self.chunks[0][_NEXT] = following
        self.chunks[0][_TEXT] = written + len(line)

    def _open(self, folder: Path) -> None:
        """Open the first sheet that no living process has."""
        for number in range(SHEETS):
            text = os.open(folder / f"{number}.lines", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(text, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(text)
                continue
            self._text = text
            self._cells = os.open(folder / f"{number}.cells", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            return
        raise SharedStateError(f"no free sheet in {folder}")

    def _add_chunk(self) -> None:
        """Map the next chunk, all of whose pages are there: a write to one without room would kill the process."""
        number = len(self.chunks)
        if number >= CHUNKS:
            raise SharedStateError("there are too many series")
        if self._cells < 0:
            self.chunks.append(memoryview(array("d", bytes(_BYTES))))
            return
        try:
            _reserve(self._cells, number * _BYTES)
            mapped = mmap.mmap(self._cells, _BYTES, offset=number * _BYTES)
        except OSError as error:
            raise SharedStateError(f"no room for metrics: {error.strerror}") from None
        self.chunks.append(memoryview(mapped).cast("d"))

    def close(self) -> None:
        """Let go of the sheet, which another process may take over then; nothing may be counted any more."""
        self.chunks.clear()
        for descriptor in (self._text, self._cells):
            if descriptor >= 0:
                os.close(descriptor)
        self._text = self._cells = -1


def _reserve(descriptor: int, offset: int) -> None:
    """Have the file system set aside a chunk."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, offset, _BYTES)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
        else:
            return
    os.ftruncate(descriptor, max(offset + _BYTES, os.fstat(descriptor).st_size))


def views(folder: Path, known: set[str]) -> Iterator["SheetView"]:
    """Views of the sheets in a folder that are not among the known names, which they are added to."""
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.glob("*.lines")):
            if path.stem not in known and path.with_suffix(".cells").exists():
                known.add(path.stem)
                yield SheetView(path)


class SheetView:
    """A sheet as another process sees it. `cells` are its numbers; look again with `refresh` for those that are new."""

    def __init__(self, path: Path) -> None:
        """`path` is that of its lines. Raises OSError."""
        self._text = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._cells = os.open(path.with_suffix(".cells"), os.O_RDONLY | os.O_CLOEXEC)
        self._read = 0
        self.cells: memoryview[float] = memoryview(b"").cast("d")
        self.alive = False
        """Whether the process that counts here lives."""

    def refresh(self) -> Iterator[MetricLine | SeriesLine]:
        """Look at the sheet again; what its lines say that is new."""
        size = os.fstat(self._cells).st_size // _BYTES * _BYTES
        if not size:
            return
        if size != self.cells.nbytes:
            self.cells = memoryview(mmap.mmap(self._cells, size, prot=mmap.PROT_READ)).cast("d")
        self.alive = self._is_owned()
        whole = int(self.cells[_TEXT])
        while self._read < whole:
            text = os.pread(self._text, min(_PIECE, whole - self._read), self._read)
            lines = text[: text.rfind(b"\n") + 1]
            if not lines:
                return
            self._read += len(lines)
            yield from entries(lines)

    def _is_owned(self) -> bool:
        try:
            fcntl.flock(self._text, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._text, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        """Let go of it."""
        os.close(self._text)
        os.close(self._cells)
