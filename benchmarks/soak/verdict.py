"""The verdict of an acceptance check: what was measured, what should hold, and whether it does."""

import datetime
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Verdict:
    """Collects what a check finds; `number` is for information, `hold` decides."""

    name: str
    numbers: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    day: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).date().isoformat())

    def number(self, what: str, value: str) -> None:
        """A measured value with its unit."""
        self.numbers[what] = value

    def hold(self, claim: str, held: bool, found: str) -> None:
        """A bar: what should be true, whether it is, and what was found."""
        self.numbers[claim] = found
        if not held:
            self.failures.append(claim)

    def text(self) -> str:
        """What is printed."""
        lines = [f"{what}: {value}" for what, value in self.numbers.items()]
        end = [f"FAILED {failure}" for failure in self.failures] or ["passed"]
        return "\n".join([f"== {self.name}", *lines, *end])


def write_verdict(verdict: Verdict, folder: Path) -> None:
    """Keep the verdict as a record, for `read_verdicts`."""
    folder.mkdir(parents=True, exist_ok=True)
    record = json.dumps(asdict(verdict), indent=2, ensure_ascii=False)
    (folder / f"soak-{verdict.name}.json").write_text(record + "\n")


def read_verdicts(folder: Path) -> list[Verdict]:
    """All kept verdicts, by file name."""
    return [Verdict(**json.loads(path.read_text())) for path in sorted(folder.glob("soak-*.json"))]


def verdict_table(verdicts: list[Verdict]) -> str:
    """The verdicts as a Markdown table."""
    lines = ["| check | what | found |", "|---|---|---|"]
    for verdict in verdicts:
        state = "FAILED" if verdict.failures else "passed"
        for what, found in {"verdict": f"{state}, {verdict.day}", **verdict.numbers}.items():
            lines.append(f"| {verdict.name} | {what} | {found} |")
    return "\n".join(lines) + "\n"
