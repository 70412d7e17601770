"""Schemathesis asks a running gateway everything that `/openapi.json` says may be asked, and much that it says may not:
nothing ends in a server error, every answer is documented and is as documented.

GATELINE_FUZZ is how many examples there are for each operation (a few, when it is not set); with it, the run goes on
for as many seconds as GATELINE_FUZZ_SECONDS says.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.gateway import Gateway

EXAMPLES = int(os.environ.get("GATELINE_FUZZ", "0"))
SECONDS = int(os.environ.get("GATELINE_FUZZ_SECONDS", "900")) if EXAMPLES else 45

SETTINGS = """
# What JSON Schema cannot say (fields that depend on each other, references to what is not there, entity tags, what is
# only possible without a database) is refused although it fits the schema.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "405", "409", "412", "5xx"]

# Conditions are looked at before the body.
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "5xx"]

# As in Kong, /status/dns is not implemented.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501"]
"""


@pytest.mark.timeout(SECONDS + 120)
def test_the_api_is_as_its_description_says(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    phases = "coverage,fuzzing,stateful" if EXAMPLES else "fuzzing,stateful"
    with Gateway(tmp_path / "gateway", nginx_worker_processes="1") as gateway:
        found = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "schemathesis"), "run"),
                f"http://127.0.0.1:{gateway.admin_port}/openapi.json",
                *("--checks", "all", "--phases", phases, "--max-examples", str(EXAMPLES or 2)),
                *("--max-time", str(SECONDS), "--no-shrink", "--continue-on-failure", "--warnings", "off"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
        assert "failed" not in gateway.log()
