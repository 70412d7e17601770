"""The metrics that plugins keep, in one worker: numbers by name and labels, to be read from time to time."""

import re
from bisect import bisect_left

__all__ = ["Metric", "Registry", "Sample"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SERIES_LIMIT = 10_000
"""Combinations of labels that a metric holds; further ones are counted together, under no labels."""

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]
"""A sample: the name with its ending, its labels, its value."""


class Metric:
    """One metric; see `gateline.pdk.node.Metric`."""

    def __init__(self, kind: str, name: str, description: str, buckets: tuple[float, ...] = ()) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name of a metric: {name!r}")
        self.kind = kind
        self.name = name
        self.description = description
        self.buckets = tuple(sorted(buckets))
        self._values: dict[Labels, float] = {}
        self._observed: dict[Labels, list[float]] = {}

    def add(self, value: float = 1.0, /, **labels: str) -> None:
        """Add to a counter or gauge, or observe a value."""
        if self.kind == "counter" and value < 0:
            raise ValueError("a counter only grows")
        key = self._key(labels)
        if self.kind == "histogram":
            counts = self._observed.setdefault(key, [0.0] * (len(self.buckets) + 1))
            counts[bisect_left(self.buckets, value)] += 1
        self._values[key] = self._values.get(key, 0.0) + value

    def set(self, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        if self.kind != "gauge":
            raise ValueError(f"a {self.kind} cannot be set")
        self._values[self._key(labels)] = value

    def samples(self) -> list[Sample]:
        """Its values in the form of Prometheus' samples."""
        if self.kind != "histogram":
            return [(self.name, labels, value) for labels, value in self._values.items()]
        found: list[Sample] = []
        for labels, counts in self._observed.items():
            total = 0.0
            for bound, count in zip((*map(str, self.buckets), "+Inf"), counts, strict=True):
                total += count
                found.append((f"{self.name}_bucket", (*labels, ("le", bound)), total))
            found += [(f"{self.name}_sum", labels, self._values[labels]), (f"{self.name}_count", labels, total)]
        return found

    def _key(self, labels: dict[str, str]) -> Labels:
        key = tuple(sorted(labels.items())) if len(labels) > 1 else tuple(labels.items())
        return key if key in self._values or len(self._values) < SERIES_LIMIT else ()


class Registry:
    """All metrics of the plugins of a worker."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}

    def metric(self, kind: str, name: str, description: str, buckets: tuple[float, ...] = ()) -> Metric:
        """The metric of that name, made when it is asked for first. ValueError where it is of another kind."""
        known = self.metrics.get(name)
        if known is None:
            known = self.metrics[name] = Metric(kind, name, description, buckets)
        if known.kind != kind:
            raise ValueError(f"the metric {name} is a {known.kind}, not a {kind}")
        return known
