"""The keys that encrypt credentials at rest, and how the settings want secrets to be kept.

A key is a file with 32 bytes in base64. Without a setting, a node that keeps its entities itself makes one in its
prefix when it first needs one; nodes that share a database have to be given the same one.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gateline.entities.sealing import KEY_BYTES, Manner, Sealer

if TYPE_CHECKING:
    from gateline.settings import Settings

__all__ = ["KeyFileError", "key_paths", "manner_of", "sealer_of"]

OWN_KEY = "credentials.key"


class KeyFileError(Exception):
    """A key cannot be read or made; the message names the file and says what to do."""


def key_paths(settings: "Settings") -> tuple[Path, ...]:
    """The files with keys, the one that encrypts first; none where nobody has named any and none is made."""
    if settings.credential_keys:
        return settings.credential_keys
    return () if settings.database == "postgres" else (settings.prefix / OWN_KEY,)


def manner_of(settings: "Settings") -> Manner:
    """How secrets are kept: as set, else encrypted where there is a key."""
    if settings.credential_storage is not None:
        return cast(Manner, settings.credential_storage)  # the settings allow no other words
    return "encrypted" if key_paths(settings) else "plain"


def sealer_of(settings: "Settings") -> Sealer:
    """What keeps secrets as the settings say; the node's own key is made when it is not there. Raises KeyFileError."""
    manner, paths = manner_of(settings), key_paths(settings)
    if manner == "plain" and not settings.credential_keys:
        # What was encrypted before can still be read.
        return Sealer(manner, [_read(path) for path in paths if path.exists()])
    if not paths:
        raise KeyFileError(
            f"credential_storage = {manner} needs a key: write one with `openssl rand -base64 32 > FILE` and name the "
            "file in credential_keys, the same on every node"
        )
    if not settings.credential_keys:
        _make(paths[0])
    return Sealer(manner, [_read(path) for path in paths])


def _make(path: Path) -> None:
    """Make a key, unless there is one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)  # unlike a rename, it leaves a key alone that another process has just made
        except FileExistsError:
            pass
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be made: {error.strerror}") from None


def _read(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be read: {error.strerror}") from None
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"{path} is no key: expected {KEY_BYTES} bytes in base64, as `openssl rand -base64 32` writes them"
        )
    return key
