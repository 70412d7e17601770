"""A whole node (supervisor, control process, workers) as a process of its own, and what tests do with one."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from gateline.control import state as node_state

PROGRAM = Path(__file__).with_name("node_program.py")

LIMIT = 30.0
"""Seconds after which something that must happen counts as not happening."""

T = TypeVar("T")


class StartFailedError(Exception):
    """The node could not start, for these reasons."""

    def __init__(self, messages: list[str], code: int) -> None:
        super().__init__(messages)
        self.messages = messages
        self.code = code


class Node:
    """A running node; `settings` are lines of its conf file beside the addresses, all of which are free ports."""

    def __init__(self, prefix: Path, *, worker: str | None = None, **settings: str) -> None:
        self.prefix = prefix
        self.conf = prefix.parent / f"{prefix.name}.conf"
        self.settings = {
            "prefix": str(prefix),
            "database": "off",
            "proxy_listen": "127.0.0.1:0",
            "admin_listen": "127.0.0.1:0",
            "status_listen": "127.0.0.1:0",
            "worker_processes": "2",
            "proxy_access_log": "off",
            "log_level": "info",
        } | settings
        self._worker = worker
        self.log = prefix.parent / f"{prefix.name}.log"
        self.process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self.write_conf()
        command = [sys.executable, str(PROGRAM), str(self.conf), *([self._worker] if self._worker else [])]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("GATELINE_", "KONG_"))}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if line != "ready":
            code = self.process.wait(LIMIT)
            self.process.stdout.close()
            raise StartFailedError(json.loads(line) if line else [self.log.read_text()], code)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        assert self.process.stdout is not None
        self.process.stdout.close()

    def write_conf(self, **changes: str) -> None:
        """Write the conf file, with changes that stay."""
        self.settings |= changes
        self.conf.write_text("".join(f"{name} = {value}\n" for name, value in self.settings.items()))

    # What it says of itself.

    @property
    def state(self) -> node_state.State:
        """The state file; it must be there."""
        found = node_state.read(self.prefix)
        assert found is not None, f"no state in {self.prefix}"
        return found

    @property
    def workers(self) -> list[int]:
        """The workers' process ids."""
        return self.state.workers

    @property
    def port(self) -> int:
        """The proxy's port."""
        return int(self.state.proxy_listen[0].rpartition(":")[2])

    @property
    def admin_port(self) -> int:
        """The Admin API's port."""
        return int(self.state.admin_listen[0].rpartition(":")[2])

    @property
    def status_port(self) -> int:
        """The status API's port."""
        return int(self.state.status_listen[0].rpartition(":")[2])

    # What is done to it.

    def replaced(self, worker: int) -> list[int]:
        """The workers, once this one is none of them any more."""
        return eventually(lambda: self.workers if worker not in self.workers else None, "a new worker")

    def renewed_control(self, control: int) -> int:
        """The control process, once it is another."""
        return eventually(lambda: self.state.control if self.state.control not in (0, control) else None, "a new one")

    def signal(self, number: int) -> None:
        """Send a signal to the supervisor."""
        self.process.send_signal(number)

    def reload(self) -> node_state.Reload:
        """SIGHUP, and what came of it."""
        before = self.state.reload.serial
        self.signal(signal.SIGHUP)
        return eventually(lambda: self.state.reload if self.state.reload.serial > before else None, "the reload ends")

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """A GET through the proxy, on a connection of its own."""
        return request(self.port, "GET", path, headers=headers)

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request to the Admin API; a body that is no text goes as JSON. The status, and the JSON of the answer."""
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"} | headers
        status, content = request(self.admin_port, method, path, body, headers)
        return status, json.loads(content) if content else None

    def configure(self, config: dict[str, Any]) -> None:
        """Load a declarative configuration; it must be accepted."""
        status, answer = self.admin("POST", "/config", config)
        assert status == 201, answer


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def eventually(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds, as soon as it finds something that is true."""
    end = time.monotonic() + LIMIT
    while not (found := look()):
        assert time.monotonic() < end, f"not within {LIMIT:g} s: {what}"
        time.sleep(0.005)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and waits for its parent does not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> None:
    """Wait until none of the processes runs."""
    eventually(lambda: not any(alive(pid) for pid in pids), "the processes end")


def service(name: str, port: int, path: str, **fields: Any) -> dict[str, Any]:
    """A service with one route, for a declarative configuration."""
    route = {"name": f"{name}-route", "paths": [path]}
    return {"name": name, "url": f"http://127.0.0.1:{port}", "routes": [route], **fields}


def config(*services: dict[str, Any]) -> dict[str, Any]:
    """A declarative configuration."""
    return {"_format_version": "3.0", "services": list(services)}


class Upstream:
    """An upstream that answers `ok`, or `body`. Answers to /slow wait for `release`; `held` counts them."""

    def __init__(self, body: bytes = b"ok") -> None:
        upstream = self
        self.held = 0
        self._go = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.endswith("/slow"):
                    upstream.held += 1
                    upstream._go.wait(LIMIT)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def release(self) -> None:
        """Let held answers go."""
        self._go.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Load:
    """Requests from several threads, some on kept connections and some on new ones; `failures` must stay empty."""

    def __init__(self, port: int, path: str, clients: int = 4) -> None:
        self.done = 0
        self.failures: list[str] = []
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(port, path, number % 2 == 0)) for number in range(clients)
        ]

    def _run(self, port: int, path: str, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._end.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
                connection.request("GET", path)
                response = connection.getresponse()
                content = response.read()
                if (response.status, content) != (200, b"ok"):
                    self.failures.append(f"{response.status} {content[:200]!r}")
                self.done += 1
                if not keep or response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more requests are done."""
        target = self.done + count
        eventually(lambda: self.done >= target, f"{count} more requests")


@contextmanager
def taken_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
