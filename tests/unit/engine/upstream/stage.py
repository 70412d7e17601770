"""An engine between clients and targets without sockets: each target does as it is told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from gateline.engine.configuration import Configuration
from gateline.engine.door import ClientLimits, Crowd, Door
from gateline.engine.errors import ErrorTemplates, Failure
from gateline.engine.exchange import Exchange
from gateline.engine.headers import ResponseHeaders, TrustedProxies
from gateline.engine.proxy import Proxy
from gateline.engine.streams import PooledStream
from gateline.engine.upstream.dynamic import DynamicDestinations
from gateline.engine.upstream.places import Place
from gateline.engine.upstream.pool import Factory, KeepAlive, Pool, Pools, Target
from gateline.engine.upstream.watch import WatchMaker
from gateline.engine.wire.codec import Limits
from gateline.engine.wire.http1 import ClientConnection
from gateline.engine.wire.http1_upstream import UpstreamConnection
from gateline.entities import Entity
from gateline.testing.messages import Sent, ServiceAnswer
from gateline.testing.wires import ServicePool, Wire
from unit.engine.configurations import put_in_force

Behaviour = ServiceAnswer | Failure | str
"""An answer; a failure to connect; `silence`, `reset` once the request came, or `half` an answer and then a reset."""

_LIMITS = Limits(line=1 << 16, head=1 << 20, count=1000)


class Client:
    """A client's connection, and what came back on it."""

    def __init__(self, proxy: Proxy) -> None:
        self.wire = Wire({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)})
        self.connection = ClientConnection(Door(proxy, Crowd(ClientLimits()), _LIMITS, port=8000, tls=False))
        self.connection.connection_made(self.wire)

    def send(self, path: str = "/", *lines: str, method: str = "GET") -> None:
        """Send a request."""
        self.connection.data_received("\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode())

    @property
    def answered(self) -> bytes:
        """What came back."""
        return bytes(self.wire.written)

    @property
    def status(self) -> int:
        """The status that came back, 0 while there is none."""
        return int(self.answered[9:12] or 0)

    def leave(self) -> None:
        """Hang up."""
        self.wire.close()
        self.connection.connection_lost(None)


class Stage:
    """A worker's engine with the entities that it is given. `behaviours` by host; who says nothing answers `ok`.

    Other `pools` lead to targets that do something else.
    """

    def __init__(
        self,
        *entities: Entity,
        makers: Sequence[WatchMaker] = (),
        locality: str | None = None,
        pools: Pools | None = None,
    ) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.asked: list[str] = []
        """The hosts that were asked, in order."""
        self.over: list[Exchange] = []
        """The exchanges that are over."""
        self.pools = pools = pools or _Pools(self)
        self.configuration = Configuration("traditional_compatible", pools, watch_makers=makers, locality=locality)
        self.proxy = Proxy(
            self.configuration.runtime,
            headers=ResponseHeaders(()),
            errors=ErrorTemplates(),
            trusted=TrustedProxies(()),
            access_log=self.over.append,
        )
        self.proxy.destinations = DynamicDestinations(self.configuration, pools)
        self.change(*entities)

    def change(self, *put: Entity, delete: Sequence[Entity] = ()) -> None:
        """Change the configuration."""
        put_in_force(self.configuration, *put, delete=delete)
        self.proxy.adopt(self.configuration.runtime)

    def client(self) -> Client:
        """A new client."""
        return Client(self.proxy)

    async def request(self, path: str = "/", *lines: str, method: str = "GET") -> Client:
        """A client that has sent a request and has its answer."""
        client = self.client()
        before = len(self.over)
        client.send(path, *lines, method=method)
        for _ in range(200):
            if len(self.over) > before:
                break
            await asyncio.sleep(0)
        assert len(self.over) > before, "the request is not over"
        return client


class _Pools(Pools):
    def __init__(self, stage: Stage) -> None:
        super().__init__(cast(Factory, UpstreamConnection), KeepAlive())
        self._stage = stage

    def get(self, target: Target) -> Any:
        pool = self._by_target.get(target)
        if pool is None:
            pool = self._by_target[target] = _TargetPool(target, self, self._stage)
        return pool


class _TargetPool(ServicePool):
    def __init__(self, target: Target, pools: Pools, stage: Stage) -> None:
        super().__init__(target, pools, self._answer)
        self._stage = stage

    def connect(self, exchange: Exchange, timeout: float) -> None:
        behaviour = self._stage.behaviours.get(self.target.host)
        if isinstance(behaviour, Failure):
            self._stage.asked.append(self.target.host)
            asyncio.get_running_loop().call_soon(exchange.upstream_failed, behaviour, False)
        else:
            super().connect(exchange, timeout)

    def opened(self, connection: Any) -> None:
        super().opened(connection)
        self._latest = connection

    def _answer(self, sent: Sent) -> list[bytes]:
        self._stage.asked.append(self.target.host)
        behaviour = self._stage.behaviours.get(self.target.host, ServiceAnswer(body=b"ok"))
        if isinstance(behaviour, ServiceAnswer):
            return behaviour.pieces(sent.method)
        if behaviour != "silence":
            connection = self._latest
            asyncio.get_running_loop().call_soon(
                lambda: asyncio.get_running_loop().call_soon(connection.connection_lost, None)
            )
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"] if behaviour == "half" else []


class MadePools(Pools):
    """Pools of which every connection is made by `make`, which gives it a wire."""

    def __init__(self, make: Callable[[UpstreamConnection], None]) -> None:
        super().__init__(cast(Factory, UpstreamConnection), KeepAlive())
        self.make = make

    def get(self, target: Target) -> Pool:
        pool = self._by_target.get(target)
        if pool is None:
            pool = self._by_target[target] = _MadePool(target, self)
        return pool


class _MadePool(Pool):
    def __init__(self, target: Target, pools: MadePools) -> None:
        super().__init__(target, pools)
        self._make = pools.make

    async def _open_at(self, place: Place, connected: object = None) -> PooledStream:
        connection = UpstreamConnection(self)
        connection.place = place
        self._make(connection)
        await asyncio.sleep(0)
        return connection
