"""The node's directory: its subdirectories, the pid file that says who runs it, and where its sockets go.

A running supervisor holds a lock on the pid file, so a file that a crash left behind is never mistaken for a running
node, whoever has its number now.
"""

import fcntl
import os
import tempfile
from pathlib import Path

from gateline.control.errors import StartError

DIRECTORIES = {"pids": 0o755, "logs": 0o755, "run": 0o700, "ssl": 0o700}
"""Subdirectories and their modes; `run` has the sockets and the state, `ssl` the generated certificates."""

_REMEDY = "set `prefix` to a directory of yours"

LONGEST_SOCKET_PATH = 100
"""A unix socket's path ends at 107 bytes on Linux and 103 on macOS."""


def prepare(prefix: Path) -> None:
    """Make what is missing below the prefix. Raises StartError."""
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        for name, mode in DIRECTORIES.items():
            directory = prefix / name
            directory.mkdir(exist_ok=True)
            if mode == 0o700:
                directory.chmod(mode)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise StartError(f"cannot write to {directory}: permission denied; {_REMEDY}")
    except OSError as error:
        raise StartError(f"cannot use {prefix} as the prefix: {error.strerror} ({error.filename}); {_REMEDY}") from None


def pid_path(prefix: Path) -> Path:
    """Where the supervisor's process id is."""
    return prefix / "pids" / "gateline.pid"


def running_pid(prefix: Path) -> int | None:
    """The process id of the supervisor that runs this prefix, or None when none does."""
    try:
        descriptor = os.open(pid_path(prefix), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.read(descriptor, 32).strip()
            return int(text) if text.isdigit() else None
        return None
    finally:
        os.close(descriptor)


class PidFile:
    """The locked pid file of a running supervisor."""

    def __init__(self, prefix: Path) -> None:
        """Take the prefix for this process. Raises StartError when a node already runs on it."""
        path = pid_path(prefix)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StartError(f"cannot write {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            running = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StartError(f"Gateline is already running at {prefix} (process {running or 'unknown'})") from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
        self._path = path

    def close(self) -> None:
        """Let go of the descriptor only, as a forked child does: the lock stays with the supervisor."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Give the prefix back."""
        self._path.unlink(missing_ok=True)
        self.close()


def remove_stale_feeds(prefix: Path) -> None:
    """Take away the feeds' sockets that a supervisor left which was killed."""
    for path in (prefix / "run").glob("feed-*.sock"):
        path.unlink(missing_ok=True)


def feed_path(prefix: Path, generation: int) -> Path:
    """A path for the feed's socket that the system can take: in a private temporary directory if the prefix is deep."""
    path = prefix / "run" / f"feed-{generation}.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="gateline-")) / f"feed-{generation}.sock"


def remove_feed(prefix: Path, path: Path) -> None:
    """Take the feed's socket away, and the temporary directory if it was in one."""
    path.unlink(missing_ok=True)
    if path.parent != prefix / "run":
        path.parent.rmdir()
