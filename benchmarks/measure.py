"""The measurement: all contestants run at once, one is loaded at a time, in changing order, for several rounds.

Interleaving makes the ratios robust: whatever the machine does in a round (frequency, neighbours) hits everyone, so a
ratio is taken within a round and the median over rounds is reported.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from benchmarks.load import LoadError, run_wrk
from benchmarks.processes import Cores, StartError, cpu_seconds, ending
from benchmarks.proxies import PREFIX, RunningProxy
from benchmarks.scenarios import Scenario
from benchmarks.upstream import start_upstream
from benchmarks.verify import faults


@dataclass(frozen=True, slots=True)
class Pace:
    """How long: rounds, seconds for each measurement and for the warm-up before it."""

    rounds: int
    seconds: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one contestant."""

    name: str
    cpu_us: float  # CPU time of the workers per completed request
    rps: float
    p50_us: int
    p99_us: int
    failures: int
    worker_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One contestant over all rounds: medians, and the ratio of its CPU time to the reference in the same round."""

    name: str
    version: str
    ratio: float | None  # None when the reference is not among those measured
    cpu_us: float
    rps: float
    p50_us: float
    p99_us: float
    failures: int
    worker_bytes: int
    total_bytes: int
    added_us: float | None = None
    """CPU time that a request costs more than one of the reference in the same round."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a run found: the samples of each round, and who was left out and why."""

    versions: dict[str, str]
    rounds: tuple[tuple[Sample, ...], ...]
    left_out: dict[str, str]


def measure(scenario: Scenario, pace: Pace, cores: Cores) -> Outcome:
    """Start the upstream and the contestants, check their work, and measure them round by round."""
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="gateline-bench-") as name:
        folder = Path(name)
        upstream, address = start_upstream(folder, cores.load, sorted({PREFIX, scenario.load.prefix}))
        with ending(upstream), contextlib.ExitStack() as stack:
            running: dict[str, RunningProxy] = {}
            versions: dict[str, str] = {}
            for contestant, proxy in scenario.contestants.items():
                try:
                    versions[contestant] = proxy.version()
                    started = proxy.start(address, folder, cores.proxy)
                except StartError as error:
                    left_out[contestant] = str(error)
                    continue
                stack.enter_context(ending(started.server))
                if wrong := faults(started.address, scenario.load):
                    left_out[contestant] = "; ".join(wrong)
                    continue
                running[contestant] = started
            for contestant, reason in left_out.items():
                _say(f"left out: {contestant}: {reason}")
            rounds = tuple(_rounds(scenario, pace, cores, folder, running, left_out))
    return Outcome(versions, rounds, left_out)


def _rounds(
    scenario: Scenario,
    pace: Pace,
    cores: Cores,
    folder: Path,
    running: dict[str, RunningProxy],
    left_out: dict[str, str],
) -> Iterator[tuple[Sample, ...]]:
    for number in range(pace.rounds):
        samples = []
        beside = scenario.reference if scenario.added else None
        for name in _order(list(running), number, beside):
            if name not in running:
                continue
            try:
                sample = _sample(name, scenario, pace, cores, folder, running[name])
            except (LoadError, OSError) as error:
                # It died or hangs: the others' rounds go on without it.
                left_out[name] = f"in round {number + 1}: {error}"
                _say(f"left out: {name}: {left_out[name]}")
                del running[name]
                continue
            _say(f"round {number + 1}/{pace.rounds} {name:14} {sample.cpu_us:7.1f} µs {sample.rps:8.0f} requests/s")
            samples.append(sample)
        yield tuple(samples)


def _order(names: Sequence[str], number: int, beside: str | None) -> list[str]:
    """Another one begins in each round, and every other round goes backwards: no one always follows the same one.

    With `beside`, that one comes before and after each other one.
    """
    others = [name for name in names if name != beside]
    shift = number % max(len(others), 1)
    turned = [*others[shift:], *others[:shift]]
    order = turned if number % 2 == 0 else turned[::-1]
    if beside is None or beside not in names:
        return order
    return [beside, *(name for other in order for name in (other, beside))]


def _sample(name: str, scenario: Scenario, pace: Pace, cores: Cores, folder: Path, proxy: RunningProxy) -> Sample:
    if pace.warm_up:
        run_wrk(scenario.load, proxy.address, pace.warm_up, folder, cores.load)
    before = cpu_seconds(proxy.workers)
    seen = run_wrk(scenario.load, proxy.address, pace.seconds, folder, cores.load)
    used = cpu_seconds(proxy.workers) - before
    if not seen.requests:
        raise LoadError("no request was answered")
    return Sample(
        name=name,
        cpu_us=used / seen.requests * 1e6,
        rps=seen.requests / seen.seconds,
        p50_us=seen.p50_us,
        p99_us=seen.p99_us,
        failures=seen.failures,
        worker_bytes=proxy.worker_memory(),
        total_bytes=proxy.total_memory(),
    )


def summarise(outcome: Outcome, reference: str) -> list[Summary]:
    """A summary for each contestant that was measured in every round, the cheapest first."""
    by_name: dict[str, list[tuple[Sample, float | None]]] = {}
    for samples in outcome.rounds:
        for place, sample in enumerate(samples):
            by_name.setdefault(sample.name, []).append((sample, _reference_us(samples, place, reference)))
    summaries = [
        _summary(found, outcome.versions[name]) for name, found in by_name.items() if name not in outcome.left_out
    ]
    return sorted(summaries, key=lambda summary: summary.cpu_us)


def _reference_us(samples: Sequence[Sample], place: int, reference: str) -> float | None:
    """What the reference cost in the same round: the mean of the nearest before and after, or of what there is."""
    if samples[place].name == reference:
        return samples[place].cpu_us
    before = [sample.cpu_us for sample in samples[:place] if sample.name == reference][-1:]
    after = [sample.cpu_us for sample in samples[place:] if sample.name == reference][:1]
    return fmean([*before, *after]) if before or after else None


def _summary(found: Sequence[tuple[Sample, float | None]], version: str) -> Summary:
    samples = [sample for sample, _ in found]
    compared = [(sample.cpu_us, other) for sample, other in found if other is not None]
    complete = len(compared) == len(samples)
    return Summary(
        name=samples[0].name,
        version=version,
        ratio=median(own / other for own, other in compared) if complete else None,
        cpu_us=median(sample.cpu_us for sample in samples),
        rps=median(sample.rps for sample in samples),
        p50_us=median(sample.p50_us for sample in samples),
        p99_us=median(sample.p99_us for sample in samples),
        failures=sum(sample.failures for sample in samples),
        worker_bytes=samples[-1].worker_bytes,
        total_bytes=samples[-1].total_bytes,
        added_us=median(own - other for own, other in compared) if complete else None,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
