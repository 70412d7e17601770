"""`python -m benchmarks.soak NAME...`: run acceptance checks one after another, print numbers and verdicts."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.page import write_page
from benchmarks.processes import StartError, end_on_sigterm
from benchmarks.soak import (
    active_checks,
    bad_targets,
    circuit,
    distribution,
    idle_memory,
    kill_worker,
    large_bodies,
    large_store,
    limits_accuracy,
    redis_leases,
    reloads,
    swap_10000,
    upstreams_5000,
)
from benchmarks.soak.verdict import Verdict, write_verdict

CHECKS: dict[str, Callable[[], Awaitable[Verdict]]] = {
    "active_checks": active_checks.check,
    "bad_targets": bad_targets.check,
    "circuit": circuit.check,
    "distribution": distribution.check,
    "idle_memory": idle_memory.check,
    "kill_worker": kill_worker.check,
    "large_bodies": large_bodies.check,
    "large_store": large_store.check,
    "limits_accuracy": limits_accuracy.check,
    "redis_leases": redis_leases.check,
    "reloads": reloads.check,
    "swap_10000": swap_10000.check,
    "upstreams_5000": upstreams_5000.check,
}
DOCS = Path(__file__).parent.parent.parent / "docs"


def main() -> int:
    """Exit code 0 when every check passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Acceptance checks under load.")
    parser.add_argument("checks", nargs="*", metavar="NAME", help=f"{', '.join(CHECKS)}; all of them without a name")
    parser.add_argument("--record", action="store_true", help="keep the verdicts in the documentation")
    options = parser.parse_args()
    if unknown := set(options.checks) - set(CHECKS):
        parser.error(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    end_on_sigterm()
    passed = True
    for name in options.checks or CHECKS:
        verdict = _verdict(name)
        print(verdict.text(), flush=True)
        passed = passed and not verdict.failures
        if options.record:
            write_verdict(verdict, DOCS / "performance")
    if options.record:
        write_page(DOCS)
    return 0 if passed else 1


def _verdict(name: str) -> Verdict:
    try:
        return asyncio.run(_awaited(CHECKS[name]()))
    except (StartError, OSError, TimeoutError) as error:
        verdict = Verdict(name)
        verdict.hold("the check can run", held=False, found=f"{type(error).__name__}: {error}")
        return verdict


async def _awaited(verdict: Awaitable[Verdict]) -> Verdict:
    return await verdict


if __name__ == "__main__":
    sys.exit(main())
