"""`python -m benchmarks`: run one scenario (or all), print the table, write the record, the chart and the page."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import facts
from benchmarks.measure import Pace, measure
from benchmarks.page import write_page
from benchmarks.processes import StartError, choose_cores, end_on_sigterm
from benchmarks.report import report, table
from benchmarks.scenarios import SCENARIOS, Scenario

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Exit code 0 when every bar of the scenario is held, 1 when one is missed, 2 when nothing could run."""
    options = _options()
    end_on_sigterm()
    pace = Pace(options.rounds, options.seconds, options.warm_up)
    held = True
    try:
        for name in list(SCENARIOS) if options.scenario == "all" else [options.scenario]:
            held = _run(name, pace, options.only, options.json) and held
    except StartError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0 if held else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Gateline beside other proxies, equal work."
    )
    parser.add_argument("--scenario", choices=[*SCENARIOS, "all"], default="plain")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="of each measurement")
    parser.add_argument("--warm-up", type=int, default=1, metavar="N", help="seconds of load before each measurement")
    parser.add_argument("--only", metavar="NAME,NAME", help="measure these contestants alone; writes no documentation")
    parser.add_argument(
        "--json", type=Path, metavar="PATH", help="write the record there instead of into the documentation"
    )
    return parser.parse_args()


def _run(name: str, pace: Pace, only: str | None, path: Path | None) -> bool:
    scenario = _only(SCENARIOS[name](), only) if only else SCENARIOS[name]()
    outcome = measure(scenario, pace, choose_cores())
    if not any(outcome.rounds):
        raise StartError("no contestant could be measured")
    found = report(name, scenario, pace, outcome, facts())
    print(f"\n{found.title}\n\n{table(found)}")
    if path:
        path.write_text(found.to_json())
    elif not only:
        records = DOCS / "performance"
        records.mkdir(parents=True, exist_ok=True)
        (records / f"scenario-{name}.json").write_text(found.to_json())
        write_page(DOCS)
    return all(bar.held for bar in found.bars)


def _only(scenario: Scenario, names: str) -> Scenario:
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in scenario.contestants]:
        raise StartError(f"{', '.join(unknown)}: not in this scenario; there are {', '.join(scenario.contestants)}")
    contestants = {name: proxy for name, proxy in scenario.contestants.items() if name in wanted}
    bars = tuple(bar for bar in scenario.bars if bar.name in wanted and bar.to in wanted)
    return replace(scenario, contestants=contestants, bars=bars)


if __name__ == "__main__":
    sys.exit(main())
