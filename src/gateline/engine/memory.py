"""Memory that a process has freed, given back to the system."""

import ctypes
from collections.abc import Callable

__all__ = ["give_back"]


def _trim() -> Callable[[int], int] | None:
    """glibc's `malloc_trim`, where there is one."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return trim


_found = _trim()


def give_back() -> None:
    """Give back what was freed; without it the C library keeps what a large piece of work took for the next one."""
    if _found is not None:
        _found(0)
