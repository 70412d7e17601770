"""`gateline dev`: what is saved is in force a moment later, and what is broken leaves the old code in force."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.control import state
from integration.nodes import eventually, request

PLUGIN = """
from gateline.pdk import Plugin, PluginConfig, Response


class Config(PluginConfig):
    pass


class Mine(Plugin[Config], name="mine"):
    def access(self, exchange):
        return Response(200, "{text}")
"""


class Developing:
    """Someone's directory with a plugin and a configuration, and `gateline dev` in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.prefix = directory / "node"
        self.log = directory / "log"
        (directory / "plugins").mkdir()
        self.save_plugin("first")
        self.save_route("/here")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("KONG_", "GATELINE_"))}
        environ |= {
            "GATELINE_PREFIX": str(self.prefix),
            "GATELINE_PROXY_LISTEN": "127.0.0.1:0",
            "GATELINE_ADMIN_LISTEN": "127.0.0.1:0",
            "GATELINE_STATUS_LISTEN": "off",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateline", "dev", "--plugin-folder", "plugins"],
                cwd=directory,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def save_plugin(self, text: str, code: str = PLUGIN) -> None:
        (self.directory / "plugins" / "mine.py").write_text(code.replace("{text}", text))

    def save_route(self, path: str, **more: object) -> None:
        routes = [{"name": "r", "paths": [path], "plugins": [{"name": "mine"}], **more}]
        (self.directory / "kong.yml").write_text(json.dumps({"_format_version": "3.0", "routes": routes}))

    def answers(self, path: str, body: str) -> None:
        """Wait until this path has this answer."""

        def look() -> bool:
            now = state.read(self.prefix)
            if now is None or now.status != "running":
                return False
            port = int(now.proxy_listen[0].rpartition(":")[2])
            return request(port, "GET", path)[1] == body.encode()

        eventually(lambda: look() or None, f"{path} answers {body}: {self.log.read_text()}")

    def says(self, text: str) -> None:
        """Wait until the terminal shows a text."""
        eventually(lambda: text in self.log.read_text() or None, f"{text!r} is said: {self.log.read_text()}")

    def node(self) -> int:
        found = state.read(self.prefix)
        assert found is not None
        return found.pid


@pytest.fixture
def developing(tmp_path: Path) -> Iterator[Developing]:
    one = Developing(tmp_path)
    yield one
    if one.process.poll() is None:
        one.process.terminate()
    one.process.wait(30)


def test_saved_code_and_configuration_are_in_force_without_a_restart(developing: Developing) -> None:
    developing.answers("/here", "first")
    node = developing.node()
    developing.save_plugin("second")
    developing.answers("/here", "second")
    developing.save_route("/there")
    developing.answers("/there", "second")
    assert developing.node() == node
    assert "GET /here" in developing.log.read_text()


def test_what_is_broken_is_told_and_the_old_code_serves_on(developing: Developing) -> None:
    developing.answers("/here", "first")
    developing.save_plugin("", code="import nothing_of_that_name")
    developing.says("plugin 'mine' cannot be loaded: ModuleNotFoundError")
    developing.says("Not reloaded")
    developing.answers("/here", "first")
    developing.save_plugin("mended")
    developing.answers("/here", "mended")
    developing.save_route("/here", methods="GET")
    developing.says("methods: expected a set")
    developing.answers("/here", "mended")


def test_the_node_ends_with_the_command(developing: Developing) -> None:
    developing.answers("/here", "first")
    node = developing.node()
    developing.process.send_signal(signal.SIGTERM)
    assert developing.process.wait(30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(node, 0)


def test_an_interrupt_on_the_terminal_ends_both(developing: Developing) -> None:
    developing.answers("/here", "first")
    node = developing.node()
    os.killpg(developing.process.pid, signal.SIGINT)
    assert developing.process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(node, 0)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateline", "dev", "--plugin-folder", "nowhere"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "Error: no directory of plugins at: nowhere\n")
