"""Runs the conformance cases (see README.md beside this file) against a gateway: one test a case.

The cases of later features are not run yet; `later.LATER` lists those of the other files that need something that does
not exist.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from conformance.later import LATER
from harness.gateway import Gateway

HERE = Path(__file__).parent

WHOLE = ("router", "path_building", "proxy_headers", "errors", "streaming")
PARTLY = ("declarative", "dbless_readonly", "admin_info", "admin_errors")


def _load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_run", HERE / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


run = _load_runner()


def _cases(file: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load((HERE / "cases" / f"{file}.yaml").read_text())["cases"]
    return [case for case in cases if case.get("needs") != "db"]


CASES = [pytest.param(file, case, id=f"{file}: {case['name']}") for file in (*WHOLE, *PARTLY) for case in _cases(file)]


@pytest.fixture(scope="module")
def runner(gateway: Gateway) -> Iterator[Any]:
    """The runner with its upstreams."""
    started = run.Runner(
        f"http://127.0.0.1:{gateway.port}", f"http://127.0.0.1:{gateway.admin_port}", db=False, verbose=False
    )
    yield started
    for connection in started.kept.values():
        connection.close()
    for upstream in started.upstreams.values():
        upstream.shutdown()
        upstream.server_close()


@pytest.mark.parametrize(("file", "case"), CASES)
def test_case(file: str, case: dict[str, Any], runner: Any, gateway: Gateway) -> None:
    missing = LATER.get(file, {}).get(case["name"])
    if missing is None:
        assert runner.run(case) == "passed"
        return
    try:
        runner.run(case)
    except (run.Failure, OSError):
        return
    pytest.fail(f"the case passes, though it is listed as waiting for: {missing}")


def test_list_of_later_cases_names_existing_ones() -> None:
    assert set(LATER) <= set(PARTLY)
    for file, waiting in LATER.items():
        assert set(waiting) <= {case["name"] for case in _cases(file)}
