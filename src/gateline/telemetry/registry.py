"""The metrics of one process: handles that count at the cost of a store, by metric and labels.

A handle (`Series`) knows its place in the process's sheet; who counts at each request keeps it. Labels are looked up
otherwise, which costs more. The number of series is bounded, whatever clients send: what comes when there are too many
is counted together, in a series of its own whose labels are empty, and counted in `kong_nginx_metric_errors_total`.
"""

from array import array
from math import isfinite

from gateline.sharedstate import SharedStateError
from gateline.telemetry.families import Kind
from gateline.telemetry.labels import check_labels, check_name, label_text
from gateline.telemetry.sheets import CHUNK, MetricLine, SeriesLine, Sheet, entries

__all__ = ["METRICS_LIMIT", "SERIES_LIMIT", "Metric", "Registry", "Series"]

SERIES_LIMIT = 100_000
"""Combinations of labels of one metric, in one process."""

METRICS_LIMIT = 2000

_BOUNDS_LIMIT = 200
_REMEMBERED = 4096
"""Combinations of labels that a metric finds by the arguments of `add`; when there are more, all are forgotten."""

_ERRORS = "kong_nginx_metric_errors_total"


class Numbers:
    """Numbers side by side: a chunk of cells, or a histogram's bounds."""

    __slots__ = ("at",)

    def __init__(self, at: "memoryview[float]") -> None:
        self.at = at


class Series:
    """One metric with one combination of labels; see `gateline.pdk.node.Series`."""

    __slots__ = ("_bounds", "_cells", "_count", "_kind", "_place")

    def __init__(self, kind: str, cells: Numbers, place: int, bounds: Numbers | None, count: int) -> None:
        """`count` is the number of the bounds, which are None but for a histogram."""
        self._kind = kind
        self._cells = cells
        self._place = place
        self._bounds = bounds
        self._count = count

    def add(self, value: float = 1.0) -> None:
        """Add to a counter or gauge, or observe a value."""
        bounds = self._bounds
        if bounds is None:
            if value < 0 and self._kind == "counter":
                raise ValueError("a counter only grows")
            self._cells.at[self._place] += value
            return
        low = 0
        high = self._count
        while low < high:
            middle = (low + high) >> 1
            if bounds.at[middle] < value:
                low = middle + 1
            else:
                high = middle
        self._cells.at[self._place + low] += 1.0
        self._cells.at[self._place + self._count + 1] += value

    def set(self, value: float) -> None:
        """Set a gauge."""
        if self._kind != "gauge":
            raise ValueError(f"a {self._kind} cannot be set")
        self._cells.at[self._place] = value

    @property
    def value(self) -> float:
        """The number; of a histogram, how many values were observed."""
        first = self._place
        width = 1 if self._bounds is None else self._count + 1
        return sum([self._cells.at[place] for place in range(first, first + width)])


