"""Certificates and keys as settings give them: a path, PEM text, or base64 of PEM text."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from gateline.settings.errors import BadValue

_BEGIN = "-----BEGIN"


def resolve_pem(value: str, directory: Path) -> str:
    """An absolute path, or PEM text. Raises `BadValue` where the value is neither, nor base64 of the latter."""
    if _BEGIN in value:
        return value
    path = directory / value
    try:
        if path.is_file():
            return str(path)
        decoded = base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except (OSError, ValueError, binascii.Error):
        decoded = ""
    if _BEGIN in decoded:
        return decoded
    raise BadValue("the path of a file that exists, PEM, or base64 of PEM")


def read_pem(value: str) -> bytes:
    """The PEM text behind a resolved value of the settings. Raises `OSError` for a file that cannot be read."""
    return value.encode("ascii") if _BEGIN in value else Path(value).read_bytes()
