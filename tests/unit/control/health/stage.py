"""A feed, workers that keep what they are told, and the health of a node, for tests."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from gateline.control.feed import FeedServer
from gateline.control.health import NodeHealth, TargetStates
from gateline.control.rows import Delta, Rows, encoded
from gateline.engine.feed import ConfigurationError, WorkerFeed
from gateline.engine.upstream.circuit_rows import KIND as CIRCUITS
from gateline.engine.upstream.circuit_rows import Open, open_from_wire
from gateline.engine.upstream.dns import Answer, Endpoint, NameResolutionError
from gateline.engine.upstream.health import KIND, health_from_wire
from gateline.entities import Entity, Target, Upstream

CHECKS = {"healthchecks": {"passive": {"unhealthy": {"tcp_failures": 1}}}}
U = Upstream.parse({"name": "u.test", **CHECKS})
V = Upstream.parse({"name": "v.test", **CHECKS})
A = Target.parse({"target": "192.0.2.1:80", "upstream": {"id": U.id}})
B = Target.parse({"target": "b.test:80", "upstream": {"id": U.id}})
C = Target.parse({"target": "[2001:db8::1]:80", "upstream": {"id": V.id}})
NAMES = ("192.0.2.8", "192.0.2.9")


def rows(*entities: Entity) -> Rows:
    """Entities as a configuration."""
    by_kind: dict[str, dict[str, Entity]] = {}
    for entity in entities:
        by_kind.setdefault(entity.kind, {})[entity.id] = entity
    return encoded(by_kind)


class Worker:
    """What a worker knows of targets: (serving, the healthy addresses but ..., or only ...)."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.circuits: dict[str, Open] = {}
        self.refuse = False
        self.feed: WorkerFeed

    async def apply(
        self, version: int, full: bool, put: dict[str, list[dict[str, Any]]], delete: dict[str, list[str]], digest: str
    ) -> None:
        if self.refuse and not full:
            raise ConfigurationError("no")
        if full:
            self.known, self.circuits = {}, {}
        for gone in delete.get(CIRCUITS, ()):
            self.circuits.pop(gone, None)
        self.circuits |= {row["id"]: open_from_wire(row) for row in put.get(CIRCUITS, ())}
        for gone in delete.get(KIND, ()):
            self.known.pop(gone, None)
        self.known |= {row["id"]: health_from_wire(row) for row in put.get(KIND, ())}

    @property
    def serving(self) -> dict[str, bool]:
        return {target: known.serving for target, known in self.known.items()}


class Stage:
    """A feed, a worker, and the states; `names` are the addresses of `b.test`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: tuple[str | Endpoint, ...] = NAMES
        listener = socket.socket(socket.AF_UNIX)
        path = str(folder / "feed")
        listener.bind(path)
        listener.listen()
        listener.setblocking(False)
        self._path = path
        self.server = FeedServer(listener, timeout=20)
        self.states = self._states()
        self.health = NodeHealth(self.server, self.states, folder / "circuits.json")
        self._tasks: list[asyncio.Task[None]] = []

    def _states(self) -> TargetStates:
        made = TargetStates(self.server, self.folder / "health.json")

        async def look_up(host: str) -> Answer:
            names = self.names if host == "b.test" else (host,)
            if not names:
                raise NameResolutionError(host)
            return Answer(tuple(Endpoint(name) if isinstance(name, str) else name for name in names), 60.0)

        made._resolver.look_up = look_up  # type: ignore[method-assign]
        return made

    async def worker(self) -> Worker:
        worker = Worker()
        life = worker.feed = WorkerFeed(self._path, index=len(self._tasks), generation=1, apply=worker.apply)
        self._tasks.append(asyncio.get_running_loop().create_task(life.run()))
        if self.server.published:
            await self.server.complete(len(self._tasks))
        else:
            while len(self.server.workers) < len(self._tasks):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        return worker

    async def change(self, put: Sequence[Entity] = (), delete: Sequence[Entity] = ()) -> None:
        """Put a change in force."""
        gone: dict[str, list[str]] = {}
        for entity in delete:
            gone.setdefault(entity.kind, []).append(entity.id)
        await self.server.change(Delta(rows(*put), gone), "more")

    async def lose(self, worker: int) -> None:
        """Let a worker die."""
        self._tasks[worker].cancel()
        await asyncio.gather(self._tasks[worker], return_exceptions=True)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.health.close()
        self.states.close()
        self.server.close()
        await asyncio.sleep(0)


def play(tmp_path: Path, scene: Callable[[Stage], Awaitable[None]], *entities: Entity) -> None:
    """Run a scene; these entities are in force, if there are any."""

    async def main() -> None:
        stage = Stage(tmp_path)
        await stage.server.start()
        await stage.states.start()
        stage.health.start()
        try:
            if entities:
                await stage.server.publish(rows(*entities), "one")
            async with asyncio.timeout(60):
                await scene(stage)
        finally:
            await stage.end()

    asyncio.run(main())