class Metric:
    """One metric; see `gateline.pdk.node.Metric`."""

    def __init__(self, registry: "Registry", number: int, line: MetricLine, names: tuple[str, ...]) -> None:
        self.kind = line.kind
        self.line = line
        self._registry = registry
        self._number = number
        self._width = line.width
        self._names = names
        self._bounds: Numbers | None = None
        if line.kind == "histogram":
            self._bounds = Numbers(memoryview(array("d", line.bounds)))
        self._series: dict[str, Series] = {}
        """By labels as they are written."""
        self._known: dict[tuple[tuple[str, str], ...], Series] = {}
        """By the arguments of `labels`."""

    def add(self, value: float = 1.0, /, **labels: str) -> None:
        """Add to a counter or gauge, or observe a value."""
        key = tuple(labels.items())
        series = self._known.get(key)
        if series is None:
            series = self._found(key, labels)
        series.add(value)

    def set(self, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self.labels(**labels).set(value)

    def labels(self, **labels: str) -> Series:
        """The handle of one combination of labels."""
        key = tuple(labels.items())
        series = self._known.get(key)
        return self._found(key, labels) if series is None else series

    def values(self) -> dict[str, float]:
        """What this process has counted, by labels as they are written; of a histogram, how many values."""
        return {text: series.value for text, series in self._series.items()}

    def adopt(self, labels: str, cell: int) -> None:
        """Count on in a series that another process has left."""
        self._series[labels] = self._registry.series(self, cell)

    def _found(self, key: tuple[tuple[str, str], ...], labels: dict[str, str]) -> Series:
        ordered = self._ordered(labels)
        text = label_text(ordered)
        series = self._series.get(text)
        if series is None:
            series = self._made(text)
        if series is None:
            return self._overflow()
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = series
        return series

    def _ordered(self, labels: dict[str, str]) -> dict[str, str]:
        """The labels in the order in which they are shown. Raises ValueError for one that the metric does not have."""
        if self._names:
            if not labels.keys() <= set(self._names):
                raise ValueError(f"{self.line.name} has the labels {', '.join(self._names)}, not {', '.join(labels)}")
            return {name: labels.get(name, "") for name in self._names}
        check_labels(tuple(labels))
        return dict(sorted(labels.items()))

    def _made(self, text: str) -> Series | None:
        """A new series; None when there are too many, or there is no room."""
        if len(self._series) >= SERIES_LIMIT:
            return None
        try:
            cell = self._registry.sheet.write_series(self._number, self._width, text)
        except SharedStateError:
            return None
        series = self._series[text] = self._registry.series(self, cell)
        return series

    def _overflow(self) -> Series:
        """The series of all that is too much."""
        self._registry.errors.add()
        text = label_text(dict.fromkeys(self._names, ""))
        series = self._series.get(text)
        if series is None:
            try:
                series = self._registry.series(self, self._registry.sheet.write_series(self._number, self._width, text))
            except SharedStateError:
                series = self.at(Numbers(memoryview(array("d", [0.0] * self._width))), 0)
            self._series[text] = series
        return series

    def at(self, cells: Numbers, place: int) -> Series:
        """A series at a place."""
        return Series(self.kind, cells, place, self._bounds, len(self.line.bounds))


class Registry:
    """All metrics of a process, on its sheet; without one, on one that nobody else sees."""

    def __init__(self, sheet: Sheet | None = None) -> None:
        self.sheet = sheet or Sheet(None)
        self.metrics: dict[str, Metric] = {}
        self._chunks: list[Numbers] = []
        self._numbered = 0
        self._left: dict[MetricLine, tuple[int, list[SeriesLine]]] = {}
        """What was on the sheet: by metric, its number and its series."""
        self._take_over()
        errors = self.metric("counter", _ERRORS, "Counts that were not kept apart, as there were too many series.")
        self.errors = errors.labels()

    def metric(
        self,
        kind: Kind,
        name: str,
        description: str,
        buckets: tuple[float, ...] = (),
        labels: tuple[str, ...] = (),
        *,
        largest: bool = False,
    ) -> Metric:
        """The metric of that name, made when it is asked for first.

        `labels` are the names of its labels, in the order in which they are shown; without, any are taken. `largest`:
        see `MetricLine`. Raises ValueError where it is of another kind, or has a name or bounds that it cannot have.
        """
        known = self.metrics.get(name)
        if known is None:
            bounds = tuple(sorted({float(bound) for bound in buckets})) if kind == "histogram" else ()
            known = self.metrics[name] = self._made(MetricLine(kind, name, description, bounds, largest), labels)
        if known.kind != kind:
            raise ValueError(f"the metric {name} is a {known.kind}, not a {kind}")
        return known

    def series(self, metric: Metric, cell: int) -> Series:
        """The series of a metric at a cell of the sheet."""
        chunks = self.sheet.chunks
        while len(self._chunks) < len(chunks):
            self._chunks.append(Numbers(chunks[len(self._chunks)]))
        return metric.at(self._chunks[cell // CHUNK], cell % CHUNK)

    def _made(self, line: MetricLine, labels: tuple[str, ...]) -> Metric:
        check_name(line.name)
        check_labels(labels)
        if len(line.bounds) > _BOUNDS_LIMIT or not all(isfinite(bound) for bound in line.bounds):
            raise ValueError(f"the metric {line.name} cannot have these buckets")
        if len(self.metrics) >= METRICS_LIMIT:
            raise ValueError(f"no more than {METRICS_LIMIT} metrics can be kept")
        number, left = self._left.pop(line, (-1, []))
        if number < 0:
            number = self._write(line)
        metric = Metric(self, number, line, labels)
        for one in left:
            metric.adopt(one.labels, one.cell)
        return metric

    def _write(self, line: MetricLine) -> int:
        try:
            self.sheet.write_metric(line)
        except SharedStateError as error:
            raise ValueError(f"the metric {line.name} cannot be kept: {error}") from None
        self._numbered += 1
        return self._numbered - 1

    def _take_over(self) -> None:
        """Go on from what a process has left here; what it had at that moment (gauges) is nothing any more."""
        metrics: list[MetricLine] = []
        for entry in entries(self.sheet.lines):
            if isinstance(entry, MetricLine):
                self._left[entry] = (len(metrics), [])
                metrics.append(entry)
                continue
            line = metrics[entry.metric]
            self._left[line][1].append(entry)
            if line.kind == "gauge":
                self.sheet.chunks[entry.cell // CHUNK][entry.cell % CHUNK] = 0.0
        self._numbered = len(metrics)
        self.sheet.lines = b""
