"""Where plugins come from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateline.entities.plugin_configs import plugin_type
from gateline.pdk.discovery import PluginLoadError, Plugins, plugin_class

CODE = """
from gateline.pdk import Plugin, PluginConfig


class Mine(Plugin[PluginConfig], name="{name}", priority=5):
    pass
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Plugins]:
    (tmp_path / "my_plugin.py").write_text(CODE.format(name="my-plugin"))
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "__init__.py").write_text(
        "from .inner import Mine as Other\n" + CODE.format(name="packaged")
    )
    (tmp_path / "packaged" / "inner.py").write_text(CODE.format(name="inner"))
    (tmp_path / "_helper.py").write_text("1/0")
    (tmp_path / "notes.txt").write_text("not a plugin")
    found = Plugins(["off"], [tmp_path])
    yield found
    found.unload()


def test_files_and_folders_are_plugins(plugins: Plugins) -> None:
    assert plugins.names == ["my-plugin", "packaged"]


def test_a_plugin_is_known_to_the_entities_once_it_is_loaded(plugins: Plugins) -> None:
    assert plugin_type("my-plugin") is None
    loaded = plugins.load("my-plugin")
    assert loaded is not None
    assert (loaded.name, loaded.priority) == ("my-plugin", 5)
    known = plugin_type("my-plugin")
    assert known is not None
    assert known.priority == 5
    assert plugins.load("my-plugin") is loaded
    assert plugin_class("my-plugin") is loaded
    plugins.unload()
    assert plugin_type("my-plugin") is None


def test_everything_is_loaded_at_once(plugins: Plugins) -> None:
    plugins.load_all()
    assert set(plugins.classes) == {"my-plugin", "packaged"}
    assert plugins.load("nobody") is None


def test_a_class_of_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(CODE.format(name="two"))
    with pytest.raises(PluginLoadError, match="plugin 'one' cannot be loaded: its class is called 'two'"):
        Plugins(["off"], [tmp_path]).load("one")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match="is not there"):
        Plugins(["off"], [tmp_path / "nowhere"])


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(PluginLoadError, match="plugin 'nobody' is in the setting 'plugins'"):
        Plugins(["nobody"])
