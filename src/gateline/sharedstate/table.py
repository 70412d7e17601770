"""Where the counters of a node are kept: in the compiled table where it could be built, else in its twin on LMDB (also
when the environment has GATELINE_PURE_PYTHON). Both have the same interface; `COMPILED` tells which one is used."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gateline.sharedstate.windows import Window

__all__ = ["COMPILED", "LIMIT", "Table", "open_table"]

LIMIT = 256 * 1024 * 1024
"""Bytes that a table may take, at most."""


class Table(Protocol):
    """Short values by name, each with an end, which processes share; each change is atomic.

    What has ended goes when room is needed; where there is none, what would end first goes. A process that is killed
    in the middle of a change has made all of it or nothing (a value that gets another length may be gone), and leaves
    nothing locked. Ends are in seconds of the clock that the table was opened with. Everything raises SharedStateError
    where the memory cannot be used.
    """

    def name(self, kind: int, key: str, /) -> bytes:
        """The name under which the value of a key is kept; kinds tell apart what has the same key."""

    def load(self, name: bytes, /) -> tuple[bytes, float] | None:
        """The value of a name and when it ends, whether or not it has ended; None where there is none."""

    def swap(self, name: bytes, before: bytes | None, after: bytes | None, end: float, /) -> bool:
        """Put a value in place of another one (None: where there is none, or to have none); whether that was there.

        Raises SharedStateError for a value that is too long, of more than about 2,000 bytes.
        """

    def count(self, kind: int, key: str, windows: Sequence[Window], ttl: float, /) -> tuple[list[int], bool]:
        """As `Counters.count` of the kit, for at most 100 windows."""

    @property
    def entries(self) -> int:
        """How many values there are, those included that have ended and are not taken away yet."""

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""

    def close(self) -> None:
        """Let go of it."""


COMPILED: bool


def open_table(path: Path, *, clock: Callable[[], float] | None = None, limit: int = LIMIT) -> Table:
    """The table in a directory of its own, made where it is not there; `clock` is the monotonic one unless given.

    Open it once in a process, after a fork. Raises SharedStateError.
    """
    return _Table(path, clock=clock, limit=limit)


try:
    if os.environ.get("GATELINE_PURE_PYTHON"):
        raise ImportError("the environment wants Python")
    from gateline.sharedstate._table import Table as _Table

    COMPILED = True
except ImportError:
    from gateline.sharedstate.lmdb_table import LmdbTable as _Table  # type: ignore[assignment]

    COMPILED = False
