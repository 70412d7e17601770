"""The harness: a worker's engine between a client and a service that are made of bytes."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Self, cast

from gateline.engine.configuration import Change, Configuration
from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.errors import ErrorTemplates
from gateline.engine.exchange import Exchange
from gateline.engine.headers import ResponseHeaders, TrustedProxies
from gateline.engine.local_state import (
    LocalCache,
    LocalCounters,
    LocalCredentials,
    LocalDocuments,
    LocalSlots,
    LocalTallies,
)
from gateline.engine.log_record import log_record
from gateline.engine.node import WorkerNode
from gateline.engine.proxy import Proxy
from gateline.engine.upstream.dynamic import DynamicDestinations
from gateline.engine.upstream.pool import Factory, KeepAlive, Pools
from gateline.engine.wire import codec
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.engine.written import LocalEntities
from gateline.entities import Plugin as PluginEntity
from gateline.entities import Route, Service
from gateline.pdk.discovery import register_plugin
from gateline.pdk.plugin import Plugin, PluginConfig
from gateline.sharedstate import Shelves
from gateline.testing.http import FakeHttp
from gateline.testing.messages import LIMITS, Answer, Sent, ServiceAnswer, body_of, lines_of
from gateline.testing.wires import ServicePool, Wire

__all__ = ["Harness"]

TIME_LIMIT = 10.0
"""Seconds that a request may take."""

Configured = tuple[type[Plugin[Any]], Mapping[str, Any]]
_HEADERS = ("server_tokens", "latency_tokens", "x-kong-request-id")


class Harness:
    """A gateway with one service, one route for every path, and plugins, each with its configuration.

    `entities` says more of the plugin entities, by plugin name: `{"acl": {"consumer": {"id": ...}}}`. `service` and
    `route` override fields of those. Raises `EntityError` for a configuration that is not valid.
    """

    def __init__(
        self,
        *plugins: Configured | type[Plugin[Any]],
        service: Mapping[str, Any] | None = None,
        route: Mapping[str, Any] | None = None,
        entities: Mapping[str, Mapping[str, Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        trusted: Iterable[Any] = (),
        authorities: tuple[str, ...] = (),
        tls: bool = False,
        address: str = "127.0.0.1",
        body_limit: int = 8 * 1024 * 1024,
    ) -> None:
        self.credentials = LocalCredentials()
        """Consumers and credentials that the plugins find."""
        self.entities = LocalEntities(self.credentials)
        """What plugins write, which is among the credentials then."""
        self.counters = LocalCounters()
        self.tallies = LocalTallies()
        """Counters in the database."""
        self.slots = LocalSlots()
        self.cache = LocalCache()
        self.documents = LocalDocuments()
        """Documents that the node keeps."""
        self.shelves = Shelves(None)
        self.http = FakeHttp()
        """What the plugins' HTTP client reaches."""
        self.answers = ServiceAnswer()
        """What the service answers where a request does not say."""
        self._classes: dict[str, type[Plugin[Any]]] = {}
        self._plugins: list[Plugin[Any]] = []
        self._address = address
        self._tls = tls
        trust = TrustedProxies(tuple(trusted))
        self._node = WorkerNode(
            node_id="00000000-0000-4000-8000-000000000000",
            worker=0,
            credentials=self.credentials,
            entities=self.entities,
            counters=self.counters,
            tallies=self.tallies,
            slots=self.slots,
            cache=self.cache,
            documents=self.documents,
            http=self.http,
            shelves=self.shelves,
            trusts=trust.trusts,
            settings={
                "plugin_body_limit": body_limit,
                "untrusted_python": False,
                **(settings or {}),
            },
            authorities=authorities,
        )
        self._pools = _Pools(self)
        self._configuration = Configuration("traditional_compatible", self._pools, make_plugin=self._made)
        self._proxy = Proxy(
            self._configuration.runtime,
            headers=ResponseHeaders(_HEADERS),
            errors=ErrorTemplates(),
            trusted=trust,
            plugin_body_limit=body_limit,
            access_log=self._over,
        )
        self._proxy.destinations = DynamicDestinations(self._configuration, self._pools)
        self._wanted = self.answers
        self.sent: list[Sent] = []
        """What the service was sent so far."""
        self._records: dict[object, dict[str, Any]] = {}
        self._loop = asyncio.new_event_loop()
        self._rows = self._rows_of(plugins, service or {}, route or {}, entities or {})
        self._loop.run_until_complete(self._configure())

    # -- configuration ---------------------------------------------------------------------------------------------
    def _rows_of(
        self,
        plugins: Iterable[Configured | type[Plugin[Any]]],
        service: Mapping[str, Any],
        route: Mapping[str, Any],
        entities: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, list[dict[str, Any]]]:
        made = Service.parse({"name": "service", "host": "service.test", "port": 8080, **service})
        path = Route.parse({"name": "route", "paths": ["/"], "strip_path": False, "service": {"id": made.id}, **route})
        rows = {"services": [made.to_wire()], "routes": [path.to_wire()], "plugins": list[dict[str, Any]]()}
        for one in plugins:
            plugin, config = one if isinstance(one, tuple) else (one, {})
            register_plugin(plugin)
            self._classes[plugin.name] = plugin
            entity = PluginEntity.parse({"name": plugin.name, "config": config, **entities.get(plugin.name, {})})
            rows["plugins"].append(entity.to_wire())
        return rows

    async def _configure(self) -> None:
        change = Change(self._configuration, 1, "", put=self._rows, delete={})
        for _ in change.steps():
            pass
        self._proxy.adopt(change.commit())
        for _ in change.release():
            pass

    def _made(self, entity: PluginEntity) -> Plugin[Any]:
        node = self._node.for_plugin(entity.name)
        config = cast(PluginConfig, entity.config)
        plugin = self._classes[entity.name].made(config, node, entity.id, entity.instance_name)
        self._plugins.append(plugin)
        return plugin

    # -- requests --------------------------------------------------------------------------------------------------
    def request(
        self,
        method: str = "GET",
        target: str = "/",
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        chunks: Iterable[bytes] | None = None,
        service: ServiceAnswer | None = None,
    ) -> Answer:
        """Send a request and give its answer. `chunks` is a body in pieces, sent chunked, in place of `body`."""
        lines = list(headers.items() if isinstance(headers, Mapping) else headers)
        names = {name.lower() for name, _ in lines}
        if "host" not in names:
            lines.insert(0, ("Host", "gateway.test"))
        if chunks is not None:
            lines.append(("Transfer-Encoding", "chunked"))
        elif body is not None and "content-length" not in names:
            lines.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
        pieces = [head.encode("latin-1")]
        if chunks is not None:
            pieces += [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk] + [b"0\r\n\r\n"]
        elif body is not None:
            pieces[0] += body
        self._wanted = service or self.answers
        return self._loop.run_until_complete(self._all([self._exchange(method, pieces)]))[0]

    def at_once(
        self, count: int, method: str = "GET", target: str = "/", *, headers: Mapping[str, str] | None = None
    ) -> list[Answer]:
        """Send the same request, without a body, over so many connections before any of them is answered."""
        lines = {"Host": "gateway.test", **(headers or {})}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        pieces = [head.encode("latin-1") + b"\r\n"]
        self._wanted = self.answers

        limit = TIME_LIMIT * (1 + count / 100)
        exchanges = [self._exchange(method, pieces, limit) for _ in range(count)]
        return self._loop.run_until_complete(self._all(exchanges))

    async def _all(self, exchanges: list[Coroutine[Any, Any, Answer]]) -> list[Answer]:
        """The answers, when all that is logged of them is logged."""
        answers = await asyncio.gather(*exchanges)
        afterwards = {task for task in asyncio.all_tasks() if task.get_name().endswith(" in log")}
        if afterwards:
            await asyncio.wait(afterwards, timeout=TIME_LIMIT)
        return answers

    async def _exchange(self, method: str, pieces: list[bytes], limit: float = TIME_LIMIT) -> Answer:
        before = len(self.sent)
        crowd = Crowd(ClientLimits())
        port = 8443 if self._tls else 8000
        connection = ClientConnection(Door(self._proxy, crowd, LIMITS, port=port, tls=self._tls))
        wire = Wire({"peername": (self._address, 40000), "sockname": ("127.0.0.1", port)})
        connection.connection_made(wire)
        for piece in pieces:
            connection.data_received(piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(limit):
            while (answer := self._answer(method, wire, connection, before)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.0005)  # bytes come when they come
        wire.close()
        self._records.pop(connection, None)
        connection.connection_lost(None)
        return answer

    def _answer(self, method: str, wire: Wire, connection: ClientConnection, before: int) -> Answer | None:
        data = bytes(wire.written)
        head = codec.parse_response(data, LIMITS) if data else None
        while head is not None and head.status < 200:
            data = data[head.size :]
            head = codec.parse_response(data, LIMITS) if data else None
        if head is None:
            if wire.is_closing():
                raise ConnectionError("the connection was ended without an answer")
            return None
        body = b"" if method == "HEAD" else body_of(data, head, response=True)
        record = self._records.get(connection)
        if body is None or record is None:
            if wire.is_closing():
                raise ConnectionError("the connection was ended in the middle of the answer")
            return None
        sent = self.sent[-1] if len(self.sent) > before else None
        return Answer(lines_of(head), body, head.status, sent, record)

    def _over(self, exchange: Exchange) -> None:
        self._records[exchange.downstream] = log_record(exchange)

    # -- the service -----------------------------------------------------------------------------------------------
    def asked(self, sent: Sent) -> list[bytes]:
        """The service was sent a request: what it answers."""
        self.sent.append(sent)
        return self._wanted.pieces(sent.method)

    def close(self) -> None:
        """End what runs in the background and let go of the loop; called by `with`."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(_end(self._plugins))
            self._loop.close()
            self.shelves.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._loop.is_running():
            self._loop.close()
        self.shelves.close()


_GRACE = 0.5
"""Seconds that what outlives the plugins has to end by itself."""


async def _end(plugins: Iterable[Plugin[Any]]) -> None:
    before = asyncio.all_tasks()
    for plugin in plugins:
        plugin.close()
        plugin.node.close()
    ends = asyncio.all_tasks() - before
    if ends:
        await asyncio.wait(ends, timeout=TIME_LIMIT)
    until = asyncio.get_running_loop().time() + _GRACE
    while others := asyncio.all_tasks() - {asyncio.current_task()}:  # what ends may begin something
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            for task in others:
                task.cancel()
        await asyncio.wait(others, timeout=max(left, _GRACE))
    await asyncio.sleep(0)  # connections that were closed let go of their sockets


class _Pools(Pools):
    """Pools of which every connection leads to the service."""

    def __init__(self, harness: Harness) -> None:
        super().__init__(cast(Factory, UpstreamConnection), KeepAlive())
        self._harness = harness

    def get(self, target: Any) -> Any:
        """The pool of a target."""
        pool = self._by_target.get(target)
        if pool is None:
            pool = self._by_target[target] = ServicePool(target, self, self._harness.asked)
        return pool
