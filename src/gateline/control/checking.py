"""What the workers would refuse, found before it is stored: a change is compiled here as they would compile it."""

import asyncio
from collections.abc import Iterable
from typing import cast

from gateline.engine.local_state import (
    LocalCache,
    LocalCounters,
    LocalCredentials,
    LocalDocuments,
    LocalSlots,
    LocalTallies,
)
from gateline.engine.node import WorkerNode
from gateline.engine.router import Flavor, RouteError, RouterBuilder
from gateline.engine.written import LocalEntities
from gateline.entities import EntityError, Plugin, Route
from gateline.entities.errors import SCHEMA_VIOLATION
from gateline.entities.resolving import refers
from gateline.pdk.discovery import plugin_class
from gateline.pdk.node import HttpClient
from gateline.pdk.plugin import PluginConfig
from gateline.sharedstate import Shelves
from gateline.store import Change

MANY = 100
"""Routes from which on they are compiled in a thread, so that the process does other things meanwhile."""


async def refuse_unusable(change: Change, flavor: str) -> None:
    """Raise EntityError for the first entity of a change that a worker cannot use."""
    for entity in change.put.get(Plugin.kind, ()):
        if isinstance(entity, Plugin) and entity.enabled:
            refuse_unmakable(entity)
    routes = [entity for entity in change.put.get(Route.kind, ()) if isinstance(entity, Route)]
    if len(routes) < MANY:
        refuse_unroutable(routes, flavor)
    else:
        await asyncio.to_thread(refuse_unroutable, routes, flavor)


def refuse_unmakable(entity: Plugin) -> None:
    """Raise EntityError for a plugin of which a worker could make no instance.

    One with references to secrets is left to the workers: only there they have their values.
    """
    plugin = plugin_class(entity.name)
    if plugin is None or refers(entity):
        return
    node = _NODE.for_plugin(entity.name)
    try:
        plugin.made(cast(PluginConfig, entity.config), node, entity.id, entity.instance_name)
    except Exception as error:
        # Whatever a plugin's constructor raises is what is wrong with the configuration.
        reason = str(error) or type(error).__name__
        raise EntityError(SCHEMA_VIOLATION, f"schema violation (config: {reason})", {"config": reason}) from error
    finally:
        node.close()


_NOBODY = LocalCredentials()
_NODE = WorkerNode(
    node_id="",
    worker=0,
    credentials=_NOBODY,
    entities=LocalEntities(_NOBODY),
    counters=LocalCounters(),
    tallies=LocalTallies(),
    slots=LocalSlots(),
    cache=LocalCache(),
    documents=LocalDocuments(),
    http=cast(HttpClient, None),
    trusts=lambda _: False,
    settings={},
    shelves=Shelves(None),
)
"""What a constructor gets that is only tried: nothing is found there, and nothing kept."""


def refuse_unroutable(routes: Iterable[Route], flavor: str) -> None:
    """Raise EntityError for the first route that cannot be compiled."""
    builder = RouterBuilder(cast(Flavor, flavor))
    for route in routes:
        try:
            builder.add(route, None)
        except RouteError as error:
            raise EntityError(
                SCHEMA_VIOLATION, f"schema violation ({error.field}: {error.message})", {error.field: error.message}
            ) from error
