"""The command line against real nodes: start in both manners, reload, restart, stop, and what stops a start."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class Upstream(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.path} from upstream".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The URL of an upstream that says which path it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Place:
    """A directory with a declarative configuration, in which commands are run; no setting comes from outside."""

    def __init__(self, directory: Path, upstream: str) -> None:
        self.directory = directory
        self.prefix = directory / "node"
        self.upstream = upstream
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("KONG_", "GATELINE_"))
        }
        self.environ |= {
            "GATELINE_PREFIX": str(self.prefix),
            "GATELINE_PROXY_LISTEN": "127.0.0.1:0",
            "GATELINE_ADMIN_LISTEN": "127.0.0.1:0",
            "GATELINE_STATUS_LISTEN": "off",
            "GATELINE_WORKER_PROCESSES": "1",
        }
        self.route("/here")
        self.kong = directory / "kong"
        self.kong.write_text(f"#!{sys.executable}\nfrom gateline.cli import main\n\nmain()\n")
        self.kong.chmod(0o755)

    def route(self, path: str) -> None:
        """Makes `kong.yml` one with a route for the path."""
        services = [
            {"name": "s", "url": self.upstream, "routes": [{"name": "r", "paths": [path], "strip_path": False}]}
        ]
        (self.directory / "kong.yml").write_text(json.dumps({"_format_version": "3.0", "services": services}))

    def command(self, *arguments: str, kong: bool = False) -> list[str]:
        return [str(self.kong), *arguments] if kong else [sys.executable, "-m", "gateline", *arguments]

    def run(self, *arguments: str, kong: bool = False) -> Ended:
        ended = subprocess.run(
            self.command(*arguments, kong=kong),
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def foreground(self, *arguments: str, kong: bool = False) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments, kong=kong),
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def address(self, kind: str = "proxy") -> str:
        """host:port of the running node's first address."""
        url: str = json.loads((self.prefix / "run/state.json").read_bytes())[f"{kind}_listen"][0]
        return url.removeprefix("http://")

    def get(self, path: str, kind: str = "proxy") -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.address(kind), timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """POST to the Admin API."""
        connection = http.client.HTTPConnection(self.address("admin"), timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path, upstream: str) -> Iterator[Place]:
    here = Place(tmp_path, upstream)
    yield here
    here.run("stop")


def lines_until_ready(node: "subprocess.Popen[str]", last: str) -> list[str]:
    """What a node in the foreground says until the line that begins with `last`."""
    assert node.stdout is not None
    lines: list[str] = []
    for line in node.stdout:
        lines.append(line.rstrip("\n"))
        if line.strip().startswith(last):
            return lines
    assert node.stderr is not None
    raise AssertionError(f"the node ended: {lines} {node.stderr.read()}")


def end(node: "subprocess.Popen[str]", number: signal.Signals) -> int:
    node.send_signal(number)
    _, errors = node.communicate(timeout=30)
    assert "Traceback" not in errors
    return node.returncode


