"""The plugin contract: one class a plugin, one method a phase, one model for its configuration.

A plugin is declared by its class:

    class Config(PluginConfig):
        header_name: HeaderName = "Kong-Request-ID"

    class CorrelationId(Plugin[Config], name="correlation-id"):
        def access(self, exchange: Exchange) -> None: ...

One instance is made for each plugin entity when it gets in force; it lives until the entity is changed or gone. Compute
in `__init__` what follows from the configuration; a hook does what depends on the request and nothing else. Only the
hooks that a class defines are called. `rewrite`, `access`, `response` and `log` may be coroutine functions; where only
some requests have to wait, a plain one may return a coroutine for those.
"""

from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Generic, Literal, TypeVar, final, get_args, get_origin

from gateline.entities import Entity, Record
from gateline.entities.checks import Check
from gateline.entities.plugin_configs import HTTP_PROTOCOLS
from gateline.pdk.admin import AdminNode, AdminPath
from gateline.pdk.documents import Document
from gateline.pdk.node import Node
from gateline.pdk.priorities import PRIORITIES
from gateline.version import __version__

__all__ = ["PHASES", "Phase", "Plugin", "PluginConfig", "PluginError"]

Phase = Literal["certificate", "rewrite", "access", "response", "header_filter", "body_filter", "log"]
PHASES: tuple[Phase, ...] = ("certificate", "rewrite", "access", "response", "header_filter", "body_filter", "log")
"""The phases, in their order.

- `certificate(handshake)`: a TLS handshake. Plugins without a scope only; plain functions only.
- `rewrite(exchange)`: before routing. Plugins without a scope only.
- `access(exchange)`: routed, before the service is asked. What it returns (`Response`, `ErrorResponse`) is the answer,
  and nothing after it in `rewrite` and `access` runs.
- `response(exchange)`: the service's answer is there, its body whole.
- `header_filter(exchange)`: the head of an answer, the service's or the gateway's own, before it is sent. Plain only.
- `body_filter(exchange, data, last)`: a piece of an answer's body; what it returns takes its place (None: leave it).
  Plain only.
- `log(exchange)`: the client has its answer.
"""

_ASYNC = ("rewrite", "access", "response", "log")


class PluginError(Exception):
    """A plugin's configuration cannot be used, which only its constructor could find out."""


class PluginConfig(Record):
    """The base of plugins' configurations: fields with their constraints and defaults, declared as for entities."""


C = TypeVar("C", bound=PluginConfig)


