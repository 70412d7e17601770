"""What workers are told of circuit breakers that are not closed, beside the configuration."""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["KIND", "Open", "open_from_wire", "open_to_wire"]

KIND = "circuits"
"""What the rows are called on the feed; their id is that of the target or the service."""


class Open(NamedTuple):
    """A circuit that is open until a time (seconds of the monotonic clock) and half-open from then on, when all workers
    together let trials through; `epoch` tells these from earlier ones."""

    until: float
    epoch: int


def open_to_wire(circuit: str, opened: Open) -> dict[str, Any]:
    """The row of a circuit."""
    return {"id": circuit, "until": opened.until, "epoch": opened.epoch}


def open_from_wire(row: Mapping[str, Any]) -> Open:
    """What a row tells."""
    return Open(row["until"], row["epoch"])
