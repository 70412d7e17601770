"""What a worker tells of the tries at targets, in numbers that are small on the wire.

An outcome is one number: what it is to passive checks (3 bits), to outlier detection (2 bits) and to a circuit breaker
(2 bits). Equal outcomes in a row are told together, with how many they were, so that their order is kept and a target
that is well costs next to nothing.
"""

from enum import IntEnum

__all__ = ["CircuitOutcome", "Fault", "Result", "Runs", "outcome_parts", "outcome_with"]

Runs = list[tuple[int, int]]
"""Outcomes in their order: each, and how many times in a row."""


class Result(IntEnum):
    """What a probe, or a request, says of the health of its target."""

    SUCCESS = 0
    HTTP_FAILURE = 1
    TCP_FAILURE = 2
    TIMEOUT = 3
    NOTHING = 4
    """An answer that tells nothing: its status is in no list."""


class Fault(IntEnum):
    """Whose fault it was that a request failed, if it did."""

    NONE = 0
    SERVER = 1
    """An answer with 500 to 599 that is none of the next."""
    GATEWAY = 2
    """An answer with 502, 503 or 504."""
    LOCAL = 3
    """No answer: no connection, a reset, a timeout."""


def outcome_with(result: Result, fault: Fault) -> int:
    """The number of an outcome."""
    return result | fault << 3


def outcome_parts(outcome: int) -> tuple[Result, Fault]:
    """What a number says."""
    return Result(min(outcome & 7, Result.NOTHING)), Fault(outcome >> 3 & 3)


class CircuitOutcome(IntEnum):
    """What a call is to a circuit breaker; bits."""

    FINE = 0
    FAILED = 1
    SLOW = 2
