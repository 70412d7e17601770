"""Request ids: 32 hex digits of randomness, drawn from the system in blocks and not once a request."""

import os
from binascii import hexlify

__all__ = ["next_request_id"]

_SIZE = 32
_BLOCK = 512
_drawn = b""
"""Ids, one behind the other."""
_given = 0
"""How many digits of them have been given out."""


def next_request_id() -> bytes:
    """A new id, 32 lower-case hex digits (128 random bits), never given out before."""
    global _drawn, _given
    if _given == len(_drawn):
        _drawn = hexlify(os.urandom(_SIZE // 2 * _BLOCK))
        _given = 0
    begun = _given
    _given += _SIZE
    return _drawn[begun:_given]


def _forget_after_fork() -> None:
    global _drawn, _given
    _drawn = b""
    _given = 0


os.register_at_fork(after_in_child=_forget_after_fork)
