"""What a running node tells other processes, the command line above all: `<prefix>/run/state.json`.

The supervisor alone writes it, whole and atomically. `reload.serial` counts the reloads that have ended, so whoever
asked for one waits until the number grows and then reads what came of it.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec


class Reload(msgspec.Struct, frozen=True):
    """How the last reload ended; serial 0 stands for the start."""

    serial: int = 0
    ok: bool = True
    messages: list[str] = []


class State(msgspec.Struct, frozen=True):
    """A node as its supervisor sees it. Addresses are URLs with the real ports; `workers` are process ids by index."""

    pid: int
    version: str
    status: Literal["starting", "running", "draining", "stopping"]
    started: float
    generation: int
    control: int
    workers: list[int]
    proxy_listen: list[str]
    admin_listen: list[str]
    status_listen: list[str]
    reload: Reload


def path(prefix: Path) -> Path:
    """Where the state is."""
    return prefix / "run" / "state.json"


def write(prefix: Path, state: State) -> None:
    """Replace the state file."""
    write_atomically(path(prefix), msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n", durable=False)


def read(prefix: Path) -> State | None:
    """The state that was written last; None when there is none, or it is not ours."""
    try:
        return msgspec.json.decode(path(prefix).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return None


def remove(prefix: Path) -> None:
    """No node runs here any more."""
    path(prefix).unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes | Iterable[bytes], *, durable: bool = True) -> None:
    """Write a private file, whole or piece by piece, so that a reader, or a crash in between, sees the old content or
    the new, nothing else.

    One that is not durable may be lost when the machine, not just the process, goes down.
    """
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in (content,) if isinstance(content, bytes) else content:
                file.write(piece)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
