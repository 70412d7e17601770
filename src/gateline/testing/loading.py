"""Plugins that a test finds as the gateway does."""

from pathlib import Path
from typing import Any

from gateline.pdk.discovery import PluginLoadError, Plugins
from gateline.pdk.plugin import Plugin

__all__ = ["plugin_from"]


def plugin_from(folder: Path, name: str) -> type[Plugin[Any]]:
    """The plugin of a name in a plugin folder. Raises PluginLoadError."""
    plugin = Plugins((), [folder]).load(name)
    if plugin is None:
        raise PluginLoadError(f"there is no plugin '{name}' in {folder}")
    return plugin
