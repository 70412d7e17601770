"""Plugins in a running node: loaded from a folder, put in force, changed, failing, reloaded with new code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.nodes import Load, Node, StartFailedError, Upstream, config, service

GREETER = '''
"""A plugin of a test."""

import asyncio
from gateline.pdk import Exchange, Plugin, PluginConfig, PluginError, Response


class Config(PluginConfig):
    says: str = "hello"


class Greeter(Plugin[Config], name="greeter"):
    def __init__(self, config: Config) -> None:
        if config.says == "unusable":
            raise PluginError("nobody can say that")

    async def access(self, exchange: Exchange) -> Response | None:
        await asyncio.sleep(0)
        if exchange.request.path == "/x/raises":
            raise RuntimeError("on purpose")
        return Response(200, "VERSION " + self.config.says)
'''


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "plugins"
    place.mkdir()
    write(place, 1)
    return place


def write(folder: Path, version: int) -> None:
    (folder / "greeter.py").write_text(GREETER.replace("VERSION", f"v{version}"))


def with_plugin(upstream: Upstream, says: str) -> dict[str, Any]:
    plugins = [{"name": "greeter", "config": {"says": says}}]
    return {**config(service("s", upstream.port, "/x")), "plugins": plugins}


def test_a_plugin_of_a_folder_is_put_in_force_and_changed(tmp_path: Path, folder: Path, upstream: Upstream) -> None:
    with Node(tmp_path / "node", plugin_folders=str(folder)) as node:
        node.configure(with_plugin(upstream, "a"))
        assert node.get("/x") == (200, b"v1 a")
        node.configure(with_plugin(upstream, "b"))
        assert {node.get("/x") for _ in range(10)} == {(200, b"v1 b")}
        node.configure(config(service("s", upstream.port, "/x")))
        assert node.get("/x") == (200, b"ok")


def test_a_plugin_that_raises_ends_neither_worker_nor_connection(
    tmp_path: Path, folder: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", plugin_folders=str(folder)) as node:
        node.configure(with_plugin(upstream, "a"))
        workers = node.workers
        for _ in range(5):
            status, body = node.get("/x/raises")
            assert status == 500
            assert b"An unexpected error occurred" in body
        assert node.get("/x") == (200, b"v1 a")
        assert node.workers == workers
        log = node.log.read_text()
        assert "plugin greeter failed in access (request id " in log
        assert "RuntimeError: on purpose" in log


def test_a_configuration_that_the_plugin_refuses_changes_nothing(
    tmp_path: Path, folder: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", plugin_folders=str(folder)) as node:
        node.configure(with_plugin(upstream, "a"))
        status, body = node.admin("POST", "/config", {"_format_version": "3.0", **with_plugin(upstream, "unusable")})
        assert status >= 400
        assert "nobody can say that" in str(body)
        assert node.get("/x") == (200, b"v1 a")


def test_the_admin_api_says_what_a_constructor_refuses(tmp_path: Path, folder: Path) -> None:
    with Node(tmp_path / "node", database="sqlite", plugin_folders=str(folder)) as node:
        status, body = node.admin("POST", "/plugins", {"name": "greeter", "config": {"says": "unusable"}})
        assert (status, body["fields"]) == (400, {"config": "nobody can say that"})
        assert node.admin("POST", "/plugins", {"name": "greeter"})[0] == 201


def test_new_code_is_loaded_by_a_reload_without_a_request_that_fails(
    tmp_path: Path, folder: Path, upstream: Upstream
) -> None:
    with Node(tmp_path / "node", plugin_folders=str(folder)) as node:
        node.configure(with_plugin(upstream, "a"))
        with Load(node.port, "/x") as load:
            write(folder, 2)
            node.write_conf(upstream_keepalive_idle_timeout="31")
            assert node.reload().ok
            load.more(30)
        assert {failure for failure in load.failures if not failure.startswith("200 ")} == set()
        assert node.get("/x") == (200, b"v2 a")


@pytest.mark.parametrize(
    ("code", "says"),
    [("1 +", "SyntaxError"), ("import nothing_there", "nothing_there"), ("x = 1", "expected one class")],
)
def test_a_plugin_that_cannot_be_loaded_stops_the_start_with_a_reason(
    tmp_path: Path, folder: Path, code: str, says: str
) -> None:
    (folder / "broken.py").write_text(code)
    with pytest.raises(StartFailedError) as failed, Node(tmp_path / "node", plugin_folders=str(folder)):
        pass
    assert "plugin 'broken' cannot be loaded" in failed.value.messages[0]
    assert says in failed.value.messages[0]


def test_an_unknown_plugin_in_the_settings_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailedError) as failed, Node(tmp_path / "node", plugins="bundled, nobody-has-this"):
        pass
    assert failed.value.messages == [
        "plugin 'nobody-has-this' is in the setting 'plugins', but no installed package has it"
    ]
