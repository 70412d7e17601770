"""`python -m benchmarks.cache_suite`: run the suite against a cache, print what does not hold, record it on request."""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cache_suite.fronts import FRONTS
from benchmarks.cache_suite.package import Package
from benchmarks.cache_suite.page import Run, as_json, page, summary
from benchmarks.processes import Address, StartError, end_on_sigterm, ending

DOCS = Path(__file__).parent.parent.parent / "docs"


def main() -> int:
    """Exit code 0 when no required test failed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache_suite", description=__doc__)
    parser.add_argument("--front", choices=FRONTS, default="gateline", help="the cache (default: gateline)")
    parser.add_argument("--test", metavar="ID", help="run one test and print what was asked and answered")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes to this file")
    parser.add_argument("--record", action="store_true", help="run against all, and keep it in the documentation")
    options = parser.parse_args()
    end_on_sigterm()
    try:
        package = Package()
        if options.test:
            with _front(options.front, package) as address:
                print(package.run(address, options.test))
            return 0
        run = _run(options.front, package)
        others = [_run(name, package) for name in FRONTS if name != options.front] if options.record else []
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(run))
    record = json.dumps(as_json(run), indent=1, sort_keys=True) + "\n"
    if options.json:
        options.json.write_text(record, "utf-8")
    if options.record:
        (DOCS / "performance" / "cache-conformance.json").write_text(record, "utf-8")
        (DOCS / "cache-conformance.md").write_text(page(run, others), "utf-8")
    return 1 if run.failures("required") else 0


def _run(name: str, package: Package) -> Run:
    front = FRONTS[name]
    with _front(name, package) as address:
        return Run(f"{front.name} {front.version()}", package.suite(), package.outcomes(address))


@contextlib.contextmanager
def _front(name: str, package: Package) -> Iterator[Address]:
    """The cache before the suite's origin, both ended with the block."""
    with tempfile.TemporaryDirectory(prefix="gateline-cache-suite-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        origin, origin_address = package.start_origin(folder)
        stack.enter_context(ending(origin))
        server, address = FRONTS[name].start(origin_address, folder)
        stack.enter_context(ending(server))
        yield address


if __name__ == "__main__":
    sys.exit(main())
