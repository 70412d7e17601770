"""Where a node's shared memory is: a private directory on /dev/shm, named after the prefix; in the prefix where there
is no /dev/shm or no room on it.

A node has its prefix to itself, so what lies in the directory when it starts is of one that is dead.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateline.sharedstate.environment import SharedStateError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is private, and checked to be ours

ROOM = 48 * 1024 * 1024
"""Bytes that must be free there; a container may have next to nothing."""


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one node's shared memory."""

    root: Path

    @classmethod
    def of(cls, prefix: Path, memory: Path = SHARED_MEMORY) -> "Places":
        """Those of the node with a prefix."""
        if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) and _room(memory) >= ROOM:
            name = sha256(os.fsencode(prefix.absolute())).hexdigest()[:16]
            return cls(memory / f"gateline-{os.geteuid()}-{name}")
        return cls(prefix / "run" / "shared")

    @property
    def counters(self) -> Path:
        """Where the counters are."""
        return self.root / "counters"

    @property
    def gauges(self) -> Path:
        """Where the numbers of what is under way are."""
        return self.root / "gauges"

    @property
    def cache(self) -> Path:
        """Where the cache is."""
        return self.root / "cache"

    @property
    def slots(self) -> Path:
        """Where it is kept who is inside."""
        return self.root / "slots"

    @property
    def metrics(self) -> Path:
        """Where the processes count."""
        return self.root / "metrics"

    def directory(self, generation: int) -> Path:
        """Where a generation's directory of consumers and credentials is."""
        return self.root / f"directory-{generation}"

    def prepare(self) -> None:
        """Make the place anew, empty and private. Raises SharedStateError."""
        self.remove()
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Anybody may make a directory on /dev/shm: one that is not ours must not be trusted with anything.
            found = self.root.lstat()
            if not self.root.is_dir() or self.root.is_symlink() or found.st_uid != os.geteuid():
                raise SharedStateError(f"{self.root} belongs to somebody else; remove it")
            self.root.chmod(0o700)
        except OSError as error:
            raise SharedStateError(f"cannot make {self.root} for shared memory: {error.strerror}") from None

    def remove(self) -> None:
        """Take everything away."""
        _remove(self.root)

    def remove_directory(self, generation: int) -> None:
        """Take a generation's directory away; processes that have it open keep it."""
        _remove(self.directory(generation))


def used(root: Path) -> dict[str, int]:
    """Bytes that the files of each directory in a place take, by its name; `directory` is that of all generations."""
    sizes: dict[str, int] = {}
    for area in root.iterdir() if root.is_dir() else ():
        name = area.name.partition("-")[0]
        with contextlib.suppress(OSError):  # a generation may take its files away
            sizes[name] = sizes.get(name, 0) + sum(file.stat().st_blocks for file in area.iterdir()) * 512
    return sizes


def _room(path: Path) -> int:
    """Bytes that are free on a file system."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
