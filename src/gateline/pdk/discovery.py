"""Where plugins come from: the entry points of installed packages, and the files of plugin folders.

A package names its plugins in the entry point group `gateline.plugins` (plugin name = "module:Class"); Gateline's own
are found in the same way. In a plugin folder, each file `NAME.py` (or folder `NAME` with an `__init__.py`) is the
plugin of that name; dashes may be written as underscores. The setting `plugins` says which of them are loaded.

A module is imported when its plugin is asked for. A process loads plugins after its start, so that a reload brings the
code that is on disk then.
"""

import importlib.util
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from gateline.entities.plugin_configs import plugin_type, register, unregister
from gateline.pdk.kong.styles import is_kong_plugin
from gateline.pdk.plugin import Plugin

__all__ = ["GROUP", "PluginLoadError", "Plugins", "plugin_class", "plugin_classes", "register_plugin"]

GROUP = "gateline.plugins"
_OWN = "gateline"

_registered: dict[str, type[Plugin[Any]]] = {}

Load = Callable[[], type[Plugin[Any]]]


class PluginLoadError(Exception):
    """A plugin was asked for and cannot be loaded; the message names it and says why."""


class Plugins:
    """The plugins that the settings allow, by name."""

    def __init__(self, names: Iterable[str] = ("bundled",), folders: Collection[Path] = ()) -> None:
        """Find what there is. Raises PluginLoadError for a name that there is not."""
        found = {**_of_folders(folders), **_of_packages(bundled=False)}
        bundled = _of_packages(bundled=True)
        self._sources: dict[str, Load] = {}
        for name in names:
            if name == "bundled":
                self._sources |= bundled
            elif name in found or name in bundled:
                self._sources[name] = found[name] if name in found else bundled[name]
            elif name != "off":
                raise PluginLoadError(_unknown(name, folders))
        if folders:
            self._sources |= _of_folders(folders)
        self._classes: dict[str, type[Plugin[Any]]] = {}

    @property
    def names(self) -> list[str]:
        """The names of all that can be loaded, in order."""
        return sorted(self._sources)

    def load(self, name: str) -> type[Plugin[Any]] | None:
        """The class of a plugin, None when there is no such plugin. Raises PluginLoadError."""
        known = self._classes.get(name)
        if known is not None:
            return known
        source = self._sources.get(name)
        if source is None:
            return None
        try:
            plugin = source()
        except PluginLoadError:
            raise
        except Exception as error:
            # Whatever a stranger's module does wrong is said with the plugin's name.
            reason = f"{type(error).__name__}: {error}{_place_of(error)}"
            raise PluginLoadError(f"plugin '{name}' cannot be loaded: {reason}") from error
        if plugin.name != name:
            raise PluginLoadError(f"plugin '{name}' cannot be loaded: its class is called '{plugin.name}'")
        register_plugin(plugin)
        self._classes[name] = plugin
        return plugin

    def load_all(self) -> None:
        """Load every plugin, so that configurations that name them can be validated. Raises PluginLoadError."""
        for name in self.names:
            self.load(name)

    def unload(self) -> None:
        """Forget what was loaded."""
        for name in self._classes:
            unregister(name)
        self._classes.clear()

    @property
    def classes(self) -> Mapping[str, type[Plugin[Any]]]:
        """What was loaded."""
        return self._classes


def register_plugin(plugin: type[Plugin[Any]]) -> None:
    """Make a plugin's configuration known to the entities."""
    refused = {f"no_{scope}": True for scope in plugin.scopes_refused}
    known = plugin_type(plugin.name)
    _registered[plugin.name] = plugin
    if known is not None and known.config is plugin.config_model:
        return
    register(
        plugin.name,
        plugin.config_model,
        priority=plugin.priority,
        version=plugin.version,
        protocols=plugin.protocols,
        checks=plugin.checks,
        **refused,
    )


def plugin_class(name: str) -> type[Plugin[Any]] | None:
    """The class of a plugin that was registered."""
    return _registered.get(name)


def plugin_classes() -> Mapping[str, type[Plugin[Any]]]:
    """The classes of all plugins that were registered, by name."""
    return _registered


def _place_of(error: Exception) -> str:
    """Where an error was raised, as a person looks for it; a syntax error tells it itself."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None or isinstance(error, SyntaxError):
        return ""
    return f" ({frame.tb_frame.f_code.co_filename}, line {frame.tb_lineno})"


def _of_packages(*, bundled: bool) -> dict[str, Load]:
    return {
        point.name: point.load
        for point in entry_points(group=GROUP)
        if (point.dist is not None and point.dist.name == _OWN) == bundled
    }


def _of_folders(folders: Collection[Path]) -> dict[str, Load]:
    found: dict[str, Load] = {}
    for folder in folders:
        if not folder.exists():
            raise PluginLoadError(f"the plugin folder {folder} is not there")
        for path in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
            file = path / "__init__.py" if path.is_dir() else path
            if file.suffix == ".py" and file.is_file() and not path.name.startswith((".", "_")):
                if is_kong_plugin(_source(file)):
                    found.setdefault(path.stem, _of_kong_file(path.stem, file))
                else:
                    name = path.stem.replace("_", "-")
                    found.setdefault(name, _of_file(name, file))
    return found


def _of_file(name: str, file: Path) -> Load:
    def load() -> type[Plugin[Any]]:
        return _class_in(name, _imported(name, file))

    return load


def _of_kong_file(name: str, file: Path) -> Load:
    def load() -> type[Plugin[Any]]:
        from gateline.pdk.kong.adapter import adapted  # only where there is such a plugin: it is not light
        from gateline.pdk.kong.package import install

        install()
        module = _imported(name, file)
        files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
        return adapted(name, module, [_source(one) for one in files])

    return load


def _source(file: Path) -> bytes:
    """A file's text; nothing where it cannot be read, which its import will say."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _imported(name: str, file: Path) -> ModuleType:
    module_name = f"gateline_plugin_{name.replace('-', '_')}"
    inside = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(module_name, file, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise PluginLoadError(f"plugin '{name}' cannot be loaded: {file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _class_in(name: str, module: ModuleType) -> type[Plugin[Any]]:
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value.__module__ == module.__name__ and value.name
    ]
    if len(classes) != 1:
        raise PluginLoadError(
            f"plugin '{name}' cannot be loaded: expected one class that derives from Plugin and has a name, "
            f"found {len(classes)} in {module.__file__}"
        )
    return classes[0]


def _unknown(name: str, folders: Collection[Path]) -> str:
    places = f" and no file in {', '.join(map(str, folders))}" if folders else ""
    return f"plugin '{name}' is in the setting 'plugins', but no installed package has it{places}"
