"""`docs/performance.md` and the charts: a pure function of the records in `docs/performance/`, so that every run of one
scenario or one check renews its part and keeps the others.
"""

from pathlib import Path

from benchmarks.chart import chart
from benchmarks.report import Report, read_all, table
from benchmarks.soak.verdict import read_verdicts, verdict_table

_INTRODUCTION = """# Performance

Every number here comes from `benchmarks/` and can be had again with `make bench`. This page is written by that command.

## How it is measured
- One worker each, pinned to one core; the load generator (wrk, one thread, 64 keep-alive connections) and the upstream
  (nginx, a 48-byte JSON from memory) on another.
- Each request carries 13 headers as a browser sends them (a bearer token, cookies, a trace context). Each proxy matches
  one host and one path prefix, keeps connections open on both sides, sets the forwarded headers that it sets by default
  (nginx is told to), and writes no access log.
- Before it is measured, each proxy has to prove its work: the right answer, the client's headers and the forwarded ones
  at the upstream, the upstream connection reused.
- All proxies run at once; one is loaded at a time, in another order in each round. A ratio is taken within a round, the
  median over the rounds is shown. Where it is about a few microseconds, the reference is measured before and after each
  other one, and the difference is to the mean of the two. CPU time is user and system time of the processes that carry
  requests, divided by the requests completed.
- *worker MiB* is the resident memory of the worker; *all MiB* is the memory of all processes of the product (Gateline's
  supervisor and control process included), shared pages counted once.
"""


def write_page(docs: Path) -> None:
    """Write `performance.md` and the charts from the records in `docs/performance/`."""
    records = docs / "performance"
    parts = [_INTRODUCTION]
    for found in read_all(records):
        (records / f"{found.name}.svg").write_text(chart(found))
        parts.append(_section(found))
    if verdicts := read_verdicts(records):
        parts.append(f"## Acceptance checks\n`python -m benchmarks.soak NAME`\n\n{verdict_table(verdicts)}")
    (docs / "performance.md").write_text("\n".join(parts))


def _section(found: Report) -> str:
    machine = found.machine
    where = (
        f"{found.day}; {machine['cpu']}, {machine['cores']} cores, {machine['memory']}, {machine['kernel']}, "
        f"{machine['python']}, {machine['load']}; {found.pace['rounds']} rounds of {found.pace['seconds']} s"
    )
    picture = f"![{found.title}](performance/{found.name}.svg)"
    return (
        f"## {found.title}\n`python -m benchmarks --scenario {found.name}`\n\n{picture}\n\n{table(found)}\n{where}.\n"
    )
