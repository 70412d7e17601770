"""A change of the plugins in force, in preparation: new instances for what has changed, and the set with them."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gateline.engine.chain import InForce, PluginSet, scope_key
from gateline.engine.draft import Draft, Ids, IdsDraft

if TYPE_CHECKING:
    from gateline.entities import Plugin as PluginEntity
    from gateline.pdk.plugin import Plugin

__all__ = ["Make", "PluginsDraft", "PluginsInForce", "UnusablePluginError"]

_log = logging.getLogger(__name__)

Make = Callable[["PluginEntity"], "Plugin[Any]"]
"""Makes the instance of a plugin entity; what it raises means that the entity cannot be used."""


class UnusablePluginError(Exception):
    """A plugin entity of which no instance can be made; the message names it and says why."""


class PluginsInForce:
    """The plugin entities that are enabled: their instances by id, and their ids by `scope_key`."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.by_id: dict[str, InForce] = {}
        self.ids_at: dict[str, Ids] = {}
        self.set: PluginSet | None = None


class PluginsDraft:
    """See the module."""

    def __init__(self, plugins: PluginsInForce) -> None:
        self._plugins = plugins
        self._by_id = Draft(plugins.by_id)
        self._ids_at = IdsDraft(plugins.ids_at)
        self._come: list[InForce] = []
        self._gone: list[InForce] = []

    def compile(self, changed: Iterable[str], entities: "Draft[str, PluginEntity]") -> Iterator[None]:
        """Make the instances, one at a step. Raises UnusablePluginError."""
        for one in changed:
            entity = entities.get(one)
            before = self._by_id.get(one)
            if before is not None:
                self._ids_at.discard(scope_key(before.entity), one)
                self._gone.append(before)
            if entity is not None and entity.enabled:
                made = self._made(entity)
                self._come.append(made)
                self._by_id.put(one, made)
                self._ids_at.add(scope_key(entity), one)
            elif before is not None:
                self._by_id.put(one, None)
            yield

    def _made(self, entity: "PluginEntity") -> InForce:
        try:
            return InForce(entity, self._plugins.make(entity))
        except Exception as error:
            # Whatever a plugin's constructor does must neither end the worker nor stay unsaid.
            raise UnusablePluginError(f"plugin '{entity.name}' ({entity.id}) cannot be used: {error}") from error

    def drafts(self) -> list[Draft[Any, Any]]:
        """The drafts of the tables."""
        return [self._by_id, self._ids_at]

    def dropped(self) -> None:
        """The change will not be: what was made for it is closed."""
        _each(self._come, "close")

    def commit(self) -> PluginSet | None:
        """Put the change in force; gives the plugins' set."""
        plugins = self._plugins
        if self._come or self._gone:
            plugins.by_id = self._by_id.commit()
            plugins.ids_at = self._ids_at.commit()
            plugins.set = PluginSet(plugins.by_id, plugins.ids_at) if plugins.by_id else None
            _each(self._come, "start")
        return plugins.set

    def release(self) -> None:
        """After `commit`: close what is not in force any more."""
        _each(self._gone, "close")


def _each(plugins: list[InForce], method: str) -> None:
    for one in plugins:
        try:
            getattr(one.plugin, method)()
            if method == "close":
                one.plugin.node.close()
        except Exception:
            _log.exception("%s of plugin %s failed", method, one.name)
    plugins.clear()
