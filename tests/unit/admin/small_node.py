"""A node without processes, and a client that asks its Admin API without a socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import httpx

from gateline.admin.app import admin_app
from gateline.admin.edge import Edge
from gateline.admin.node import AddressHealth, Figures, Readiness, Rows, Source, WorkerFigures
from gateline.admin.paging import every
from gateline.declarative import digest_of, dump, load_object, load_text
from gateline.entities import Plugin, Snapshot, Target, Upstream
from gateline.pdk.admin import AdminNode
from gateline.pdk.node import Metric
from gateline.settings import Settings, load_settings
from gateline.sharedstate import SharedShelf, Shelves
from gateline.store import MemoryStore, Store, StoreOptions, Transaction, open_store
from gateline.telemetry import Family, Registry

UUID = "5f1d7fbc-0000-4000-8000-000000000001"


class ForPlugins:
    """What paths of plugins have of it."""

    def __init__(self, node: "SmallNode") -> None:
        self._node = node
        self.shelves = Shelves(None)
        self.metrics = Registry()
        self.said: list[tuple[str, str]] = []
        """What plugins told the other nodes."""

    def shelf(self, name: str, *, limit: int, durable: bool = False) -> SharedShelf:
        return self.shelves.shelf(name, limit=limit, durable=durable)

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        raise NotImplementedError

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        return self.metrics.metric("counter", name, description, labels=labels)

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Metric:
        return self.metrics.metric("gauge", name, description, labels=labels)

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Metric:
        return self.metrics.metric("histogram", name, description, buckets, labels)

    async def plugins(self, name: str) -> list[Plugin]:
        found = [one async for one in every(self._node.store, "plugins", {})]
        return [one for one in found if isinstance(one, Plugin) and one.name == name]

    async def tell(self, name: str, said: str) -> None:
        self.said.append((name, said))


class SmallNode:
    """What it loads, or writes to its store, is in force at once."""

    def __init__(self, database: Path | None = None, **settings: str) -> None:
        """Without the file of a database it has a declarative configuration."""
        chosen = {"database": "sqlite" if database else "off", **settings}
        self.settings: Settings = load_settings(environ={}, overrides=chosen, search=()).settings
        self.identity = UUID
        self.master_pid = 1
        self.snapshot = Snapshot()
        self.readiness: Readiness = "ready"
        self.sources: list[Source] = []
        self.refusal: Exception | None = None
        self.memory = MemoryStore()
        self.store: Store = self.memory
        if database is not None:
            self.store = open_store(StoreOptions(database="sqlite", path=database))
        self.log_level = "notice"
        self.levels: list[tuple[str, int]] = []
        self.told: list[str] = []
        """Log levels that the other nodes were told."""
        self.unhealthy: set[tuple[str, str | None]] = set()
        """Ids of targets, and the address or None for the whole."""
        self.addresses: dict[str, list[str]] = {}
        self.more_ports: list[int] = []
        """Of SRV records, at each address, beside the target's."""
        """By names; a name that is not there has the address 192.0.2.1."""
        self.writes: list[tuple[str | None, str | None]] = []

        self.for_plugins: AdminNode = ForPlugins(self)
        self.counted: list[Family] = []
        """What its processes have counted."""

    async def families(self) -> list[Family]:
        return self.counted

    def figures(self) -> Figures:
        return Figures(
            connections_accepted=7,
            connections_handled=7,
            connections_active=3,
            connections_reading=0,
            connections_writing=1,
            connections_waiting=2,
            total_requests=100,
            workers=(WorkerFigures(11, 3 * 2**20), WorkerFigures(12, 2**20)),
            configuration_bytes=2**20,
        )

    async def load(self, source: Source, *, unless_loaded: bool) -> Rows | None:
        self.sources.append(source)
        if self.refusal is not None:
            raise self.refusal
        if unless_loaded and isinstance(source, bytes) and digest_of(source) == self.snapshot.hash:
            return None
        if isinstance(source, bytes):
            self.snapshot = load_text(source, source="test")
        else:
            self.snapshot = load_object(source, source="test")
        self.memory.show(self.snapshot)
        return {"services": {one.id: one.to_wire() for one in self.snapshot.services.values()}, "routes": {}}

    async def dump(self) -> str:
        return dump(self.snapshot)

    @asynccontextmanager
    async def writing(self, *, actor: str | None = None, reason: str | None = None) -> AsyncIterator[Transaction]:
        self.writes.append((actor, reason))
        if self.refusal is not None:
            raise self.refusal
        async with self.store.write(actor=actor, reason=reason) as transaction:
            yield transaction
        whole = await self.store.whole()
        self.snapshot = Snapshot(hash=f"{whole.version:032}", **whole.kinds)

    async def set_log_level(self, level: str, seconds: int, *, everywhere: bool) -> None:
        self.log_level = level
        self.levels.append((level, seconds))
        if everywhere:
            self.told.append(level)

    async def health(self, upstream: Upstream, targets: Sequence[Target]) -> list[list[AddressHealth]]:
        def addresses(target: Target) -> list[AddressHealth]:
            host, _, port = target.target.rpartition(":")
            bare = str(ip_address(host.strip("[]"))) if host[0] in "[0123456789" else host
            found = self.addresses.get(bare, [bare if bare != host or host[0].isdigit() else "192.0.2.1"])
            unhealthy = {address for identifier, address in self.unhealthy if identifier == target.id}
            return [
                AddressHealth(one, other, not unhealthy & {one if other == int(port) else f"{one}:{other}", None})
                for one in found
                for other in (int(port), *self.more_ports)
            ]

        return [addresses(target) for target in targets]

    async def set_health(self, upstream: Upstream, target: Target, address: str | None, *, healthy: bool) -> None:
        if healthy:
            self.unhealthy.discard((target.id, address))
        else:
            self.unhealthy.add((target.id, address))


