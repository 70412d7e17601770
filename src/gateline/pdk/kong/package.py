"""The module `kong_pdk`, which Kong plugins import for type names and to run as a server of their own.

Where the package is installed it is used; otherwise `install` puts modules of the same names in its place, so that a
plugin's imports work. Nothing in them does anything: what a hook gets is `gateline.pdk.kong.api`.
"""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from gateline.pdk.kong.api import Kong
from gateline.pdk.kong.exceptions import PDKException, PluginServerException
from gateline.pdk.kong.surface import Group

__all__ = ["install"]

_VERSION = "0.4.0"


def install() -> None:
    """Make `import kong_pdk` work."""
    if "kong_pdk" in sys.modules or find_spec("kong_pdk") is not None:
        return
    modules: dict[str, dict[str, Any]] = {
        "kong_pdk": {"__version__": _VERSION},
        "kong_pdk.const": {"__version__": _VERSION, "PY3K": True},
        "kong_pdk.exception": {"PDKException": PDKException, "PluginServerException": PluginServerException},
        "kong_pdk.kong": {"kong": _typed("kong", Kong)},
        "kong_pdk.cli": {"start_dedicated_server": _no_server, "start_server": _no_server},
        "kong_pdk.pdk": {},
        "kong_pdk.pdk.kong": {"kong": _typed("kong", Kong)},
    }
    for name, group in _all_groups(Kong, "kong_pdk.pdk.kong"):
        modules[name] = {name.rpartition(".")[2]: _typed(name.rpartition(".")[2], group)}
    parents = {name.rpartition(".")[0] for name in modules}
    for name, content in modules.items():
        module = ModuleType(name, "Stands for the package kong-pdk inside of Gateline.")
        vars(module).update(content)
        if name in parents:
            module.__path__ = []
        sys.modules[name] = module
    for name in modules:
        parent, _, child = name.rpartition(".")
        if parent and child not in vars(sys.modules[parent]):
            setattr(sys.modules[parent], child, sys.modules[name])


def _typed(name: str, group: type[Group]) -> type:
    """A class for annotations: the groups and functions are there by their names."""
    inside: dict[str, Any] = {inner: _typed(inner, made) for inner, made in group.groups.items()}
    functions = {
        key: staticmethod(method) for key, method in vars(group).items() if hasattr(method, "kong") and key[0] != "_"
    }
    return type(name, (), inside | functions)


def _all_groups(group: type[Group], path: str) -> list[tuple[str, type[Group]]]:
    found = []
    for name, inner in group.groups.items():
        found += [(f"{path}.{name}", inner), *_all_groups(inner, f"{path}.{name}")]
    return found


def _no_server(*_: Any, **__: Any) -> None:
    raise PluginServerException("plugins run inside of the gateway: there is no plugin server to start")
