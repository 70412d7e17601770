"""Limits how many requests may be on their way at one time, for each consumer, address, or what else is counted.

The number is exact over all workers of a node. A request takes its place when it comes and gives it back when it is
over, however it ends: answered, refused by another plugin, the client gone, the service dead. A worker that dies,
even by SIGKILL, gives back all of its places at once: each worker holds a lock that the kernel lets go with it.

With `queue_size` requests that find no place wait in their worker, in the order in which they came, for `queue_timeout`
seconds at most. Who comes while others wait waits behind them. What is over a WebSocket counts until that is closed.
Each node counts for itself: with several, `limit` holds on each of them.

Where what `identifier` names is absent (nobody is authenticated, the header is missing) the client's address is
counted, as trusted proxies tell it.
"""

import math
from collections.abc import Coroutine, Mapping
from typing import Annotated, Any

from gateline.pdk import ErrorResponse, Exchange, Plugin
from gateline.pdk.fields import Between, Custom, Field, GreaterThan
from gateline.plugins.limits.identifiers import Identified, identifier_of, identifier_problem
from gateline.plugins.request_concurrency.lines import Lines

__all__ = ["Config", "RequestConcurrency"]

_HELD = object()
"""Under this the exchange keeps its place: the configuration that is in force at its end may be another one."""


class Config(Identified):
    """The limit, who is counted, and what a refused client is told."""

    limit: Annotated[int, GreaterThan(0), Field(description="Requests that may be on their way at one time.")]
    queue_size: Annotated[
        int, Between(0, 100_000), Field(description="Requests that may wait for a place, in each worker.")
    ] = 0
    queue_timeout: Annotated[float, Between(0, 3600), Field(description="Seconds that they wait, at most.")] = 1
    namespace: Annotated[
        str | None, Field(description="Plugins with one namespace count together; null: each for itself.")
    ] = None
    hide_client_headers: Annotated[bool, Field(description="Do not tell clients their limit.")] = False
    error_code: Annotated[float, Between(200, 599), Field(description="The status of a refusal.")] = 429
    error_message: Annotated[str, Field(description="What a refusal says.")] = "Too many concurrent requests"


def _problem(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = identifier_problem(values["config"])
    return {"config": found} if found else None


class RequestConcurrency(Plugin[Config], name="request-concurrency", checks=(Custom(("config",), _problem),)):
    """Gives places to requests."""

    def __init__(self, config: Config) -> None:
        self._limit = config.limit
        self._subject = identifier_of(config)
        self._space = f"concurrency:{config.namespace or self.id}:"
        self._slots = self.node.slots
        self._queues = config.queue_size > 0 and config.queue_timeout > 0
        self._lines = Lines(config.queue_size, config.queue_timeout)
        self._tells = not config.hide_client_headers
        self._code, self._message = int(config.error_code), config.error_message
        self._retry = max(math.ceil(config.queue_timeout), 1)
        counted = self.node.counter(
            "gateline_concurrency_requests_total", "Requests by whether there was a place for them."
        )
        label = self.instance_name or self.id
        self._admitted = counted.labels(outcome="admitted", plugin=label)
        self._waited = counted.labels(outcome="waited", plugin=label)
        self._denied = counted.labels(outcome="refused", plugin=label)

    def access(self, exchange: Exchange) -> ErrorResponse | Coroutine[Any, Any, ErrorResponse | None] | None:
        """Give the request a place, have it wait for one, or refuse it."""
        key = self._space + self._subject(exchange)
        lines = self._lines
        if lines.is_empty(key) and self._enter(exchange, key):
            self._admitted.add()
            return None
        if not self._queues or lines.is_full:
            return self._refused(exchange)
        return self._wait(exchange, key)

    def log(self, exchange: Exchange) -> None:
        """The exchange is over: its place is free."""
        held: _Place | None = exchange.context.pop(_HELD, None)
        if held is not None:
            held.leave()

    def leave(self, key: str) -> None:
        """Give a place back, and call who waits for one."""
        self._slots.leave(key)
        self._lines.call(key)

    async def _wait(self, exchange: Exchange, key: str) -> ErrorResponse | None:
        if await self._lines.wait(key, lambda: self._enter(exchange, key)):
            self._waited.add()
            return None
        return self._refused(exchange)

    def _enter(self, exchange: Exchange, key: str) -> bool:
        inside, entered = self._slots.enter(key, self._limit)
        if entered:
            exchange.context[_HELD] = _Place(self, key)
            self._tell(exchange, self._limit - inside)
        return entered

    def _refused(self, exchange: Exchange) -> ErrorResponse:
        self._denied.add()
        self._tell(exchange, 0)
        return ErrorResponse(self._code, self._message, {"Retry-After": self._retry} if self._tells else None)

    def _tell(self, exchange: Exchange, remaining: int) -> None:
        if self._tells:
            exchange.response.set_header("X-Concurrency-Limit", str(self._limit))
            exchange.response.set_header("X-Concurrency-Remaining", str(max(remaining, 0)))


class _Place:
    """A place that an exchange has."""

    __slots__ = ("_key", "_plugin")

    def __init__(self, plugin: RequestConcurrency, key: str) -> None:
        self._plugin = plugin
        self._key = key

    def leave(self) -> None:
        """Give it back."""
        self._plugin.leave(self._key)
