"""A Redis of the tests' own: on a port of its own, in memory only."""

import shutil
import socket
import subprocess
import time
from types import TracebackType
from typing import Self

__all__ = ["Redis"]

_DEADLINE = 20.0


class Redis:
    """A running server that wants a password. Use it in a `with` statement."""

    password = "s3cret"

    def __init__(self) -> None:
        self._binary = shutil.which("redis-server")
        if self._binary is None:
            raise RuntimeError("these tests need redis-server (on Debian and Ubuntu: apt-get install redis-server)")
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "requirepass": self.password,
        }
        given = [part for name, value in settings.items() for part in (f"--{name}", value)]
        assert self._binary is not None
        self._process = subprocess.Popen([self._binary, *given], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, and what it holds."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"-NOAUTH")
        except OSError:
            return False