def test_start_in_the_foreground_says_what_it_serves_and_serves_it(place: Place) -> None:
    with place.foreground("start", "-c", "kong.yml") as node:
        lines = lines_until_ready(node, "prefix")
        assert lines[0].startswith("Gateline ")
        facts = dict(line.split(maxsplit=1) for line in lines[1:])
        assert facts["proxy"] == f"http://{place.address()}"
        assert facts["admin"] == f"http://{place.address('admin')}"
        assert facts["workers"] == "1"
        assert facts["configuration"] == str(place.directory / "kong.yml")
        assert facts["prefix"] == str(place.prefix)
        assert place.get("/here") == (200, "/here from upstream")
        assert end(node, signal.SIGTERM) == 0
    assert not (place.prefix / "pids/gateline.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_node_in_the_foreground_ends_with_0_when_told_to(place: Place, number: signal.Signals) -> None:
    with place.foreground("start", "-c", "kong.yml") as node:
        lines_until_ready(node, "prefix")
        assert end(node, number) == 0


def test_a_daemon_lives_through_health_reload_restart_and_quit(place: Place) -> None:
    started = place.run("start", "-c", "kong.yml", "--daemon")
    assert (started.code, started.err) == (0, "")
    assert started.out.startswith("Kong started\nGateline ")
    assert place.get("/here") == (200, "/here from upstream")

    health = place.run("health")
    assert health == (
        0,
        f"supervisor....running\ncontrol.......running\nworker 0......running\n\nKong is healthy at {place.prefix}\n",
        "",
    )

    place.route("/there")
    assert place.run("reload") == (0, "Kong reloaded\n", "")
    assert place.get("/there") == (200, "/there from upstream")
    assert place.get("/here")[0] == 404

    restarted = place.run("restart")
    assert (restarted.code, restarted.err) == (0, "")
    assert restarted.out.startswith("Kong stopped\nKong started\n")
    assert place.get("/there") == (200, "/there from upstream")

    assert place.run("quit") == (0, "Kong stopped (gracefully)\n", "")
    assert place.run("health").err == f"Error: Kong is not running at {place.prefix}\n"
    assert "Traceback" not in (place.prefix / "logs/error.log").read_text()


def test_a_reload_of_a_bad_file_says_so_and_changes_nothing(place: Place) -> None:
    assert place.run("start", "-c", "kong.yml", "--daemon").code == 0
    (place.directory / "kong.yml").write_text('_format_version: "3.0"\nservices:\n- name: s\n  host: a b\n')
    ended = place.run("reload")
    assert (ended.code, ended.out) == (1, "")
    assert f"{place.directory}/kong.yml:4" in ended.err
    assert place.get("/here") == (200, "/here from upstream")


def test_a_restart_with_a_bad_file_leaves_the_node_running(place: Place) -> None:
    assert place.run("start", "-c", "kong.yml", "--daemon").code == 0
    (place.directory / "kong.yml").write_text("_format_version: 3.0\n")
    ended = place.run("restart")
    assert ended.code == 1
    assert "_format_version" in ended.err
    assert place.get("/here") == (200, "/here from upstream")


def test_without_a_file_the_node_has_a_database_and_keeps_what_is_written(place: Place) -> None:
    started = place.run("start", "--daemon")
    assert (started.code, started.err) == (0, "")
    assert f"the database {place.prefix}/gateline.db" in started.out
    assert place.post("/services", {"name": "s", "url": place.upstream})[0] == 201
    assert place.post("/services/s/routes", {"paths": ["/here"], "strip_path": False})[0] == 201
    assert place.get("/here") == (200, "/here from upstream")
    assert place.run("restart").code == 0
    assert place.get("/here") == (200, "/here from upstream")


def test_without_a_database_the_node_waits_for_a_configuration(place: Place) -> None:
    place.environ["GATELINE_DATABASE"] = "off"
    started = place.run("start", "--daemon")
    assert (started.code, started.err) == (0, "")
    assert "POST /config on the Admin API fills it" in started.out
    assert place.get("/here")[0] == 404
    assert place.post("/config", json.loads((place.directory / "kong.yml").read_bytes()))[0] == 201
    assert place.get("/here") == (200, "/here from upstream")


def test_nothing_is_imported_from_the_directory_of_the_start(place: Place) -> None:
    work = place.directory / "work"
    work.mkdir()
    (work / "msgspec.py").write_text("raise SystemExit('imported')")
    started = subprocess.run(
        [str(place.kong), "start", "-c", "../kong.yml"],
        cwd=work,
        env=place.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (started.returncode, started.stdout) == (0, "Kong started\n"), started.stderr


def test_as_kong_start_takes_a_conf_file_and_goes_to_the_background(place: Place) -> None:
    (place.directory / "kong.conf").write_text("database = off\ndeclarative_config = kong.yml\n")
    assert place.run("start", "-c", "kong.conf", kong=True) == (0, "Kong started\n", "")
    assert place.get("/here")[0] == 200
    assert place.run("stop", "-c", "kong.conf", kong=True) == (0, "Kong stopped\n", "")


def test_as_kong_start_stays_when_told_to(place: Place) -> None:
    place.environ["KONG_NGINX_DAEMON"] = "off"
    with place.foreground("start", "-c", "kong.yml", kong=True) as node:
        assert lines_until_ready(node, "Kong started") == ["Kong started"]
        assert end(node, signal.SIGTERM) == 0


# ---- what stops a start


@pytest.mark.parametrize("manner", ["--no-daemon", "--daemon"])
def test_a_taken_port_is_one_sentence(place: Place, manner: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        place.environ["GATELINE_PROXY_LISTEN"] = address
        ended = place.run("start", "-c", "kong.yml", manner)
    assert ended == (1, "", f"Error: cannot listen on {address}: the address is already in use by another process\n")
    assert not (place.prefix / "pids/gateline.pid").exists()


@pytest.mark.parametrize("manner", ["--no-daemon", "--daemon"])
def test_a_bad_configuration_is_told_whole(place: Place, manner: str) -> None:
    (place.directory / "kong.yml").write_text('_format_version: "3.0"\nservices:\n- name: s\n  host: a b\n  port: -1\n')
    ended = place.run("start", "-c", "kong.yml", manner)
    assert (ended.code, ended.out) == (1, "")
    problems = [line for line in ended.err.splitlines() if line.startswith(("Error:", "  - "))]
    assert problems[0] == "Error: 2 problems"
    assert [f"{place.directory}/kong.yml:{line}:" in problems[index] for index, line in ((1, 4), (2, 5))] == [
        True,
        True,
    ]


@pytest.mark.parametrize("manner", ["--no-daemon", "--daemon"])
def test_a_node_that_runs_already_is_not_started_again(place: Place, manner: str) -> None:
    assert place.run("start", "--daemon").code == 0
    ended = place.run("start", manner)
    assert ended.code == 1
    assert ended.err.startswith(f"Error: Gateline is already running at {place.prefix} (process ")
    assert place.run("health").code == 0


def test_a_prefix_that_cannot_be_used_is_one_sentence(place: Place) -> None:
    ended = place.run("start", "-p", "/proc/nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: cannot use /proc/nowhere as the prefix: ")
    assert len(ended.err.splitlines()) == 1
