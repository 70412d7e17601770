"""A server that the tests start: a process of their own, ready when it answers, ended by its process id."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ServerProcess", "free_port", "listens"]


class ServerProcess:
    """One server, which may be stopped and started again. What it says goes to the file `log`.

    `ends_by` is the signal that ends it at once; `options` are those of `subprocess.Popen`.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        answers: Callable[[], bool],
        log: Path,
        *,
        ends_by: signal.Signals = signal.SIGTERM,
        deadline: float = 60.0,
        **options: Any,
    ) -> None:
        self._command = command
        self._answers = answers
        self._log = log
        self._ends_by = ends_by
        self._deadline = deadline
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            process = self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._options
            )
        end = time.monotonic() + self._deadline
        while not self._answers():
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self._command[0]} did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(self._ends_by)
            try:
                process.wait(self._deadline)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None, "the server does not run"
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
