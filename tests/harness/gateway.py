"""A gateway as a user starts it: `python -m gateline start` in a process of its own, on free ports, with a prefix."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from harness.client import DEADLINE

__all__ = ["Gateway", "GatewayError"]

START_DEADLINE = 30.0
"""Seconds that a start may take on a busy machine."""
_NOT_INHERITED = ("GATELINE_", "KONG_", "PYTHONWARNINGS", "PYTHONDEVMODE")


class GatewayError(Exception):
    """The gateway did not start, or did not take a configuration."""


class Gateway:
    """A running gateway. Use it in a `with` statement.

    `folder` becomes its prefix. `settings` are `GATELINE_*` names without their prefix, in any case; addresses are on
    loopback with port 0 unless they say otherwise. The real ports are read from the state file.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any] | None = None, **settings: str) -> None:
        self.prefix = folder
        self.process: subprocess.Popen[bytes]
        self._log = folder / "start.log"
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)},
            "GATELINE_PREFIX": str(folder),
            "GATELINE_PROXY_LISTEN": "127.0.0.1:0, 127.0.0.1:0 ssl",
            "GATELINE_ADMIN_LISTEN": "127.0.0.1:0",
            "GATELINE_STATUS_LISTEN": "off",
            "GATELINE_ADMIN_GUI_LISTEN": "off",
            "GATELINE_NGINX_WORKER_PROCESSES": "2",
        }
        if config is not None:
            self._environ["GATELINE_DECLARATIVE_CONFIG_STRING"] = json.dumps({"_format_version": "3.0", **config})
        self._environ |= {f"GATELINE_{name.upper()}": value for name, value in settings.items()}

    def __enter__(self) -> Self:
        self.prefix.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateline", "start"],
                env=self._environ,
                cwd=self.prefix,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_running()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def state(self) -> dict[str, Any]:
        """What the supervisor says of itself; empty while there is nothing."""
        try:
            state: dict[str, Any] = json.loads((self.prefix / "run" / "state.json").read_bytes())
        except FileNotFoundError:
            return {}
        return state

    @property
    def port(self) -> int:
        """Of the plain proxy listener."""
        return self._port("proxy_listen", "http")

    @property
    def tls_port(self) -> int:
        """Of the proxy's TLS listener."""
        return self._port("proxy_listen", "https")

    @property
    def admin_port(self) -> int:
        """Of the Admin API."""
        return self._port("admin_listen", "http")

    def log(self) -> str:
        """What the gateway has said so far."""
        return self._log.read_text(errors="replace")

    def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the Admin API; returns status and decoded JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=START_DEADLINE)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()

    def configure(self, config: Mapping[str, Any]) -> None:
        """Put another configuration in force. Raises GatewayError when it is refused."""
        status, answer = self.admin("POST", "/config", {"_format_version": "3.0", **config})
        if status != 201:
            raise GatewayError(f"POST /config answered {status}: {answer}")

    def stop(self) -> int:
        """End it and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(DEADLINE)
            raise GatewayError(f"the gateway did not end:\n{self.log()}") from None

    def _port(self, name: str, scheme: str) -> int:
        for url in self.state[name]:
            parts = urlsplit(url)
            if parts.scheme == scheme and parts.port is not None:
                return int(parts.port)
        raise GatewayError(f"no {scheme} address in {self.state[name]}")

    def _wait_until_running(self) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while self.state.get("status") != "running":
            if self.process.poll() is not None:
                raise GatewayError(f"the gateway ended with {self.process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise GatewayError(f"the gateway did not start:\n{self.log()}")
            time.sleep(0.02)
