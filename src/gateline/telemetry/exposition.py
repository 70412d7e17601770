"""Metrics as text: Prometheus' format 0.0.4, or OpenMetrics 1.0.

Sources: Prometheus, "Exposition formats"; OpenMetrics, version 1.0.0. In OpenMetrics a counter's samples end in
`_total` while its name does not, and numbers of buckets are written as floats.
"""

import math
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from gateline.telemetry.families import Family
from gateline.telemetry.reading import Turns

__all__ = ["OPENMETRICS", "TEXT", "prefers_openmetrics", "written"]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PIECE = 64 * 1024
"""Characters that are sent together."""

_TOTAL = "_total"


def prefers_openmetrics(accept: str | None) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0 to plain text; with equal weights it does if it names it."""
    weights = {"openmetrics": 0.0, "text": 0.0}
    for part in (accept or "").lower().split(","):
        media_type, *parameters = (word.strip() for word in part.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        weight = _weight(named.get("q", "1"))
        if media_type == "application/openmetrics-text" and named.get("version", "1.0.0") in ("1.0.0", '"1.0.0"'):
            weights["openmetrics"] = max(weights["openmetrics"], weight)
        elif media_type == "text/plain":
            weights["text"] = max(weights["text"], weight)
    return weights["openmetrics"] > 0 and weights["openmetrics"] >= weights["text"]


async def written(families: Iterable[Family], *, openmetrics: bool) -> AsyncIterator[str]:
    """The text of metrics in pieces, for as many series as there are; those without a series are left out."""
    turns = Turns()
    piece: list[str] = []
    size = 0
    for family in families:
        for text in _family(family, openmetrics):
            piece.append(text)
            size += len(text)
            if size >= PIECE:
                yield "".join(piece)
                piece.clear()
                size = 0
            if turns.due:
                await turns.pause()
    if openmetrics:
        piece.append("# EOF\n")
    yield "".join(piece)


def _family(family: Family, openmetrics: bool) -> Iterator[str]:
    """Head, and text of each series."""
    name = family.name
    sample = name
    if openmetrics and family.kind == "counter":
        name = name.removesuffix(_TOTAL)
        sample = name + _TOTAL
    head = f"# HELP {name} {_help(family.description, openmetrics)}\n# TYPE {name} {family.kind}\n"
    bounds = [_bound(bound, openmetrics) for bound in (*family.bounds, math.inf)]
    for labels, numbers in family.series:
        if family.kind == "histogram":
            text = _histogram(name, labels, bounds, numbers)
        else:
            text = f"{sample}{{{labels}}} {_number(numbers[0])}\n" if labels else f"{sample} {_number(numbers[0])}\n"
        yield head + text
        head = ""


def _histogram(name: str, labels: str, bounds: Sequence[str], numbers: Sequence[float]) -> str:
    start = f'{name}_bucket{{{labels},le="' if labels else f'{name}_bucket{{le="'
    braces = f"{{{labels}}}" if labels else ""
    lines = []
    total = 0
    for bound, count in zip(bounds, numbers, strict=False):  # the last number is the sum
        total += int(count)
        lines.append(f'{start}{bound}"}} {total}\n')
    lines.append(f"{name}_sum{braces} {_number(numbers[-1])}\n{name}_count{braces} {total}\n")
    return "".join(lines)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _bound(bound: float, openmetrics: bool) -> str:
    return repr(bound) if openmetrics and math.isfinite(bound) else _number(bound)


def _help(text: str, openmetrics: bool) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if openmetrics else escaped


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
