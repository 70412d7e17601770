"""What the control process offers to the paths that plugins have in the Admin API (`gateline.pdk.admin.AdminNode`)."""

import logging
import ssl
from collections.abc import Awaitable, Callable

from gateline.admin.paging import every
from gateline.control.nodes import PluginSaid, Said
from gateline.engine.upstream.pool import tls_context
from gateline.entities import Plugin
from gateline.pdk.discovery import plugin_class
from gateline.pdk.node import Metric
from gateline.pdk.shelf import Shelf
from gateline.sharedstate import SharedStateError, Shelves
from gateline.store import Store
from gateline.telemetry import Registry

__all__ = ["PluginAdmin"]

logger = logging.getLogger(__name__)


class PluginAdmin:
    """See `gateline.pdk.admin.AdminNode`.

    `say` tells the other nodes; `authorities`: PEM texts, the system's when empty.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        shelves: Shelves,
        say: Callable[[Said], Awaitable[None]],
        authorities: tuple[str, ...],
        metrics: Registry,
    ) -> None:
        self._store = store
        self._shelves = shelves
        self._say = say
        self._authorities = authorities
        self._metrics = metrics

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> Shelf:
        """A shelf of the node. Raises ValueError."""
        try:
            return self._shelves.shelf(name, limit=limit, durable=durable)
        except SharedStateError as error:
            raise ValueError(str(error)) from error

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        """What a connection to another server begins TLS with."""
        return tls_context(verify, self._authorities if verify else (), ())

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """A metric that only grows."""
        return self._metrics.metric("counter", name, description, labels=labels)

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """A metric that goes up and down."""
        return self._metrics.metric("gauge", name, description, labels=labels)

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Metric:
        """A metric that counts values by size."""
        return self._metrics.metric("histogram", name, description, buckets, labels)

    async def plugins(self, name: str) -> list[Plugin]:
        """The plugin entities of a name."""
        store = self._store()
        return [one async for one in every(store, "plugins", {}) if isinstance(one, Plugin) and one.name == name]

    async def tell(self, name: str, said: str) -> None:
        """Have the other nodes hear something of a plugin."""
        await self._say(PluginSaid(name, said))

    async def heard(self, said: PluginSaid) -> None:
        """Another node says something to a plugin."""
        plugin = plugin_class(said.name)
        if plugin is None:
            return
        try:
            await plugin.heard(self, said.said)
        except Exception:
            logger.exception("what another node says to plugin %s cannot be done", said.name)

    def close(self) -> None:
        """Let go of the shelves."""
        self._shelves.close()
