"""The suite's package: fetched once into `benchmarks/peers/`, its origin server, its client, its tests, its results."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cache_suite.results import Outcome, Suite, Test
from benchmarks.install import PEERS, system_program
from benchmarks.processes import Address, Server, StartError, own_environment, start, start_until_ready

NAME = "http-cache-tests"
VERSION = "0.4.5"
INSTALL_WITHIN = 300.0  # seconds
RUN_WITHIN = 900.0  # seconds

_LIST = """
import suites from './tests/index.mjs'
import surrogate from './tests/surrogate-control.mjs'
import published from './results/index.mjs'
console.log(JSON.stringify({ suites: [...suites, surrogate], published }))
"""


class Package:
    """The installed package."""

    def __init__(self) -> None:
        self.folder = _installed()

    def suite(self) -> Suite:
        """The tests for a reverse proxy, and the results that the package brings of other proxies."""
        listed = json.loads(self._node(["--input-type=module", "--eval", _LIST]))
        tests = [
            Test(
                id=test["id"],
                name=test["name"],
                group=suite["name"],
                kind=test.get("kind", "required"),
                depends_on=tuple(test.get("depends_on", ())),
            )
            for suite in listed["suites"]
            for test in suite["tests"]
            if not test.get("browser_only")
        ]
        published = {
            f"{entry['name']} {entry['version']}": self._published(entry["file"])
            for entry in listed["published"]
            if entry["type"] == "rev-proxy"
        }
        return Suite(tests, published)

    def start_origin(self, folder: Path) -> tuple[Server, Address]:
        """The server that answers as each test wants it; StartError when it does not come up."""

        def attempt(address: Address) -> Server:
            environment = {
                "npm_config_protocol": "http",
                "npm_config_port": str(address.port),
                "npm_config_pidfile": str(folder / "origin.pid"),
            }
            loopback = Path(__file__).with_name("loopback.mjs")
            program = self.folder / "server" / "server.mjs"
            return start("origin", [_node(), "--import", loopback, program], folder, environment=environment)

        return start_until_ready(attempt)

    def run(self, front: Address, test: str = "") -> str:
        """What the client prints: JSON of all results, or the talk of one test."""
        environment = {"npm_config_base": f"http://{front}", "npm_config_id": test, "npm_package_config_id": ""}
        return self._node(["--no-warnings", "cli.mjs"], environment)

    def outcomes(self, front: Address) -> dict[str, Outcome]:
        """The outcomes of all tests against a cache that listens at `front`."""
        return outcomes_of(json.loads(self.run(front)))

    def _published(self, file: str) -> dict[str, Outcome]:
        return outcomes_of(json.loads((self.folder / "results" / file).read_text("utf-8")))

    def _node(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [_node(), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**own_environment(), **(environment or {})},
            timeout=RUN_WITHIN,
        )
        if done.returncode != 0 or not done.stdout:
            raise StartError(f"the suite's program failed: {done.stderr[-400:]}")
        return done.stdout


def outcomes_of(results: Mapping[str, Any]) -> dict[str, Outcome]:
    """Outcomes from what the client prints: true, or a kind of failure and a text."""
    return {
        test: Outcome(passed=True)
        if result is True
        else Outcome(False, setup=result[0] == "Setup", text=str(result[1]))
        for test, result in results.items()
    }


def _node() -> str:
    return system_program("node")


def _installed() -> Path:
    target = PEERS / f"{NAME}-{VERSION}"
    if not target.exists():
        print(f"installing {NAME} {VERSION}", file=sys.stderr)
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        words = [
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            str(partial),
            f"{NAME}@{VERSION}",
        ]
        done = subprocess.run(
            [system_program("npm"), *words], check=False, capture_output=True, text=True, timeout=INSTALL_WITHIN
        )
        if done.returncode != 0:
            raise StartError(f"{NAME} could not be installed: {done.stderr.strip().splitlines()[-1:]}")
        partial.rename(target)
    return target / "node_modules" / NAME
