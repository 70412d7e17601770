"""Outcomes of the suite's tests, judged as the suite's own page judges them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What a test says of a cache."""

    PASSED = "passed"
    """For a test of kind `check`: yes."""
    FAILED = "failed"
    """`required`: not as the specification says. `optimal`: not as well as could be. `check`: no."""
    DEPENDENCY = "depends on a test that does not hold"
    SETUP = "could not be set up"
    UNTESTED = "not run"


@dataclass(frozen=True, slots=True)
class Test:
    """A test of the suite."""

    id: str
    name: str
    group: str
    kind: str
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test; where it was not passed, whether its set-up failed, and what the suite said."""

    passed: bool
    setup: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests, and the outcomes that the package brings: name of a proxy → id of a test → outcome."""

    tests: Sequence[Test]
    published: Mapping[str, Mapping[str, Outcome]]

    def verdicts(self, outcomes: Mapping[str, Outcome]) -> dict[str, Verdict]:
        """The verdict of each test; one whose dependency does not hold says nothing."""
        by_id = {test.id: test for test in self.tests}
        verdicts: dict[str, Verdict] = {}

        def verdict(test: Test) -> Verdict:
            if test.id not in verdicts:
                outcome = outcomes.get(test.id)
                if outcome is None:
                    verdicts[test.id] = Verdict.UNTESTED
                elif any(verdict(by_id[other]) is not Verdict.PASSED for other in test.depends_on if other in by_id):
                    verdicts[test.id] = Verdict.DEPENDENCY
                elif outcome.setup:
                    verdicts[test.id] = Verdict.SETUP
                else:
                    verdicts[test.id] = Verdict.PASSED if outcome.passed else Verdict.FAILED
            return verdicts[test.id]

        return {test.id: verdict(test) for test in self.tests}

    def tally(self, outcomes: Mapping[str, Outcome]) -> dict[str, Counter[Verdict]]:
        """How many tests of each kind came to which verdict."""
        verdicts = self.verdicts(outcomes)
        counts: dict[str, Counter[Verdict]] = {kind: Counter() for kind in ("required", "optimal", "check")}
        for test in self.tests:
            counts[test.kind][verdicts[test.id]] += 1
        return counts
