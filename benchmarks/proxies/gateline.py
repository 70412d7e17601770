"""Gateline itself: `gateline start` with a declarative file, its processes found through the Admin API."""

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.processes import (
    Address,
    Server,
    StartError,
    free_address,
    own_environment,
    start,
    start_until_ready,
    wait_until,
)
from benchmarks.proxies import HOST, PREFIX, RunningProxy
from benchmarks.upstream import addresses

Configuration = dict[str, Any]
ADMIN_TIMEOUT = 60.0  # seconds


def one_route(upstream: Address) -> Configuration:
    """The configuration that all proxies share: one service, one route."""
    route = {"name": "orders", "hosts": [HOST], "paths": [PREFIX], "strip_path": False}
    service = {"name": "orders", "url": f"http://{upstream}", "routes": [route]}
    return {"_format_version": "3.0", "services": [service]}


def ten_targets(upstream: Address) -> Configuration:
    """The same behind an upstream of ten targets with active and passive health checks."""
    configuration = one_route(upstream)
    [service] = configuration["services"]
    del service["url"]
    service["host"] = "orders.internal"
    checks = {
        "active": {"healthy": {"interval": 5, "successes": 1}, "unhealthy": {"interval": 5, "tcp_failures": 3}},
        "passive": {"unhealthy": {"http_failures": 5, "tcp_failures": 3, "timeouts": 3}},
    }
    targets = [{"target": str(one)} for one in addresses(upstream)]
    configuration["upstreams"] = [{"name": "orders.internal", "healthchecks": checks, "targets": targets}]
    return configuration


@dataclass(frozen=True, slots=True)
class Gateline:
    """Gateline with `workers` workers and the configuration that `configure` makes for an upstream."""

    configure: Callable[[Address], Configuration] = one_route
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "gateline"
    plugin_files: Mapping[str, str] = field(default_factory=dict)
    """Plugins besides the bundled ones: name → source."""

    def version(self) -> str:
        """The version, and which codec its workers run: numbers of the twin must not pass for the other's."""
        ask = [sys.executable, "-c", "from gateline.engine.wire import codec; print(codec.COMPILED)"]
        environment = {**own_environment(), **self.environment}
        said = subprocess.run(ask, check=False, capture_output=True, text=True, env=environment)
        if said.returncode != 0:
            raise StartError(f"gateline cannot be imported: {said.stderr.strip().splitlines()[-1:]}")
        return f"{metadata.version('gateline')} {'compiled' if said.stdout.strip() == 'True' else 'pure Python'}"

    def start(self, upstream: Address, folder: Path, core: int | None) -> RunningProxy:
        return self.start_with_admin(upstream, folder, core)[0]

    def start_with_admin(self, upstream: Address, folder: Path, core: int | None) -> tuple[RunningProxy, "Admin"]:
        """The running gateway, and the client of its Admin API."""
        path = folder / f"{self.name}.json"
        write_configuration(path, self.configure(upstream))
        admin_address = free_address()
        own_plugins = self._own_plugins(folder)

        def attempt(address: Address) -> Server:
            nonlocal admin_address
            admin_address = free_address()
            environment = {
                "GATELINE_PREFIX": str(folder / f"{self.name}-prefix"),
                "GATELINE_PROXY_LISTEN": str(address),
                "GATELINE_ADMIN_LISTEN": str(admin_address),
                "GATELINE_STATUS_LISTEN": "off",
                "GATELINE_ADMIN_GUI_LISTEN": "off",
                "GATELINE_WORKER_PROCESSES": str(self.workers),
                "GATELINE_PROXY_ACCESS_LOG": "off",
                **own_plugins,
                **self.environment,
            }
            return start(self.name, [_program(), "start", "-c", path], folder, core, environment)

        server, address = start_until_ready(attempt, lambda _: len(Admin(admin_address).workers()) == self.workers)
        admin = Admin(admin_address)
        return RunningProxy(server, address, admin.workers()), admin

    def _own_plugins(self, folder: Path) -> dict[str, str]:
        """The settings that make `plugin_files` known."""
        if not self.plugin_files:
            return {}
        place = folder / f"{self.name}-plugins"
        place.mkdir()
        for name, source in self.plugin_files.items():
            (place / f"{name}.py").write_text(source, "utf-8")
        return {"GATELINE_PLUGIN_FOLDERS": str(place), "GATELINE_PLUGINS": ",".join(("bundled", *self.plugin_files))}


@dataclass(frozen=True, slots=True)
class Admin:
    """The few calls of the Admin API that the benchmarks make."""

    address: Address

    def workers(self) -> list[int]:
        """Pids of the workers; empty while the Admin API does not answer."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return [int(pid) for pid in self._get("/").get("pids", {}).get("workers", [])]
        return []

    def configuration_hash(self) -> str:
        """The hash of the configuration in force, from `GET /status`."""
        return str(self._get("/status").get("configuration_hash"))

    def post_encoded(self, configuration: bytes) -> None:
        """`POST /config` of an encoded configuration, in force when it returns; StartError when it is refused."""
        status, answer = self._call("POST", "/config", configuration)
        if status != 201:
            raise StartError(f"POST /config answered {status}: {answer[:300].decode(errors='replace')}")

    def _get(self, path: str) -> dict[str, Any]:
        status, answer = self._call("GET", path)
        found = json.loads(answer) if status == 200 else {}
        return found if isinstance(found, dict) else {}

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=ADMIN_TIMEOUT)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


def write_configuration(path: Path, configuration: Configuration) -> None:
    """Write a declarative file so that a reader sees the old or the new one, never a part."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(encode_configuration(configuration))
    partial.replace(path)


def encode_configuration(configuration: Configuration) -> bytes:
    """A configuration as the JSON that `POST /config` takes."""
    return json.dumps(configuration).encode()


def wait_for_new_worker(admin: Admin, old: set[int], count: int, seconds: float) -> bool:
    """Wait until there are `count` workers again and one of them is none of `old`."""

    def replaced() -> bool:
        pids = admin.workers()
        return len(pids) == count and not set(pids) <= old

    return wait_until(replaced, seconds)


def _program() -> str:
    beside = Path(sys.executable).with_name("gateline")
    found = str(beside) if beside.exists() else shutil.which("gateline")
    if found is None:
        raise StartError("the gateline command is not installed in this environment")
    return found
