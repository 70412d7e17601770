"""The examples in docs/plugins/examples do what their pages say, on a real gateway."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.runners import close, open_runner
from harness.gateway import Gateway

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"

CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(EXAMPLES.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))["cases"]
]


@pytest.fixture(scope="module")
def runner(gateway: Gateway) -> Iterator[Any]:
    opened = open_runner(gateway, db=False)
    yield opened
    close(opened)


@pytest.mark.parametrize("case", CASES)
def test_example(case: dict[str, Any], runner: Any) -> None:
    assert runner.run(case) == "passed"
