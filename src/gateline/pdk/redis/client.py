"""The client that a plugin has of a Redis. Plugins of a worker that mean the same one share its connections."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

from gateline.pdk.node import Node
from gateline.pdk.plugin import PluginError
from gateline.pdk.redis.endpoint import Endpoint, endpoint_of
from gateline.pdk.redis.fields import Redis, RedisAnywhere
from gateline.pdk.redis.pipeline import Pipeline
from gateline.pdk.redis.script import RedisError, Script

__all__ = ["RedisClient"]

_pipelines: "WeakKeyDictionary[Any, dict[Endpoint, Pipeline]]" = WeakKeyDictionary()
"""By worker (its counters stand for it), and by what they reach."""


class RedisClient:
    """Asks the Redis of a configuration. Connections are made when something is asked, and are let go of with the last
    plugin that uses them; what is asked for requests that outlive their plugin has connections for itself. Raises
    PluginError where the client library is not installed."""

    def __init__(self, redis: Redis | RedisAnywhere, node: Node) -> None:
        if find_spec("redis") is None:
            raise PluginError("Redis needs its client library: pip install 'gateline[redis]'")
        self.endpoint = endpoint_of(redis)
        self._node = node
        self._pipeline: Pipeline | None = None
        self._ended = False

    async def run(self, command: str, *arguments: Any) -> Any:
        """The answer to a command, as the client library gives it (texts are bytes). Raises RedisError."""
        answer = await self._ask((command, *map(_sent, arguments)))  # the library looks the command up by text
        if isinstance(answer, Exception):
            raise self._error(answer)
        return answer

    async def run_script(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """What a script returns: sent as its hash, and as its text where Redis does not know it. Raises RedisError."""
        from gateline.pdk.redis.opening import is_unknown_script

        rest = (len(keys), *map(_sent, keys), *map(_sent, arguments))
        answer = await self._ask(("EVALSHA", script.sha, *rest))
        if is_unknown_script(answer):
            answer = await self._ask(("EVAL", script.text, *rest))
        if isinstance(answer, Exception):
            raise self._error(answer)
        return answer

    def _error(self, answer: Exception) -> RedisError:
        return RedisError(f"{self.endpoint}: {answer}")

    async def _ask(self, command: tuple[Any, ...]) -> Any:
        if self._pipeline is not None:
            return await self._pipeline.ask(command)
        pipeline = self._join()
        if not self._ended:
            self._pipeline = pipeline
            self._node.when_closed(self._end)
            return await pipeline.ask(command)
        try:
            return await pipeline.ask(command)
        finally:
            await self._leave(pipeline)

    def _join(self) -> Pipeline:
        endpoint, node = self.endpoint, self._node
        of_worker = _pipelines.setdefault(node.counters, {})
        pipeline = of_worker.get(endpoint)
        if pipeline is None:
            tls = node.tls_context(verify=endpoint.verify) if endpoint.tls else None
            pipeline = of_worker[endpoint] = Pipeline(endpoint, tls)
        pipeline.users += 1
        return pipeline

    async def _leave(self, pipeline: Pipeline) -> None:
        pipeline.users -= 1
        if not pipeline.users:
            _pipelines.get(self._node.counters, {}).pop(self.endpoint, None)
            await pipeline.close()

    async def _end(self) -> None:
        pipeline, self._pipeline, self._ended = self._pipeline, None, True
        if pipeline is not None:
            await self._leave(pipeline)


def _sent(value: Any) -> Any:
    """A value as it is sent; texts may hold what clients sent, whatever that is."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
