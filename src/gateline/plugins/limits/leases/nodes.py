"""The nodes that lease from one Redis: how many there are, and what time it is there. Asked in the background, for all
plugins of a worker together; of the workers of a node now one asks, now another one."""

import logging
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from gateline.pdk import Node
from gateline.pdk.redis import RedisClient, RedisError
from gateline.pdk.redis.clock import RedisClock
from gateline.pdk.redis.endpoint import Endpoint
from gateline.plugins.limits.leases.script import HEARTBEAT
from gateline.plugins.limits.synced_windows import incarnation

__all__ = ["INTERVAL", "KnownNodes", "known_nodes"]

_log = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two heartbeats."""

RECOVERY = 4.0
"""Seconds after Redis was gone, or empty, in which other nodes may not know yet that it is there."""

FEWER = 10.0
"""Seconds after which it is believed that there are fewer nodes than before."""

_OWN = 20.0
"""Seconds after which a worker asks itself, as it needs the time."""

_KEY = "gateline:nodes"

_known: "WeakKeyDictionary[Any, WeakValueDictionary[Endpoint, KnownNodes]]" = WeakKeyDictionary()
"""By worker (its counters stand for it), and by the Redis."""


def known_nodes(client: RedisClient, node: Node) -> "KnownNodes":
    """Those of a worker, the same for all plugins that mean one Redis."""
    of_worker = _known.setdefault(node.counters, WeakValueDictionary())
    found = of_worker.get(client.endpoint)
    if found is None:
        found = of_worker[client.endpoint] = KnownNodes(node, str(client.endpoint))
    return found


class KnownNodes:
    """`count` is how many nodes were there when Redis last answered; `up`, whether it did. `place` names the Redis."""

    def __init__(self, node: Node, place: str) -> None:
        self.count = 1
        self.up = True
        self.clock = RedisClock(node.time)
        self._node = node
        self._place = place
        self._own_after = self._fewer_after = self._recovered_after = 0.0

    @property
    def name(self) -> str:
        """What names this node."""
        return incarnation(self._node)

    @property
    def recovering(self) -> bool:
        """Whether a node shall have no more than its share: others may be giving themselves theirs."""
        return monotonic() < self._recovered_after

    def failed(self) -> None:
        """Redis did not answer."""
        self.up = False
        self._recovered_after = monotonic() + RECOVERY

    async def beat_in_time(self, client: RedisClient) -> None:
        """As `beat`, unless another plugin or worker of this node did lately."""
        counters = self._node.counters
        _, first = counters.increment_within(f"redis:beating:{self._place}", 1, ttl=INTERVAL * 0.75)
        if first or not self.up or monotonic() >= self._own_after:
            await self.beat(client)
        else:
            self._counted(counters.get(self._stored))

    async def beat(self, client: RedisClient) -> None:
        """Tell Redis that this node is there, and be told of the others."""
        begun = self.clock.begin()
        try:
            count, seconds, microseconds = await client.run_script(HEARTBEAT, (_KEY,), (self.name,))
        except RedisError as error:
            if self.up:
                _log.warning("limits: each node goes on with its share, one of %d: %s", self.count, error)
            self.failed()
            return
        if not self.up:
            _log.warning("limits: %s is there again", self._place)
        self.up = True
        self.clock.measured(seconds + microseconds / 1e6, begun)
        self._counted(int(count))
        self._own_after = monotonic() + _OWN
        self._node.counters.remove(self._stored)
        self._node.counters.increment(self._stored, int(count), ttl=FEWER)

    @property
    def _stored(self) -> str:
        return f"redis:nodes:{self._place}"

    def _counted(self, count: int) -> None:
        now = monotonic()
        if count >= self.count or now > self._fewer_after:  # a Redis that was empty hears of all nodes only by and by
            self.count, self._fewer_after = max(count, 1), now + FEWER
        elif count == 1:
            self._recovered_after = now + RECOVERY
