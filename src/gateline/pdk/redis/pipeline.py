"""Commands to one Redis, from all plugins of a worker that mean the same one.

What is asked within one turn of the loop, or while all connections are busy, goes in one round trip: so few connections
serve any number of requests.

Failing is defined. Nobody waits longer than the endpoint's timeout. After a failure whoever waits is told at once, and
so is everybody who comes within the next second; then one asks again, alone, and when he is answered all may. Nothing
is asked twice: a counter must not be added to twice.
"""

import asyncio
from collections.abc import Sequence
from ssl import SSLContext
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateline.pdk.redis.endpoint import Endpoint
from gateline.pdk.redis.script import RedisError

if TYPE_CHECKING:
    from gateline.pdk.redis.opening import Command, Opened

__all__ = ["PAUSE", "Pipeline"]

PAUSE = 1.0
"""Seconds after a failure in which nobody asks."""

CONNECTIONS = 4
"""Connections to a server, at most; each carries one batch of commands at a time."""

AT_ONCE = 256
"""Commands in a batch, at most."""


class Pipeline:
    """Asks one Redis. `users`: how many plugins hold it. `tls`: None where plain TCP is spoken."""

    def __init__(self, endpoint: Endpoint, tls: SSLContext | None) -> None:
        self.users = 0
        self.endpoint = endpoint
        self._tls = tls
        self._connections = min(endpoint.connections, CONNECTIONS)
        self._opened: Opened | None = None
        self._queue: list[tuple[Command, asyncio.Future[Any]]] = []
        self._scheduled = False
        self._busy: set[asyncio.Task[None]] = set()
        self._not_before = 0.0
        self._reason = ""

    @property
    def down(self) -> bool:
        """Whether it failed lately, and was not there again since."""
        return self._not_before > 0.0

    async def close(self) -> None:
        """Close all connections, when what was asked before is answered."""
        while self._busy or self._queue:
            await (asyncio.wait(self._busy) if self._busy else asyncio.sleep(0))
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    # -- one command -----------------------------------------------------------------------------------------------
    async def ask(self, command: "Command") -> Any:
        """The answer to a command, which is an exception where the command was wrong. Raises RedisError."""
        if self._not_before:
            now = monotonic()
            if now < self._not_before:
                raise RedisError(f"{self.endpoint} is not asked again yet: {self._reason}")
            self._not_before = now + self.endpoint.timeout + PAUSE  # for the others, while this one tries
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.append((command, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send)
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                return await future
        except TimeoutError:
            self._failed(f"no answer within {self.endpoint.timeout:g} s")
            raise RedisError(f"{self.endpoint}: {self._reason}") from None

    def _failed(self, reason: str) -> None:
        """Nobody who waits is answered any more, and nobody asks for a while."""
        self._not_before, self._reason = monotonic() + PAUSE, reason
        waiting, self._queue = self._queue, []
        for _, future in waiting:
            if not future.done():
                future.set_exception(RedisError(f"{self.endpoint}: {reason}"))

    # -- a batch ---------------------------------------------------------------------------------------------------
    def _send(self) -> None:
        self._scheduled = False
        loop = asyncio.get_running_loop()
        while self._queue and len(self._busy) < self._connections:
            batch, self._queue = self._queue[:AT_ONCE], self._queue[AT_ONCE:]
            task = loop.create_task(self._batch(batch), name=f"commands to {self.endpoint}")
            self._busy.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._busy.discard(task)
        if self._queue:
            self._send()

    async def _batch(self, batch: "list[tuple[Command, asyncio.Future[Any]]]") -> None:
        from gateline.pdk.redis.opening import FAULTS, is_fault, opened

        if self._opened is None:
            self._opened = opened(self.endpoint, self._tls, self._connections)
        answers: Sequence[Any]
        try:
            answers = await self._opened.send([command for command, _ in batch])
            fault = next((answer for answer in answers if is_fault(answer)), None)
        except Exception as error:
            # Also of a command that cannot even be sent those who wait must hear.
            fault, answers = error if is_fault(error) else None, [error] * len(batch)
        if fault is None:
            self._not_before = 0.0
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        if fault is not None:
            self._failed(str(fault) or type(fault).__name__)
            await self._let_go(FAULTS)

    async def _let_go(self, faults: tuple[type[BaseException], ...]) -> None:
        """Another server may be the right one by now."""
        if self._opened is not None:
            try:
                await self._opened.reset()
            except faults as error:
                self._reason = str(error)
