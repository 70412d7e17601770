"""What all processes of a node have counted, added up: read from their sheets, which no process has to be asked for.

A node may have very many series, so whatever goes through all of them lets others have a turn (`turns`).
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from gateline.telemetry.families import Family
from gateline.telemetry.sheets import MetricLine, SeriesLine, SheetView, views

__all__ = ["SLICE", "NodeSheets", "Turns"]

logger = logging.getLogger(__name__)

SLICE = 0.002
"""Seconds after which others get their turn."""


class Turns:
    """Long work, cut into slices between which the loop does other things."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = monotonic()

    @property
    def due(self) -> bool:
        """Whether it is others' turn."""
        return monotonic() - self._since >= SLICE

    async def pause(self) -> None:
        """Let others have it."""
        await asyncio.sleep(0)
        self._since = monotonic()


class _Sum:
    """A metric of the node: its series, and where they have their numbers. There may be very many: texts and numbers in
    dictionaries are nothing that the garbage collector has to look through."""

    def __init__(self, line: MetricLine) -> None:
        self.line = line
        self.labels: dict[str, None] = {}
        self._parts: list[tuple[SheetView, dict[str, int]]] = []
        """By sheet, the cell of each series."""

    def part(self, view: SheetView) -> "_Part":
        """The part of a sheet, to which its series are added."""
        cells: dict[str, int] = {}
        self._parts.append((view, cells))
        return _Part(self.labels, cells)

    def series(self) -> Iterator[tuple[str, Sequence[float]]]:
        """Labels and numbers, of those that there are now."""
        width = self.line.width
        gauge = self.line.kind == "gauge"
        for labels in list(self.labels):
            places = [(view, cells[labels]) for view, cells in self._parts if labels in cells]
            if gauge:
                alive = [view.cells[cell] for view, cell in places if view.alive]
                if alive:
                    yield labels, (max(alive) if self.line.largest else sum(alive),)
            elif width == 1:
                yield labels, (sum([view.cells[cell] for view, cell in places]),)
            else:
                rows = [view.cells[cell : cell + width].tolist() for view, cell in places]
                yield labels, rows[0] if len(rows) == 1 else [sum(column) for column in zip(*rows, strict=True)]


class _Part(NamedTuple):
    labels: dict[str, None]
    cells: dict[str, int]


class NodeSheets:
    """The sheets in a folder; without one there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: set[str] = set()
        self._views: list[tuple[SheetView, list[_Part]]] = []
        self._sums: dict[tuple[str, str, tuple[float, ...]], _Sum] = {}
        self._one = asyncio.Lock()

    async def families(self) -> list[Family]:
        """The metrics of the node, with the numbers that they have when they are read. Gauges are added up too,
        or the largest is taken.

        Of metrics that have a name in common and differ in kind or buckets, as after a change of a plugin's code, the
        newest is given.
        """
        async with self._one:
            await self._look_again()
        newest = {one.line.name: one for one in self._sums.values()}
        return [
            Family(one.line.kind, one.line.name, one.line.description, one.line.bounds, one.series())
            for one in newest.values()
        ]

    async def _look_again(self) -> None:
        if self._folder is not None:
            self._views += [(view, list[_Part]()) for view in views(self._folder, self._known)]
        turns = Turns()
        for view, parts in self._views:
            for entry in view.refresh():
                self._take(view, parts, entry)
                if turns.due:
                    await turns.pause()

    def _take(self, view: SheetView, parts: list[_Part], entry: MetricLine | SeriesLine) -> None:
        if isinstance(entry, SeriesLine):
            part = parts[entry.metric]
            part.labels.setdefault(entry.labels)
            part.cells[entry.labels] = entry.cell
            return
        key = (entry.kind, entry.name, entry.bounds)
        known = self._sums.get(key)
        if known is None:
            known = self._sums[key] = _Sum(entry)
        parts.append(known.part(view))

    def close(self) -> None:
        """Let go of the sheets."""
        for view, _ in self._views:
            view.close()
        self._views.clear()
