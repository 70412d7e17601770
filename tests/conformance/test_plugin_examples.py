"""The examples in docs/plugins/examples do what their pages say, on a real gateway."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.runners import close, open_runner
from harness.directory import Slapd
from harness.gateway import Gateway

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"

FILES = {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in sorted(EXAMPLES.glob("*.yaml"))}
CASES = [
    pytest.param(case, id=f"{name}: {case['name']}") for name, example in FILES.items() for case in example["cases"]
]
_PORT = '"${ldap.port}"'
"""Where the directory of an example is."""
SETTINGS = {name: str(value) for example in FILES.values() for name, value in example.get("settings", {}).items()}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Gateway(tmp_path_factory.mktemp("examples"), {}, **SETTINGS) as gateway:
        opened = open_runner(gateway, db=False)
        yield opened
        close(opened)


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    with Slapd() as running:
        yield running


@pytest.mark.parametrize("case", CASES)
def test_example(case: dict[str, Any], runner: Any, request: pytest.FixtureRequest) -> None:
    text = json.dumps(case)
    if _PORT in text:
        case = json.loads(text.replace(_PORT, str(request.getfixturevalue("slapd").port)))
    assert runner.run(case) == "passed"
