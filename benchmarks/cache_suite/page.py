"""A run of the suite as text: a summary for the terminal, JSON, and the page of the documentation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cache_suite.package import NAME, VERSION
from benchmarks.cache_suite.reasons import REASONS
from benchmarks.cache_suite.results import Outcome, Suite, Test, Verdict


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite against a cache."""

    cache: str
    """Its name and version."""
    suite: Suite
    outcomes: Mapping[str, Outcome]

    def failures(self, kind: str) -> list[Test]:
        """The tests of a kind that failed, rather than said nothing."""
        return [test for test, verdict in self._judged(kind) if verdict is Verdict.FAILED]

    def missed(self, kind: str) -> list[tuple[Test, Verdict]]:
        """The tests of a kind that were not passed, and what they came to."""
        return [(test, verdict) for test, verdict in self._judged(kind) if verdict is not Verdict.PASSED]

    def answers(self, kind: str) -> list[tuple[Test, Verdict]]:
        """All tests of a kind and what they came to."""
        return self._judged(kind)

    def _judged(self, kind: str) -> list[tuple[Test, Verdict]]:
        verdicts = self.suite.verdicts(self.outcomes)
        return [(test, verdicts[test.id]) for test in self.suite.tests if test.kind == kind]


def summary(run: Run) -> str:
    """What came of each kind, and the tests of the first two that were not passed."""
    lines = [f"{run.cache}, {NAME} {VERSION}"]
    for kind, counts in run.suite.tally(run.outcomes).items():
        parts = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.most_common())
        lines.append(f"{kind}: {counts.total()} tests, {parts}")
    for kind in ("required", "optimal"):
        for test, verdict in run.missed(kind):
            lines.append(f"{kind} {verdict.name.lower()} {test.id}: {_said(run, test)}")
    return "\n".join(lines)


def as_json(run: Run) -> dict[str, object]:
    """The counts, and the verdict of each test with what the suite said."""
    verdicts = run.suite.verdicts(run.outcomes)
    return {
        "suite": f"{NAME} {VERSION}",
        "cache": run.cache,
        "counts": {
            kind: {verdict.name.lower(): count for verdict, count in counts.items()}
            for kind, counts in run.suite.tally(run.outcomes).items()
        },
        "tests": {
            test.id: {"kind": test.kind, "verdict": verdicts[test.id].name.lower(), "said": _said(run, test)}
            for test in run.suite.tests
        },
    }


def page(run: Run, others: Sequence[Run]) -> str:
    """The page of the documentation, with what came of the same suite against others."""
    rows = [_row(f"**{run.cache}**", run.suite.tally(run.outcomes))]
    rows += [_row(other.cache, other.suite.tally(other.outcomes)) for other in others]
    rows += [_row(f"{name} (published)", run.suite.tally(found)) for name, found in run.suite.published.items()]
    return _PAGE.format(
        name=NAME,
        version=VERSION,
        rows="\n".join(rows),
        required=_missed(run, "required"),
        optimal=_missed(run, "optimal"),
        checks="\n".join(
            f"| {_escaped(test.name)} | {_ANSWERS.get(verdict, verdict.value)} |"
            for test, verdict in run.answers("check")
        ),
    )


_ANSWERS = {Verdict.PASSED: "yes", Verdict.FAILED: "no"}


def _row(name: str, tally: Mapping[str, Counter[Verdict]]) -> str:
    required, optimal = tally["required"], tally["optimal"]
    cells = [
        name,
        f"{required[Verdict.PASSED]} of {required.total()}",
        str(required[Verdict.FAILED]),
        str(required.total() - required[Verdict.PASSED] - required[Verdict.FAILED]),
        f"{optimal[Verdict.PASSED]} of {optimal.total()}",
    ]
    return f"| {' | '.join(cells)} |"


def _missed(run: Run, kind: str) -> str:
    missed = run.missed(kind)
    if not missed:
        return "None.\n"
    lines = ["| test | what it wants | came to | why |", "|---|---|---|---|"]
    for test, verdict in missed:
        why = REASONS.get(test.id) or _said(run, test)
        lines.append(f"| `{test.id}` | {_escaped(test.name)} | {verdict.value} | {_escaped(why)} |")
    return "\n".join(lines) + "\n"


def _said(run: Run, test: Test) -> str:
    outcome = run.outcomes.get(test.id)
    return outcome.text if outcome else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


_PAGE = """\
# Conformance of the cache

`proxy-cache` with `cache_control: true` under the published conformance suite of HTTP caches, the npm package
`{name}` {version}, which stands behind cache-tests.fyi. This page is written by
`python -m benchmarks.cache_suite --record`: it installs the suite, starts its origin server and Gateline before it,
all on loopback, and judges as the suite's own page does.

A *required* test that fails is something that the specifications forbid, an *optimal* one something that could be
cached and is not, a *check* a question with no wrong answer. A test says nothing where one that it depends on does not
hold, or where the cache never came into the state that it is about.

| cache | required passed | failed | said nothing | optimal passed |
|---|---|---|---|---|
{rows}

The first row is Gateline with `response_code` for all statuses, `content_type` `*/*` and `share_public`, so that RFC
9111 alone decides; the second with the plugin's defaults, which are Kong's and keep but a few statuses. *Published*
rows are the outcomes that the package brings, of older releases, with the configurations that its authors chose (nginx
here has the same); some tests are newer than they are.

Where this version of the suite and RFC 9111 part ways, Gateline goes with the suite twice. An `Age` that cannot be
read, or that comes several times, makes an answer stale; the RFC would have it overlooked or its first value taken, and
so do later tests of the suite's authors. A 304 with another `ETag` than the one asked about makes the stored answer
fresh; the RFC would have it change nothing, but servers that compress send such. See
[Caching as RFC 9111 has it](caching-rules.md).

## Required tests that are not passed

{required}
## Optimal tests that are not passed

{optimal}
## Checks

| question | answer |
|---|---|
{checks}
"""
