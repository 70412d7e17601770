"""Request ids: 32 hex digits of randomness, drawn from the system in blocks and not once a request."""

import os
from binascii import hexlify
from itertools import chain
from struct import Struct

__all__ = ["next_request_id"]

_BLOCK = 512
_ID = Struct("32s")
_ids: list[bytes] = []
_given = 0
"""How many of them have been given out."""


def next_request_id() -> bytes:
    """A new id, 32 lower-case hex digits (128 random bits), never given out before."""
    global _given
    if _given == len(_ids):
        _ids[:] = chain.from_iterable(_ID.iter_unpack(hexlify(os.urandom(16 * _BLOCK))))
        _given = 0
    made = _ids[_given]
    _given += 1
    return made


def _forget_after_fork() -> None:
    global _given
    _ids.clear()
    _given = 0


os.register_at_fork(after_in_child=_forget_after_fork)
