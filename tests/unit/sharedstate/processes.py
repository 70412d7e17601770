"""Work for other processes: started anew, as a fork of the test's process would have its environments open."""

import subprocess
import sys
from collections.abc import Iterable

START = "import sys, time, pathlib; sys.path[:0] = {path!r}; path = pathlib.Path({given!r})\n"


def start(program: str, given: object) -> "subprocess.Popen[str]":
    """Run a program, which finds `path` there."""
    code = START.format(path=sys.path, given=str(given)) + program
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(processes: Iterable["subprocess.Popen[str]"]) -> list[str]:
    """Wait for processes; what they wrote, and what they broke off with."""
    return [process.communicate(timeout=60)[0] for process in processes]
