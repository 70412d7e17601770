"""Processes under measurement: start one pinned to a core, wait until it answers, read its CPU time and memory, end it.

Linux only: the numbers come from `/proc`. Knows nothing of what the processes are.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
START_ATTEMPTS = 3
READY_WITHIN = 30.0  # seconds
END_WITHIN = 10.0  # seconds, then SIGKILL


class StartError(Exception):
    """A server did not come up; the text is one sentence and the end of what it logged."""


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address on loopback."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Cores:
    """The two cores of a run: one for the proxy alone, one for load generator and upstream."""

    proxy: int
    load: int


def choose_cores() -> Cores:
    """First and last core that this process may use; StartError on a machine with a single one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise StartError("two cores are needed: one for the proxy, one for load and upstream")
    return Cores(proxy=usable[0], load=usable[-1])


def free_address() -> Address:
    """A loopback address that was free a moment ago (servers are restarted on another one if it was taken since)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


class Server:
    """One started program: its process, and the file that its output goes to."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def last_words(self, lines: int = 8) -> str:
        """The end of what the program printed."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def end(self) -> None:
        """SIGTERM, and SIGKILL for it and its children when it does not go; returns when the process is gone."""
        if self.process.poll() is None:
            everyone = family(self.pid)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                for pid in everyone:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        self.process.wait()


def start(
    name: str,
    command: Sequence[object],
    folder: Path,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Server:
    """Start `command` (words and paths) in `folder` (pinned to `core` if given), output to `<name>.log` there."""
    log = folder / f"{name}.log"
    pinned = ["taskset", "-c", str(core), *command] if core is not None else list(command)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in pinned],
            cwd=folder,
            env={**own_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(name, process, log)


def own_environment() -> dict[str, str]:
    """The environment of this process without the settings of a gateway that the user may have exported."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GATELINE_", "KONG_"))}


def end_on_sigterm() -> None:
    """Let SIGTERM unwind the stack, so that started servers are ended."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(128 + signal.SIGTERM))


def start_until_ready(
    attempt: Callable[[Address], Server], ready: Callable[[Address], bool] | None = None
) -> tuple[Server, Address]:
    """Start a server on a free address and wait until `ready` (default: it accepts connections).

    One that exits at once is tried again on another address, since its port may have been taken. StartError after
    `START_ATTEMPTS` failures, or when a server lives but never gets ready.
    """
    ready = ready or answers
    words = ""
    for _ in range(START_ATTEMPTS):
        address = free_address()
        server = attempt(address)
        try:
            up = wait_until(lambda s=server, a=address: s.process.poll() is not None or ready(a), READY_WITHIN)  # type: ignore[misc]
        except BaseException:
            server.end()
            raise
        if up and server.process.poll() is None:
            return server, address
        server.end()
        words = server.last_words()
        if not up:
            raise StartError(f"{server.name} was not ready within {READY_WITHIN:.0f} s: {words}")
    raise StartError(f"{server.name} exited before it was ready: {words}")


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Poll `condition` until it holds (True) or `seconds` have passed (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def answers(address: Address) -> bool:
    """Whether something accepts connections at `address`."""
    with contextlib.suppress(OSError), socket.create_connection((address.host, address.port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def ending(*servers: Server) -> Iterator[None]:
    """End the servers when the block is left, however it is left."""
    try:
        yield
    finally:
        for server in servers:
            server.end()


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time (user and system, all threads) that the processes have used so far; resolution is one clock tick."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def resident_bytes(pid: int) -> int:
    """Resident memory of one process (VmRSS)."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") * 1024


def proportional_bytes(pids: Sequence[int]) -> int:
    """Memory of several processes together, shared pages counted once (sum of PSS)."""
    return sum(_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids) * 1024


def _kilobytes(path: Path, label: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(label):
            return int(line.split()[1])
    return 0  # a process that has just ended has no memory


def children(pid: int) -> list[int]:
    """Direct children of a process; none for one that is gone."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(descendant for child in children(pid) for descendant in family(child))]
