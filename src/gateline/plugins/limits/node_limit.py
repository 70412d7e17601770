"""A limit in windows of time that the node counts itself, in the counters that its workers share."""

from gateline.pdk import ErrorResponse, Exchange, Node
from gateline.plugins.limits.subjects import Subject
from gateline.plugins.limits.telling import Telling
from gateline.plugins.limits.windows import Windows

__all__ = ["NodeLimit"]


class NodeLimit:
    """Counts requests, by subject, in keys that begin with `prefix`."""

    __slots__ = ("_count", "_prefix", "_subject", "_telling", "_time", "_windows")

    def __init__(self, node: Node, windows: Windows, subject: Subject, prefix: str, telling: Telling) -> None:
        self._count = node.counters.count
        self._time = node.time
        self._windows = windows
        self._subject = subject
        self._prefix = prefix
        self._telling = telling

    def access(self, exchange: Exchange) -> ErrorResponse | None:
        """Count a request, or refuse it."""
        windows = self._windows
        windows.at(self._time())
        values, counted = self._count(self._prefix + self._subject(exchange), windows.counted, windows.ttl)
        return self._telling.told(exchange, values, windows.resets, counted)
