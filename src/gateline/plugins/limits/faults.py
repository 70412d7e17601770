"""Says in the log why counts cannot be had, once a second: while a Redis is gone that is so with every request."""

import logging
from collections.abc import Callable
from time import monotonic

__all__ = ["Faults"]

_SILENCE = 1.0
"""Seconds between two lines."""


class Faults:
    """Those of a plugin of a name."""

    def __init__(self, log: logging.Logger, name: str, clock: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._name = name
        self._clock = clock
        self._silent_until = 0.0
        self._unsaid = 0

    def say(self, error: Exception) -> None:
        """It failed again."""
        now = self._clock()
        if now < self._silent_until:
            self._unsaid += 1
            return
        others = f" ({self._unsaid} more since the last line)" if self._unsaid else ""
        self._log.warning("%s: %s%s", self._name, error, others)
        self._silent_until = now + _SILENCE
        self._unsaid = 0
