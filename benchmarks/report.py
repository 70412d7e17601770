"""What a run found, as JSON (the record), as a Markdown table (for people) and held against the bars."""

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Outcome, Pace, Summary, summarise
from benchmarks.scenarios import AddedBar, Bar, Scenario


@dataclass(frozen=True, slots=True)
class BarResult:
    """A bar and what was measured; `found` is None when one of the two was not measured."""

    text: str
    found: float | None
    held: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run."""

    name: str
    title: str
    reference: str
    day: str
    machine: dict[str, str]
    pace: dict[str, int]
    summaries: tuple[Summary, ...]
    bars: tuple[BarResult, ...]
    left_out: dict[str, str]
    rounds: tuple[tuple[dict[str, Any], ...], ...]

    def to_json(self) -> str:
        """The record, for `from_json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Report:
    """A report read back from its record."""
    found = json.loads(text)
    return Report(
        **{
            **found,
            "summaries": tuple(Summary(**summary) for summary in found["summaries"]),
            "bars": tuple(BarResult(**bar) for bar in found["bars"]),
            "rounds": tuple(tuple(samples) for samples in found["rounds"]),
        }
    )


def read_all(folder: Path) -> list[Report]:
    """All records in `folder` that are scenario reports, by file name."""
    return [from_json(path.read_text()) for path in sorted(folder.glob("scenario-*.json"))]


def report(name: str, scenario: Scenario, pace: Pace, outcome: Outcome, machine: dict[str, str]) -> Report:
    """The report of a measured scenario."""
    summaries = tuple(summarise(outcome, scenario.reference))
    return Report(
        name=name,
        title=scenario.title,
        reference=scenario.reference,
        day=datetime.datetime.now(datetime.UTC).date().isoformat(),
        machine=machine,
        pace=asdict(pace),
        summaries=summaries,
        bars=tuple(_bar(bar, outcome) for bar in scenario.bars),
        left_out=outcome.left_out,
        rounds=tuple(tuple(asdict(sample) for sample in samples) for samples in outcome.rounds),
    )


def _bar(bar: Bar | AddedBar, outcome: Outcome) -> BarResult:
    summary = next((each for each in summarise(outcome, bar.to) if each.name == bar.name), None)
    if isinstance(bar, AddedBar):
        text = f"{bar.name} ≤ {bar.limit:g} µs more than {bar.to}"
        found = summary.added_us if summary else None
    else:
        text = f"{bar.name} ≤ {bar.limit:g} times {bar.to}"
        found = summary.ratio if summary else None
    return BarResult(text, found, found is not None and found <= bar.limit)


def table(found: Report) -> str:
    """The summaries as a Markdown table and the bars below it."""
    cost = f"CPU µs/request | to {found.reference} | more µs"
    lines = [
        f"| proxy | version | {cost} | requests/s | p50 ms | p99 ms | worker MiB | all MiB |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_row(summary) for summary in found.summaries),
    ]
    notes = [f"{each.name}: {each.failures} failed requests" for each in found.summaries if each.failures]
    notes += [f"left out: {name}: {reason.splitlines()[0]}" for name, reason in found.left_out.items()]
    notes += [_bar_line(bar) for bar in found.bars]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]).rstrip() + "\n"


def _row(summary: Summary) -> str:
    ratio = f"{summary.ratio:.2f}" if summary.ratio is not None else "-"
    cells = [
        summary.name,
        summary.version,
        f"{summary.cpu_us:.1f}",
        ratio,
        f"{summary.added_us:+.1f}" if summary.added_us is not None else "-",
        f"{summary.rps:,.0f}",
        f"{summary.p50_us / 1000:.2f}",
        f"{summary.p99_us / 1000:.2f}",
        f"{summary.worker_bytes / 2**20:.0f}",
        f"{summary.total_bytes / 2**20:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _bar_line(bar: BarResult) -> str:
    if bar.found is None:
        return f"{bar.text}: not measured"
    return f"{bar.text}: {bar.found:.2f} ({'held' if bar.held else 'MISSED'})"
