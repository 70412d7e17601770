"""What a worker offers to plugins: the implementation of `gateline.pdk.node.Node`."""

import asyncio
import inspect
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from gateline.engine import tasks
from gateline.engine.upstream.pool import tls_context
from gateline.pdk.documents import Documents
from gateline.pdk.node import Cache, Counters, Credentials, Entities, HttpClient, Metric, Slots, Tallies
from gateline.pdk.shelf import Shelf
from gateline.sharedstate import SharedStateError, Shelves
from gateline.telemetry import Registry

__all__ = ["PluginNode", "WorkerNode"]

_log = logging.getLogger(__name__)


class WorkerNode:
    """One worker's."""

    def __init__(
        self,
        *,
        node_id: str,
        worker: int,
        credentials: Credentials,
        entities: Entities,
        counters: Counters,
        tallies: Tallies,
        slots: Slots,
        cache: Cache,
        documents: Documents,
        http: HttpClient,
        trusts: Callable[[str], bool],
        settings: Mapping[str, Any],
        shelves: Shelves,
        authorities: tuple[str, ...] = (),
        metrics: Registry | None = None,
    ) -> None:
        self.id = node_id
        self.worker = worker
        self.credentials = credentials
        self.entities = entities
        self.counters = counters
        self.tallies = tallies
        self.slots = slots
        self.cache = cache
        self.documents = documents
        self.http = http
        self.trusts = trusts
        self.settings = settings
        self.shelves = shelves
        self.authorities = authorities
        """PEM texts of the certificate authorities to trust; empty for the system's."""
        self.metrics = metrics or Registry()

    def for_plugin(self, name: str) -> "PluginNode":
        """What one plugin instance gets."""
        return PluginNode(self, name)


class PluginNode:
    """One plugin instance's; see `gateline.pdk.node.Node`. `close` ends what it has in the background."""

    def __init__(self, worker: WorkerNode, name: str) -> None:
        self._worker = worker
        self._name = name
        self._running: set[asyncio.Task[None]] = set()
        self._last: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.id = worker.id
        self.worker = worker.worker
        self.credentials = worker.credentials
        self.entities = worker.entities
        self.counters = worker.counters
        self.tallies = worker.tallies
        self.slots = worker.slots
        self.cache = worker.cache
        self.documents = worker.documents
        self.http = worker.http
        self.trusts = worker.trusts
        self.time = time.time

    def every(self, seconds: float, call: Callable[[], Awaitable[None] | None]) -> Callable[[], None]:
        """Call a function again and again; gives what stops it."""
        task = tasks.start(self._again(seconds, call), name=f"timer of plugin {self._name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

        def stop() -> None:
            task.cancel()

        return stop

    def when_closed(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have a coroutine function run at the end."""
        self._last.append(call)

    async def _again(self, seconds: float, call: Callable[[], Awaitable[None] | None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                outcome = call()
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception:
                _log.exception("a timer of plugin %s failed", self._name)

    def background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside what is under way."""
        task = tasks.start(coroutine, name=f"background of plugin {self._name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> Shelf:
        """A shelf of the node. Raises ValueError when there is no room for it."""
        try:
            return self._worker.shelves.shelf(name, limit=limit, durable=durable)
        except SharedStateError as error:
            raise ValueError(str(error)) from error

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        """A metric that only grows."""
        return self._worker.metrics.metric("counter", name, description, labels=labels)

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = (), *, largest: bool = False) -> Metric:
        """A metric that goes up and down."""
        return self._worker.metrics.metric("gauge", name, description, labels=labels, largest=largest)

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Metric:
        """A metric that counts values by size."""
        return self._worker.metrics.metric("histogram", name, description, buckets, labels)

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        """What a connection to another server begins TLS with."""
        return tls_context(verify, self._worker.authorities if verify else (), ())

    def setting(self, name: str) -> Any:
        """The value of a setting."""
        return self._worker.settings[name]

    def close(self) -> None:
        """The plugin instance is not in force any more."""
        if running := tuple(self._running):
            asyncio.get_running_loop().call_soon(_cancel, running)  # by then each has begun, and ends as it says
        while self._last:
            tasks.start(self._last.pop()(), name=f"end of plugin {self._name}")


def _cancel(running: tuple[asyncio.Task[None], ...]) -> None:
    for task in running:
        task.cancel()