class Plugin(Generic[C]):
    """The base of plugins.

    Class arguments: `name`; `priority` (default: Kong's for the plugins that it has, else 1000); `version`; `protocols`
    that it handles; scopes that it may not have (`no_service`, `no_route`, `no_consumer`, `no_consumer_group`);
    `checks` on the whole entity; `entities` that it brings; `admin`, its paths in the Admin API; `hooks`, phases for
    which `__init__` may make hooks from the configuration, besides those that are methods.
    """

    name: ClassVar[str] = ""
    priority: ClassVar[int] = 1000
    version: ClassVar[str] = __version__
    config_model: ClassVar[type[PluginConfig]] = PluginConfig
    protocols: ClassVar[tuple[str, ...]] = HTTP_PROTOCOLS
    scopes_refused: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = ()
    entities: ClassVar[tuple[type[Entity], ...]] = ()
    admin: ClassVar[tuple[AdminPath, ...]] = ()
    """Paths of its own in the Admin API."""
    hooks: ClassVar[tuple[Phase, ...]] = ()

    large_body: ClassVar[Literal["refuse", "pass"]] = "refuse"
    """What becomes of a body that is longer than `plugin_body_limit` where the plugin asks for it whole: the request is
    refused (413, or 502 for a response), or it passes without the plugin's having seen its body."""

    deadline: float | None = None
    """Seconds that one call of a coroutine hook may take; set it on the class or, from the configuration, in
    `__init__`."""
    on_deadline: Literal["fail", "continue"] = "fail"
    """What follows when it took longer: the request fails with 500, or it goes on without what the hook would have
    done."""

    idle_phases: tuple[Phase, ...] = ()
    """Phases for which the class has a hook that has nothing to do with this configuration, and is left out of
    requests; set it in `__init__`."""

    config: C
    """The configuration. It and what follows is there already when `__init__` runs."""
    id: str
    """The id of the plugin entity."""
    instance_name: str | None
    node: Node

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        priority: int | None = None,
        version: str | None = None,
        protocols: tuple[str, ...] | None = None,
        no_service: bool = False,
        no_route: bool = False,
        no_consumer: bool = False,
        no_consumer_group: bool = False,
        checks: tuple[Check, ...] | None = None,
        entities: tuple[type[Entity], ...] | None = None,
        admin: tuple[AdminPath, ...] | None = None,
        hooks: tuple[Phase, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            if isinstance(get_origin(base), type) and issubclass(get_origin(base), Plugin):
                (model,) = get_args(base)
                if isinstance(model, type):
                    cls.config_model = model
        if name is not None:
            cls.name = name
            cls.priority = PRIORITIES.get(name, cls.priority)
        if priority is not None:
            cls.priority = priority
        if version is not None:
            cls.version = version
        if protocols is not None:
            cls.protocols = protocols
        refused = {"service": no_service, "route": no_route, "consumer": no_consumer}
        refused["consumer_group"] = no_consumer_group
        cls.scopes_refused = cls.scopes_refused + tuple(scope for scope, no in refused.items() if no)
        if checks is not None:
            cls.checks = checks
        if entities is not None:
            cls.entities = entities
        if admin is not None:
            cls.admin = admin
        if hooks is not None:
            cls.hooks = hooks
        for phase in PHASES:
            if phase not in _ASYNC and iscoroutinefunction(getattr(cls, phase, None)):
                raise TypeError(f"{cls.__name__}.{phase} cannot be a coroutine function")

    def __init__(self, config: C) -> None:
        """Compute what follows from the configuration. Raises PluginError for one that cannot be used."""

    @classmethod
    @final
    def made(cls, config: C, node: Node, id: str = "", instance_name: str | None = None) -> "Plugin[C]":  # noqa: A002
        """An instance for a plugin entity."""
        plugin = cls.__new__(cls)
        plugin.config = config
        plugin.node = node
        plugin.id = id
        plugin.instance_name = instance_name
        plugin.__init__(config)  # type: ignore[misc]  # with what it may need in place
        return plugin

    @classmethod
    def phases(cls) -> tuple[Phase, ...]:
        """The phases for which it has hooks."""
        return tuple(phase for phase in PHASES if phase in cls.hooks or getattr(cls, phase, None) is not None)

    @final
    def hook(self, phase: Phase) -> Callable[..., Any] | None:
        """The method of a phase, None where there is none."""
        method: Callable[..., Any] | None = getattr(self, phase, None)
        return method

    @classmethod
    def documents(cls, config: C) -> Iterable[Document]:  # noqa: ARG003 - for those that override it
        """The documents that the node shall fetch and keep for a configuration; read with `Node.documents`."""
        return ()

    @staticmethod
    async def heard(node: AdminNode, said: str) -> None:
        """Another node of the database says something with `AdminNode.tell`; in the control process."""

    def start(self) -> None:
        """The entity is in force from now on: begin what runs in the background."""

    def close(self) -> None:
        """The entity is not in force any more: end what runs in the background."""

    needs_bodies: bool = True
    """Whether `reads_request` is asked at all: an instance whose configuration never needs a body says no."""

    def reads_request(self, exchange: Any) -> bool:  # noqa: ARG002 - for those that override it
        """Whether `access` needs this request's body whole; asked right before."""
        return False

    def reads_response(self, exchange: Any) -> bool:  # noqa: ARG002
        """Whether `response` (without it, `body_filter`) shall run for this answer; asked when its head has come."""
        return True
