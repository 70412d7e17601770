"""Facts about the machine that a reader needs to judge the numbers; no names of hosts or paths."""

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.install import system_program


def facts() -> dict[str, str]:
    """CPU, cores, memory, kernel, Python and load generator."""
    kernel = platform.release().partition("-")[0]  # what follows the dash is the builder's
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {kernel}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": _wrk_version(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _wrk_version() -> str:
    # `wrk -v` exits with 1 after printing its version.
    said = subprocess.run([system_program("wrk"), "-v"], check=False, capture_output=True, text=True)
    words = (said.stdout + said.stderr).split()
    return " ".join(words[:2])
