"""Request ids: 32 hex digits of randomness, drawn from the system in blocks and not once a request."""

import os

__all__ = ["next_request_id"]

_BLOCK = 512
_ids: list[bytes] = []


def next_request_id() -> bytes:
    """A new id, 32 lower-case hex digits (128 random bits), never given out before."""
    if not _ids:
        _ids.extend(os.urandom(16 * _BLOCK).hex(" ", 16).encode().split())
    return _ids.pop()


def _forget_after_fork() -> None:
    _ids.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
