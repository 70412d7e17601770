"""A stage for one conversation: an upstream with a script, a worker in front of it, clients."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from harness.client import RawClient
from harness.node import Node, configuration
from harness.upstream import RawUpstream, Script

__all__ = ["Stage", "Stages"]


class Stage:
    """One upstream behind one worker."""

    def __init__(self, node: Node, upstream: RawUpstream, stack: ExitStack) -> None:
        self.node = node
        self.upstream = upstream
        self._stack = stack

    def client(self) -> RawClient:
        """A new connection to the plain listener."""
        return self._stack.enter_context(RawClient(self.node.port))


class Stages:
    """Makes stages and takes them down at the test's end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def upstream(self, script: Script | None = None, **options: Any) -> RawUpstream:
        """An upstream alone; without a script it answers every request with `ok`."""
        return self._stack.enter_context(RawUpstream(script, **options) if script else RawUpstream(**options))

    def node(self, config: Mapping[str, list[dict[str, Any]]], settings: Mapping[str, str] | None = None) -> Node:
        """A worker alone."""
        return self._stack.enter_context(Node(config, settings))

    def set(
        self,
        script: Script | None = None,
        *,
        service: Mapping[str, Any] | None = None,
        route: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        plugins: Sequence[Mapping[str, Any]] = (),
    ) -> Stage:
        """A worker whose one route takes every path as it is; fields of service and route may be added or replaced.

        `plugins` are rows of plugin entities.
        """
        upstream = self.upstream(script)
        routes = [{"name": "r", "paths": ["/"], "strip_path": False, **(route or {})}]
        config = configuration({"name": "s", "url": upstream.url, "routes": routes, **(service or {})})
        config["plugins"] = [dict(plugin) for plugin in plugins]
        return Stage(self.node(config, settings), upstream, self._stack)