class Client:
    """Asks an application. In a `with` statement, which opens the node's store, all requests share an event loop."""

    def __init__(self, application: Edge, node: SmallNode | None = None, **headers: str) -> None:
        self.node = node
        self._application = application
        self._headers = headers
        self._runner: asyncio.Runner | None = None

    @classmethod
    def of(cls, node: SmallNode, **headers: str) -> Self:
        """A client of a node's Admin API."""
        return cls(admin_app(node), node, **headers)

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        if self.node is not None:
            self._runner.run(self.node.store.open())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._runner is not None
        if self.node is not None:
            self._runner.run(self.node.store.close())
        self._runner.close()

    def together(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Several requests at the same time."""

        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self._application)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://admin.test", headers=self._headers
            ) as client:
                return await asyncio.gather(
                    *(client.request(method, path, **details) for method, path, details in requests)
                )

        return self._runner.run(ask()) if self._runner else asyncio.run(ask())

    def request(self, method: str, path: str, **details: Any) -> httpx.Response:
        return self.together((method, path, details))[0]

    def get(self, path: str, **details: Any) -> httpx.Response:
        return self.request("GET", path, **details)

    def head(self, path: str) -> httpx.Response:
        return self.request("HEAD", path)

    def options(self, path: str, **details: Any) -> httpx.Response:
        return self.request("OPTIONS", path, **details)

    def post(self, path: str, json: Any = None, **details: Any) -> httpx.Response:
        return self.request("POST", path, **_with(json, details))

    def put(self, path: str, json: Any = None, **details: Any) -> httpx.Response:
        return self.request("PUT", path, **_with(json, details))

    def patch(self, path: str, json: Any = None, **details: Any) -> httpx.Response:
        return self.request("PATCH", path, **_with(json, details))

    def delete(self, path: str, **details: Any) -> httpx.Response:
        return self.request("DELETE", path, **details)


def _with(json: Any, details: dict[str, Any]) -> dict[str, Any]:
    return details if json is None else {**details, "json": json}
