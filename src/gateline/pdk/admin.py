"""What a plugin adds to the Admin API: paths of its own, answered by the control process of a node.

    class MyPlugin(Plugin[Config], admin=(AdminPath("/my-plugin/{key}", get=AdminCall(look, "What there is")),)):
        ...

The handlers see what the workers share, not the workers themselves. What other nodes have to know is said with
`AdminNode.tell`; there the plugin's `heard` gets it.
"""

import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateline.entities import Plugin
from gateline.pdk.node import Metric
from gateline.pdk.shelf import Shelf

__all__ = ["AdminAnswer", "AdminCall", "AdminNode", "AdminPath", "AdminRequest"]


class AdminNode(Protocol):
    """The node, as its control process knows it."""

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> Shelf:
        """As `Node.shelf`. Raises ValueError."""

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        """As `Node.tls_context`."""

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """As `Node.counter`: `/metrics` shows it beside what the workers count."""

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """As `Node.gauge`."""

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Metric:
        """As `Node.histogram`."""

    async def plugins(self, name: str) -> list[Plugin]:
        """The plugin entities of a name, references to secrets resolved."""

    async def tell(self, name: str, said: str) -> None:
        """Have the other nodes of the same database hear something of a plugin; one that is not there now misses it."""


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """A request to a path."""

    parameters: Mapping[str, str]
    """What stands in the braces of the path."""
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """An answer: a status, and what becomes its JSON body (None: none)."""

    status: int
    body: Any = None


AdminHandler = Callable[[AdminNode, AdminRequest], Coroutine[Any, Any, AdminAnswer]]


@dataclass(frozen=True, slots=True)
class AdminCall:
    """A verb of a path."""

    handler: AdminHandler
    summary: str
    answers: tuple[int, ...] = (200,)
    """The statuses that it answers with."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Arguments, and what each is."""


@dataclass(frozen=True, slots=True)
class AdminPath:
    """A path and its verbs; parameters in braces."""

    path: str
    get: AdminCall | None = None
    delete: AdminCall | None = None
    post: AdminCall | None = None
