"""Kong's plugin servers: where a Python one would take its plugins from, which then run inside of the gateway.

A start command such as `kong-python-pluginserver --plugins-directory DIR` names a directory of plugins, one such as
`DIR/NAME.py` a single plugin. Both become plugin folders; no server is started.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from gateline.settings.sources import Findings, Given

__all__ = ["use_plugin_servers"]

_SERVERS = frozenset(("kong-python-pluginserver", "kong-pluginserver"))
_DIRECTORY = ("--plugins-directory", "-plugins-directory", "-d")
_PARTS = ("socket", "start_cmd", "query_cmd")


def use_plugin_servers(given: dict[str, Given], findings: Findings) -> frozenset[str]:
    """Add the plugins of Python plugin servers to `plugin_folders`; the names of the settings that this was read from.

    A server in another language is left to the warning about settings without an effect.
    """
    listed = given.get("pluginserver_names")
    if listed is None:
        return frozenset()
    used: set[str] = set()
    all_python = True
    for name in filter(None, (name.strip() for name in listed.text.split(","))):
        settings = [f"pluginserver_{name.lower()}_{part}" for part in _PARTS]
        settings += [f"pluginserver_{name.lower().replace('-', '_')}_{part}" for part in _PARTS]
        command = next((given[one] for one in settings if one.endswith("start_cmd") and one in given), None)
        place = _place_of_plugins(command.text) if command is not None else None
        if command is None or place is None:
            all_python = False
            continue
        folders = given.get("plugin_folders")
        text = f"{folders.text}, {place}" if folders is not None else place
        given["plugin_folders"] = Given("plugin_folders", text, folders.where if folders else command.where)
        used.update(settings)
        findings.warnings.append(
            f"{command.where}: the plugin server {name} is not started: its Python plugins in {place} run inside of "
            "the gateway"
        )
    if all_python:
        used.add("pluginserver_names")
    return frozenset(used)


def _place_of_plugins(command: str) -> str | None:
    """The directory or the file of a Python plugin server's plugins; None where the command is no such server's."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    while words and (Path(words[0]).name.startswith("python") or Path(words[0]).name == "env"):
        words.pop(0)
    if not words:
        return None
    program, *options = words
    if program.endswith(".py"):
        return program
    if Path(program).name not in _SERVERS:
        return None
    for place, option in enumerate(options):
        name, equals, value = option.partition("=")
        if name in _DIRECTORY:
            return value if equals else next(iter(options[place + 1 :]), None)
    return None
