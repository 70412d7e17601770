"""A metric with all its series, as it is shown: the sum of what the processes of a node have counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Family", "Kind"]

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """The metric of a name. A histogram has bounds, ascending, without the infinite one."""

    kind: Kind
    name: str
    description: str
    bounds: tuple[float, ...]
    series: Iterable[tuple[str, Sequence[float]]]
    """Labels as they are written, and numbers: one; of a histogram, how many values each bound took (values that a
    lower one took do not count again), how many none took, and the sum of all."""

    @classmethod
    def of_values(cls, kind: Kind, name: str, description: str, values: Iterable[tuple[str, float]]) -> "Family":
        """One of plain numbers."""
        return cls(kind, name, description, (), [(labels, (float(value),)) for labels, value in values])
