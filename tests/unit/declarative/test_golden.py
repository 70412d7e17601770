"""Configurations that are refused: each `golden/*.yaml` with what is said about it in `golden/*.json`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateline.declarative import DeclarativeError, load_text

GOLDEN = Path(__file__).parent / "golden"
ENVIRON = {"NAME": "named", "TEXT": "a text", "JSON": '{"other": 1}'}
# `GATELINE_GOLDEN=write pytest ...` writes the answers anew; read the difference before it is committed.


def told_about(name: str) -> dict[str, Any]:
    with pytest.raises(DeclarativeError) as caught:
        load_text((GOLDEN / f"{name}.yaml").read_bytes(), source="kong.yml", environ=ENVIRON)
    error = caught.value
    return {
        "body": error.body(),
        "flattened": error.body(flatten=True),
        "problems": [str(problem) for problem in error.problems],
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.yaml")))
def test_a_wrong_configuration_is_told_in_all_forms(name: str) -> None:
    told = told_about(name)
    answer = GOLDEN / f"{name}.json"
    if os.environ.get("GATELINE_GOLDEN") == "write":
        answer.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    assert told == json.loads(answer.read_text())
