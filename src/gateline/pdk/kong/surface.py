"""How a plugin sees Kong's kit: functions in nested groups, made for one phase and one style of returning.

A group's functions are plain methods; a decorator says in which phases each may be called and whether it can fail. For
a plugin file, `surface` makes of them the classes that its hooks get: what may not be called in the phase raises,
Kong's Lua style gives `(value, error)`. That is worked out when the plugin is loaded, so a call on a request costs
little more than the method itself. No group refers back to the one that it is in: a cycle would cost a collection.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from gateline.pdk.kong.exceptions import Failure, PDKException

__all__ = ["Group", "Styles", "function", "functions", "surface"]

F = TypeVar("F", bound=Callable[..., Any])

KONG_PHASES = (
    "init_worker",
    "certificate",
    "rewrite",
    "access",
    "response",
    "header_filter",
    "body_filter",
    "log",
    "preread",
    "balancer",
    "admin_api",
)
"""In the order in which messages list them."""

ALL = frozenset({"init_worker", "certificate", "rewrite", "access", "response", "header_filter", "body_filter", "log"})


def function(phases: Collection[str] = ALL, *, fails: bool = False, ends: bool = False) -> Callable[[F], F]:
    """Mark a method as a function of the kit. `fails`: it may raise `Failure`; `ends`: it never returns."""

    def mark(method: F) -> F:
        method.kong = (frozenset(phases), fails, ends)  # type: ignore[attr-defined]
        return method

    return mark


class Group:
    """A group of functions, such as `kong.request`; a group inside of it is made whenever it is asked for."""

    __slots__ = ("_plugin", "_x")

    groups: ClassVar[Mapping[str, "type[Group]"]] = {}
    phase: ClassVar[str] = ""

    def __init__(self, exchange: Any, plugin: Any) -> None:
        """`exchange`: a `gateline.pdk.Exchange`, in `certificate` the handshake; `plugin`: the adapter."""
        self._x = exchange
        self._plugin = plugin

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Kong's kit has no '{name}' here")


class Styles:
    """Which functions return a plain value, and which a pair `(value, error)`: Lua's way."""

    def __init__(self, plain: Collection[str] = (), *, pairs: bool = True) -> None:
        """`plain` are paths such as `request.get_header`; `pairs` is the style of all others."""
        self.plain = frozenset(plain)
        self.pairs = pairs

    def is_pair(self, path: str) -> bool:
        """Whether the function of a path returns a pair."""
        return self.pairs and path not in self.plain


def functions(group: type[Group], path: str = "") -> Iterator[str]:
    """The paths of all functions in a group and the groups inside."""
    for name in dict(_methods(group)):
        yield path.removesuffix(".") if name == "__call__" else path + name
    for name, inner in group.groups.items():
        yield from functions(inner, f"{path}{name}.")


def surface(group: type[Group], styles: Styles, phase: str, path: str = "") -> type[Group]:
    """The class of a group for one phase and one way of returning."""
    made: dict[str, Any] = {"phase": phase, "__module__": __name__, "__slots__": ()}
    for name, method in _methods(group):
        where = path.removesuffix(".") if name == "__call__" else path + name
        made[name] = _bound(method, where, styles, phase)
    for name, inner in group.groups.items():
        made[name] = _made_when_asked(surface(inner, styles, phase, f"{path}{name}."))
    return type(group.__name__, (group,), made)


def _made_when_asked(inner: type[Group]) -> property:
    def make(self: Any) -> Group:
        return inner(self._x, self._plugin)

    return property(make)


def _methods(group: type[Group]) -> Iterator[tuple[str, Any]]:
    for base in reversed(group.__mro__):
        yield from ((name, method) for name, method in vars(base).items() if hasattr(method, "kong"))


def _bound(method: Any, path: str, styles: Styles, phase: str) -> Any:
    phases, fails, ends = method.kong
    if phase not in phases:
        return _refusing(phases, phase)
    if ends:
        return method
    if styles.is_pair(path):
        return _pair(method)
    return _raising(method, path) if fails else method


def _refusing(phases: Collection[str], phase: str) -> Any:
    allowed = ", ".join(one for one in KONG_PHASES if one in phases)
    message = f"function cannot be called in {phase} phase (only in: {allowed})"

    def refuse(*_: Any) -> Any:
        raise PDKException(message)

    return refuse


def _pair(method: Any) -> Any:
    def call(self: Any, *arguments: Any) -> Any:
        try:
            return method(self, *arguments), None
        except Failure as failure:
            return None, str(failure)

    return call


def _raising(method: Any, path: str) -> Any:
    def call(self: Any, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except Failure as failure:
            raise PDKException(f"exception from kong.{path}: {failure}") from None

    return call
