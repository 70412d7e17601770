"""The budget that a node keeps itself: counters that its workers share, no network, exact in any burst."""

from collections.abc import Sequence

from gateline.pdk import Node
from gateline.pdk.node import Reading
from gateline.plugins.limits.budget import SECOND, Quotas, Standing, Verdict

__all__ = ["NodeBudget"]


class NodeBudget:
    """See `Budget`; every verdict is given at once."""

    __slots__ = ("_take", "_time")

    def __init__(self, node: Node) -> None:
        self._take = node.counters.take
        self._time = node.time

    def take(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take the cost from all quotas, or from none."""
        now = int(self._time() * SECOND)
        readings, took = self._take(key, quotas.rules, cost, now=now)
        return Verdict(took, _standings(readings))

    def charge(self, key: str, quotas: Quotas, cost: int) -> Verdict:
        """Take what became known only afterwards, or give some back."""
        now = int(self._time() * SECOND)
        readings, _ = self._take(key, quotas.rules, cost, now=now, always=True)
        return Verdict(True, _standings(readings))


def _standings(readings: Sequence[Reading]) -> list[Standing]:
    return [Standing(left, reset / SECOND, retry / SECOND) for left, reset, retry in readings]
