"""Plugins of a folder behind a real worker: the example in both styles asks a real auth service."""

import json
import shutil
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from gateline.entities import Plugin
from gateline.pdk.discovery import Plugins
from gateline.settings import load_settings
from harness.client import RawClient
from harness.gateway import Gateway
from harness.node import configuration
from harness.stage import Stages
from harness.upstream import Script, Visit, answer
from unit.pdk.kong_files import HELLO

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


def _auth_service(visit: Visit) -> None:
    """Knows one key, has forgotten how to speak about another, and hangs up at a third."""
    while True:
        request = visit.request()
        assert (request.method, request.target) == ("POST", "/check")
        key = json.loads(request.body)["api_key"]
        if key == "ann":
            visit.send(answer(b'{"consumer_id":"ann","plan":"gold"}'))
        elif key == "garbled":
            visit.send(answer(b"{"))
        elif key == "broken":
            visit.send(answer(b"", status=500))
        elif key == "gone":
            return
        else:
            visit.send(answer(b"", status=403))


class _Stage:
    def __init__(self, stages: Stages, name: str, script: Script) -> None:
        self.auth = stages.upstream(script)
        self.upstream = stages.upstream()
        Plugins([name], [EXAMPLES]).load(name)
        rows: dict[str, Any] = configuration(
            {"name": "s", "url": self.upstream.url, "routes": [{"name": "r", "paths": ["/"]}]}
        )
        config = {"auth_url": f"{self.auth.url}/check", "timeout": 5}
        rows["plugins"] = [Plugin.parse({"name": name, "config": config}).to_wire()]
        self.node = stages.node(rows, {"plugins": f"bundled,{name}", "plugin_folders": str(EXAMPLES)})
        self._stages = stages

    def ask(self, key: str | None, *more: str) -> Any:
        lines = ["GET /x HTTP/1.1", "Host: gateway.test", *more]
        lines += [f"X-API-Key: {key}"] if key is not None else []
        with RawClient(self.node.port) as client:
            client.send(("\r\n".join(lines) + "\r\n\r\n").encode())
            return client.response()


@pytest.fixture(params=["custom-auth", "custom-auth-own"])
def stage(request: pytest.FixtureRequest, stages: Stages) -> _Stage:
    return _Stage(stages, request.param, _auth_service)


def test_a_known_key_lets_the_request_through_and_tells_the_upstream_who_it_is(stage: _Stage) -> None:
    response = stage.ask("ann", "X-Consumer-ID: forged", "X-Consumer-Plan: platinum")
    assert response.status == 200
    sent = stage.upstream.request
    assert sent.headers.all("X-Consumer-ID") == ["ann"]
    assert sent.headers.all("X-Consumer-Plan") == ["gold"]


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [
        (None, 401, "Missing API Key"),
        ("", 401, "Missing API Key"),
        ("nobody", 403, "Invalid API Key"),
        ("garbled", 503, "Authentication service unavailable"),
        ("broken", 503, "Authentication service unavailable"),
        ("gone", 503, "Authentication service unavailable"),
    ],
)
def test_any_other_key_is_refused_as_the_auth_service_says(
    stage: _Stage, key: str | None, status: int, message: str
) -> None:
    response = stage.ask(key)
    assert (response.status, json.loads(response.body)) == (status, {"message": message})
    assert stage.upstream.requests() == []


def test_nobody_is_let_in_while_the_auth_service_is_down(stage: _Stage) -> None:
    stage.auth.close()
    assert stage.ask("ann").status == 503


def test_connections_to_the_auth_service_are_kept(stages: Stages) -> None:
    stage = _Stage(stages, "custom-auth-own", _auth_service)
    for _ in range(3):
        assert stage.ask("ann").status == 200
    assert len(stage.auth.visits) == 1


@pytest.mark.parametrize("name", ["custom-auth", "custom-auth-own"])
def test_other_requests_go_on_while_one_waits_for_the_auth_service(stages: Stages, name: str) -> None:
    free = threading.Event()

    def slow(visit: Visit) -> None:
        visit.request()
        free.wait(10)
        visit.send(answer(b'{"consumer_id":"ann","plan":"gold"}'))

    stage = _Stage(stages, name, slow)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(stage.ask("ann").status))
    waiting.start()
    stage.auth.wait_for_requests(1)
    assert stage.ask(None).status == 401
    free.set()
    waiting.join(10)
    assert got == [200]


def test_a_file_of_a_plugin_folder_is_found_by_kongs_settings(stages: Stages, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "custom-auth.py", tmp_path / "my-plugin.py")
    environ = {
        "KONG_PLUGINS": "bundled,my-plugin",
        "KONG_PLUGINSERVER_NAMES": "py",
        "KONG_PLUGINSERVER_PY_START_CMD": f"/usr/local/bin/kong-python-pluginserver -d {tmp_path}",
    }
    settings = load_settings(None, environ, {}, search=()).settings
    assert "my-plugin" in Plugins(settings.plugins, settings.plugin_folders).names


def test_a_node_with_kongs_settings_runs_the_plugin_and_checks_its_configuration(
    stages: Stages, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "py-hello.py").write_text(textwrap.dedent(HELLO))
    upstream = stages.upstream()
    service = {"name": "s", "url": upstream.url, "routes": [{"name": "r", "paths": ["/"]}]}
    document = {"services": [service], "plugins": [{"name": "py-hello", "config": {"message": "hi"}}]}
    gateway = Gateway(
        tmp_path / "node",
        document,
        plugins="bundled,py-hello",
        pluginserver_names="py",
        pluginserver_py_start_cmd=f"kong-python-pluginserver -d {tmp_path / 'plugins'}",
    )
    with gateway, RawClient(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert client.response().headers["x-hello-from-python"] == "Python says hi to a.test"
        status, schema = gateway.admin("GET", "/schemas/plugins/py-hello")
        assert status == 200
        config = next(field["config"] for field in schema["fields"] if "config" in field)
        assert config["fields"] == [{"message": {"type": "string"}}]
        document["plugins"][0]["config"] = {"message": 1}  # type: ignore[index]
        status, refused = gateway.admin("POST", "/config", {"_format_version": "3.0", **document})
        assert (status, refused["code"]) == (400, 14)
        assert "message" in json.dumps(refused["fields"])
