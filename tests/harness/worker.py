"""What a plugin has of a worker, in the loop of a test."""

import asyncio
from collections.abc import Iterable

from gateline.engine.local_state import (
    LocalCache,
    LocalCounters,
    LocalCredentials,
    LocalDocuments,
    LocalSlots,
    LocalTallies,
)
from gateline.engine.node import PluginNode, WorkerNode
from gateline.engine.written import LocalEntities
from gateline.sharedstate import Shelves
from gateline.testing.http import FakeHttp

__all__ = ["ending", "worker_node"]


def worker_node(
    counters: LocalCounters | None = None, *, skew: float = 0.0, authorities: tuple[str, ...] = ()
) -> PluginNode:
    """A plugin's node; those with the same counters are workers of one. `skew`: seconds by which its clock is wrong."""
    nobody = LocalCredentials()
    node = WorkerNode(
        node_id="",
        worker=0,
        credentials=nobody,
        entities=LocalEntities(nobody),
        counters=counters or LocalCounters(),
        slots=LocalSlots(),
        tallies=LocalTallies(),
        cache=LocalCache(),
        documents=LocalDocuments(),
        http=FakeHttp(),
        trusts=lambda _: False,
        shelves=Shelves(None),
        settings={},
        authorities=authorities,
    ).for_plugin("test")
    real = node.time
    node.time = lambda: real() + skew
    return node


async def ending(nodes: Iterable[PluginNode]) -> None:
    """Close them, and wait until they have let go of everything."""
    for node in nodes:
        node.close()
    names = ("end of plugin", "timer of plugin", "background of plugin")
    ends = {task for task in asyncio.all_tasks() if task.get_name().startswith(names)}
    if ends:
        await asyncio.wait(ends, timeout=20)
