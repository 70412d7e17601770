"""Kong's settings of plugin servers: the plugins of Python ones run inside."""

from pathlib import Path

import pytest

from gateline.settings import LoadedSettings, load_settings


def _load(directory: Path, **environ: str) -> LoadedSettings:
    return load_settings(
        None, {f"KONG_{name}": value for name, value in environ.items()}, directory=directory, search=()
    )


@pytest.mark.parametrize(
    "command",
    [
        "/usr/local/bin/kong-python-pluginserver --plugins-directory plugins",
        "kong-pluginserver --no-lua-style -d plugins -v",
        "/opt/venv/bin/python3 /opt/venv/bin/kong-python-pluginserver --plugins-directory=plugins",
        "kong-python-pluginserver -p /usr/local/kong -plugins-directory 'plugins'",
    ],
)
def test_the_directory_of_a_python_plugin_server_is_a_plugin_folder(tmp_path: Path, command: str) -> None:
    loaded = _load(
        tmp_path,
        PLUGINS="bundled,my-plugin",
        PLUGINSERVER_NAMES="py",
        PLUGINSERVER_PY_SOCKET="/usr/local/kong/python_pluginserver.sock",
        PLUGINSERVER_PY_START_CMD=command,
        PLUGINSERVER_PY_QUERY_CMD=f"{command} --dump-all-plugins",
    )
    assert loaded.settings.plugin_folders == (tmp_path / "plugins",)
    assert loaded.settings.plugins == ("bundled", "my-plugin")
    [warning] = loaded.warnings
    assert warning == (
        "environment variable KONG_PLUGINSERVER_PY_START_CMD: the plugin server py is not started: its Python plugins "
        "in plugins run inside of the gateway"
    )


def test_plugin_servers_add_to_the_folders_that_are_set(tmp_path: Path) -> None:
    loaded = _load(
        tmp_path,
        PLUGIN_FOLDERS="mine",
        PLUGINSERVER_NAMES="py, py-hello",
        PLUGINSERVER_PY_START_CMD="kong-python-pluginserver -d theirs",
        PLUGINSERVER_PY_HELLO_START_CMD="python3 /kong/py-hello.py -v",
    )
    assert loaded.settings.plugin_folders == (tmp_path / "mine", tmp_path / "theirs", Path("/kong/py-hello.py"))


@pytest.mark.parametrize("command", ["/usr/local/bin/go-pluginserver", "kong-js-pluginserver -d x", "a 'b", "python3"])
def test_a_server_in_another_language_has_no_effect(tmp_path: Path, command: str) -> None:
    loaded = _load(tmp_path, PLUGINSERVER_NAMES="other", PLUGINSERVER_OTHER_START_CMD=command)
    assert loaded.settings.plugin_folders == ()
    assert loaded.warnings == ["no effect yet: pluginserver_names, pluginserver_other_start_cmd"]


def test_a_server_that_is_not_listed_means_nothing(tmp_path: Path) -> None:
    loaded = _load(tmp_path, PLUGINSERVER_PY_START_CMD="kong-python-pluginserver -d x")
    assert loaded.settings.plugin_folders == ()
