"""Versions of values in shared memory, so that a process knows whether what it remembers of one is still so.

There are a fixed number of places, each for the values whose names fall on it, with two cells: who is about to change
one of these values puts a number into the first that nobody has put there before, and once that can be seen by all, the
same number into the second. What was read while the cells were equal is still so as long as the first one has not
changed. A process that is killed in between leaves the cells different: nobody remembers anything of that place before
one of its values is changed again.
"""

import mmap
import os
from pathlib import Path
from zlib import crc32

from gateline.sharedstate.environment import SharedStateError

__all__ = ["UNSETTLED", "Change", "Versions"]

PLACES = 16384
"""A power of two."""
UNSETTLED = (1 << 64) - 1
"""In place of a version: one of the values is being changed."""

_SIZE = PLACES * 16


class Versions:
    """The versions in a file of shared memory."""

    __slots__ = ("_cells",)

    def __init__(self, path: Path) -> None:
        """Open them, and make what is missing. Raises SharedStateError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _SIZE)
                self._cells = memoryview(mmap.mmap(descriptor, _SIZE)).cast("Q")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SharedStateError(f"no room for {_SIZE} bytes in {path}: {error.strerror}") from None

    def place_of(self, name: bytes) -> int:
        """Where the versions of a value are."""
        return crc32(name) & (PLACES - 1)

    def read(self, place: int) -> int:
        """The version of the values of a place, or UNSETTLED; to be read before they are."""
        version = self._cells[2 * place]
        return version if version == self._cells[2 * place + 1] else UNSETTLED

    def is_at(self, place: int, version: int) -> bool:
        """Whether nothing has changed since the version was read, nor is about to."""
        return self._cells[2 * place] == version

    def begin(self, place: int, number: int) -> None:
        """A value is about to change: only inside the transaction that does it, which is one at a time."""
        self._cells[2 * place] = number

    def end(self, place: int, number: int) -> None:
        """The change can be seen; where another one has begun meanwhile, that one ends it."""
        if self._cells[2 * place] == number:
            self._cells[2 * place + 1] = number


class Change:
    """What a transaction changes: values, whose versions it tells, and files of bodies that nobody refers to then."""

    __slots__ = ("_number", "_places", "_versions", "files")

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._number = int.from_bytes(os.urandom(8), "big") >> 1  # never UNSETTLED
        self._places: list[int] = []
        self.files: list[bytes] = []

    def again(self) -> None:
        """The transaction begins, maybe not for the first time."""
        self.files.clear()

    def touch(self, name: bytes) -> None:
        """A value changes."""
        place = self._versions.place_of(name)
        self._versions.begin(place, self._number)
        self._places.append(place)

    def over(self) -> None:
        """The transaction is over, whichever way."""
        for place in self._places:
            self._versions.end(place, self._number)
