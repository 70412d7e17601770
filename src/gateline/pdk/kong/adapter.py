"""A Kong plugin file becomes a plugin of ours: its class, its hooks, its configuration.

Hooks run on the worker's loop when the file only uses modules that compute, and in threads when it may wait for
something; a file may say which with `gateline_runs_in = "loop"` or `"threads"`. How results are returned is read in the
file too, unless it says `gateline_lua_style`. See docs/decisions/0011.
"""

import logging
import threading
from collections.abc import Callable, Collection
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, cast

from gateline.pdk.answers import Answer
from gateline.pdk.exchange import Exchange
from gateline.pdk.kong.api import paths, surface_for
from gateline.pdk.kong.exceptions import Exit
from gateline.pdk.kong.schema import config_from
from gateline.pdk.kong.styles import Reading, read
from gateline.pdk.kong.threads import Threads, on_loop
from gateline.pdk.plugin import Plugin, PluginConfig, PluginError

__all__ = ["KongPlugin", "adapted"]

_PHASES = ("certificate", "rewrite", "access", "response", "log")
_RUNS_IN = "gateline_runs_in"
_LUA_STYLE = "gateline_lua_style"

_threads = Threads()


class KongPlugin(Plugin[PluginConfig]):
    """What all adapted plugins are; `adapted` makes the classes."""

    kong_class: ClassVar[Any]
    surfaces: ClassVar[dict[str, Any]]
    logger: ClassVar[logging.Logger] = logging.getLogger("gateline.plugins")

    in_threads: ClassVar[bool] = False
    on_loop: Callable[..., Any] = staticmethod(on_loop)
    """Calls a function where the worker's own state may be touched."""

    def __init__(self, config: PluginConfig) -> None:
        """One instance of the file's class for each plugin entity, for as long as that is in force.

        Of a class that may block it is made with the first request, as in Kong: what it connects to may not be there
        yet, and is the request's concern, not the configuration's.
        """
        self.instance: Any = None
        self._given = _without_nulls(config.to_wire())
        self._making = threading.Lock()
        if not self.in_threads:
            try:
                self.made_instance()
            except Exception as error:
                raise PluginError(f"the plugin {self.name} refuses its configuration: {error}") from error

    def made_instance(self) -> Any:
        """The instance, made when there is none yet."""
        with self._making:
            if self.instance is None:
                self.instance = self.kong_class(self._given)
            return self.instance


def adapted(name: str, module: ModuleType, sources: Collection[bytes]) -> type[Plugin[Any]]:
    """The plugin of a module with Kong's layout; `sources` are its files. Raises ValueError for what is wrong there."""
    kong_class = getattr(module, "Plugin", None)
    if not isinstance(kong_class, type):
        raise ValueError("it has no class 'Plugin'")
    reading = read(sources, paths(), lua_style=getattr(module, _LUA_STYLE, None))
    phases = [phase for phase in _PHASES if callable(getattr(kong_class, phase, None))]
    threads = _runs_in_threads(module, reading)
    inside: dict[str, Any] = {
        "__doc__": module.__doc__,
        "__module__": __name__,
        "kong_class": kong_class,
        "surfaces": {phase: surface_for(reading.styles, phase) for phase in phases},
        "large_body": "refuse" if "response" in phases else "pass",
    }
    for phase in phases:
        inside[phase] = _hook(phase, inside["surfaces"][phase], threads=threads and phase != "certificate")
    inside["in_threads"] = threads
    if reading.reads_body:
        inside["reads_request"] = _always
    inside["config_model"] = config_from(getattr(module, "Schema", None), name)
    return cast(type[Plugin[Any]], type(kong_class.__name__, (KongPlugin,), inside, **_declared(name, module)))


def _without_nulls(value: Any) -> Any:
    """A configuration as Kong gives it to plugin servers: what is not set is not there."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return value


def _declared(name: str, module: ModuleType) -> dict[str, Any]:
    priority = getattr(module, "priority", 0)
    version = getattr(module, "version", None)
    if isinstance(priority, bool) or not isinstance(priority, int | float):
        raise ValueError(f"its 'priority' must be a number, not {priority!r}")
    return {"name": name, "priority": int(priority), "version": str(version) if version else "0.0.0"}


def _runs_in_threads(module: ModuleType, reading: Reading) -> bool:
    said = getattr(module, _RUNS_IN, None)
    if said is None:
        return reading.may_block
    if said not in ("loop", "threads"):
        raise ValueError(f"its '{_RUNS_IN}' must be 'loop' or 'threads', not {said!r}")
    return bool(said == "threads")


def _always(_: KongPlugin, __: Any) -> bool:
    return True


def _hook(phase: str, surface: Any, *, threads: bool) -> Callable[..., Any]:
    """The method of ours for a phase."""

    def run(self: KongPlugin, exchange: Exchange) -> Answer | None:
        try:
            instance = self.instance
            if instance is None:
                instance = self.made_instance()
            getattr(instance, phase)(surface(exchange, self))
        except Exit as ended:
            return ended.answer
        return None

    async def run_in_thread(self: KongPlugin, exchange: Exchange) -> Answer | None:
        return await _threads.run(partial(run, self, exchange))

    return run_in_thread if threads else run
